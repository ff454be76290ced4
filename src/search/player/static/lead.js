/**
 * How far ahead of a word its reader wants playing to start; kept in this browser.
 */

const KEY = "playhead.lead-in-ms";

export class LeadIn {
  /** @param {HTMLSelectElement} select its values are milliseconds */
  constructor(select) {
    this.select = select;
    const kept = stored();
    if ([...select.options].some(({ value }) => value === kept)) select.value = kept;
    select.addEventListener("change", () => store(select.value));
  }

  get ms() {
    return Number(this.select.value);
  }
}

/** @returns {string | null} */
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser may forbid it
  }
}

/** @param {string} value */
function store(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // then the choice holds for this page
  }
}
