/**
 * The transcript on the page: which word is said when, and where on the page it stands.
 */

/** Links are cut to a tenth of a second: the word that begins within it is the one meant. */
const LINK_MS = 99;

/**
 * @typedef {{start_ms: number, end_ms: number, text: string, spoken?: boolean}} Word
 * @typedef {{words: Word[]}} Segment
 */

export class Transcript {
  /** As the API gives them, once loaded. @type {Segment[]} */
  #segments = [];

  /** The words of a segment on the page, for those segments where they were needed. @type {Map<number, HTMLElement[]>} */
  #words = new Map();

  /** @type {HTMLElement | undefined} */
  #said;

  /** The segment at the time last shown. @type {HTMLElement | undefined} */
  current;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    /** @type {HTMLElement[]} */
    this.rows = [...element.querySelectorAll(".segment")];
    this.starts = this.rows.map((row) => Number(row.dataset.startMs));
    element.addEventListener("pointerover", ({ target }) => this.#wordsOf(this.#rowOf(target)));
  }

  /** Fetches the times of the words; without them, segments alone are marked. */
  async load() {
    const response = await fetch(this.element.dataset.url);
    if (!response.ok) return;
    const { segments } = await response.json();
    if (segments.length === this.rows.length) this.#segments = segments;
  }

  /**
   * That time, or the start of the last segment where it lies beyond.
   * @param {number} ms
   */
  within(ms) {
    return Math.min(ms, this.starts.at(-1) ?? 0);
  }

  /**
   * Marks what is said at that time; before the first word, nothing.
   * @param {number} ms
   */
  show(ms) {
    const row = lastUpTo(this.starts, ms + LINK_MS);
    const words = this.#segments[row]?.words ?? [];
    const word = lastUpTo(words.map((each) => each.start_ms), ms + LINK_MS);
    this.#mark(this.rows[row], this.#wordsOf(row)[word]);
  }

  /**
   * Marks the words said between two times as those that were looked for.
   * @param {number} startMs
   * @param {number} endMs
   */
  markSought(startMs, endMs) {
    for (let row = Math.max(0, lastUpTo(this.starts, startMs)); this.starts[row] < endMs; row += 1) {
      const words = this.#segments[row]?.words ?? [];
      this.#wordsOf(row).forEach((element, i) => {
        if (within(words[i], startMs, endMs)) element.classList.add("sought");
      });
    }
  }

  /**
   * When the word under a click was said, or the segment where no word is under it; null outside of segments.
   * @param {MouseEvent} click
   * @returns {number | null}
   */
  timeAt(click) {
    const row = this.#rowOf(click.target);
    this.#wordsOf(row); // so that there is a word to be under the pointer
    const under = document.elementFromPoint(click.clientX, click.clientY);
    const word = this.#wordsOf(row).findIndex((element) => element === under);
    return this.#segments[row]?.words[word]?.start_ms ?? this.starts[row] ?? null;
  }

  /**
   * @param {EventTarget | null} target
   * @returns {number} -1 for what is in no segment
   */
  #rowOf(target) {
    return target instanceof Element ? this.rows.indexOf(target.closest(".segment")) : -1;
  }

  /**
   * @param {HTMLElement | undefined} row
   * @param {HTMLElement | undefined} word
   */
  #mark(row, word) {
    if (row !== this.current) {
      this.current?.removeAttribute("aria-current");
      row?.setAttribute("aria-current", "true");
      this.current = row;
    }
    if (word !== this.#said) {
      this.#said?.classList.remove("now");
      word?.classList.add("now");
      this.#said = word;
    }
  }

  /**
   * The words of a segment as elements, made when first asked for: all of them at once would weigh a long page down.
   * @param {number} row
   * @returns {HTMLElement[]}
   */
  #wordsOf(row) {
    if (!this.#segments[row]) return [];
    if (!this.#words.has(row)) {
      this.#words.set(row, wrapped(this.rows[row].querySelector(".text"), this.#segments[row].words));
    }
    return this.#words.get(row);
  }
}

/**
 * Puts each word of a text into an element of its own; none where the text has other words.
 * @param {HTMLElement} text
 * @param {Word[]} words
 * @returns {HTMLElement[]}
 */
function wrapped(text, words) {
  const whole = text.textContent;
  const pieces = [];
  const elements = [];
  let at = 0;
  for (const word of words) {
    const begin = whole.indexOf(word.text, at);
    if (begin < 0) return [];
    const className = word.spoken === false ? "word sound" : "word";
    const element = Object.assign(document.createElement("span"), { className, textContent: word.text });
    pieces.push(whole.slice(at, begin), element);
    elements.push(element);
    at = begin + word.text.length;
  }
  text.replaceChildren(...pieces, whole.slice(at));
  return elements;
}

/**
 * The index of the last number that is not above the limit; -1 if all are.
 * @param {number[]} ascending
 * @param {number} limit
 */
function lastUpTo(ascending, limit) {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * @param {Word} word
 * @param {number} startMs
 * @param {number} endMs
 */
function within(word, startMs, endMs) {
  return word.start_ms >= startMs && word.end_ms <= endMs;
}
