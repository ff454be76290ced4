/**
 * The play buttons beside hits: all play on one deck, one at a time.
 */
export class Hits {
  /** The button whose hit is on the deck. @type {HTMLButtonElement | null} */
  #on = null;

  /**
   * @param {HTMLButtonElement[]} buttons
   * @param {import("./deck.js").Deck} deck
   * @param {HTMLElement} footer holds the deck, hidden until something plays
   */
  constructor(buttons, deck, footer) {
    this.deck = deck;
    this.footer = footer;
    for (const button of buttons) button.addEventListener("click", () => this.#press(button));
    for (const event of ["play", "playing", "pause", "ended"]) {
      deck.audio.addEventListener(event, () => this.#show());
    }
    deck.audio.addEventListener("error", () => this.#tell("This audio cannot be played here."));
  }

  /** @param {HTMLButtonElement} button */
  #press(button) {
    if (this.#on === button && this.deck.playing) {
      this.deck.audio.pause();
      return;
    }
    this.#on?.removeAttribute("aria-pressed");
    this.#on = button;
    this.#tell("");
    this.#name(button.dataset);
    this.deck.load(button.dataset.audio);
    this.deck.goTo(Number(button.dataset.startMs));
    this.deck.play();
  }

  /** @param {DOMStringMap} hit */
  #name({ title, player }) {
    this.footer.hidden = false;
    const link = this.footer.querySelector(".playing a");
    link.textContent = title;
    link.href = player;
  }

  #show() {
    this.#on?.setAttribute("aria-pressed", String(this.deck.playing));
  }

  /** @param {string} notice */
  #tell(notice) {
    this.footer.querySelector(".notice").textContent = notice;
  }
}
