/**
 * The play buttons beside hits: all play on one deck, one at a time.
 */
import { soundOf } from "./sound.js";

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
  }

  /** @param {HTMLButtonElement} button */
  #press(button) {
    if (this.#on === button && this.deck.playing) {
      this.deck.audio.pause();
      return;
    }
    this.#on?.removeAttribute("aria-pressed");
    this.#on = button;
    this.#name(button.dataset);
    this.deck.load(soundOf(button.dataset));
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
}
