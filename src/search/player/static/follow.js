/**
 * Keeps in view where it plays, until the reader scrolls away.
 */

const SETTLED_MS = 150; // after the last scroll event, a scroll is over

export class Follow {
  #following = true;
  #scrolling = 0;

  /**
   * @param {() => HTMLElement | undefined} place where it plays
   * @param {HTMLButtonElement} back leads there, shown while the reader is elsewhere
   */
  constructor(place, back) {
    this.place = place;
    this.back = back;
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    back.addEventListener("click", () => this.take());
  }

  /**
   * Goes there, wherever the reader was.
   * @param {ScrollBehavior} behavior
   */
  take(behavior = smoothly()) {
    this.#set(true);
    this.place()?.scrollIntoView({ block: "center", behavior });
  }

  /** Goes along again, with no more scrolling than is needed. */
  resume() {
    this.#set(true);
    this.keep();
  }

  /** Goes along if what plays is about to leave the middle of the window. */
  keep() {
    const row = this.place();
    if (!row || !this.#following || this.#scrolling) return;
    const { top, bottom } = row.getBoundingClientRect();
    if (top < innerHeight * 0.12 || bottom > innerHeight * 0.7) this.take();
  }

  #scrolled() {
    clearTimeout(this.#scrolling);
    this.#scrolling = setTimeout(() => {
      this.#scrolling = 0;
      const row = this.place();
      if (row) this.#set(inView(row));
    }, SETTLED_MS);
  }

  /** @param {boolean} following */
  #set(following) {
    this.#following = following;
    this.back.hidden = following;
  }
}

/** @param {HTMLElement} element */
function inView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** @returns {ScrollBehavior} */
function smoothly() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}
