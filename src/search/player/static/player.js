/**
 * The player at the foot of a page.
 */
import { Deck } from "./deck.js";
import { LeadIn } from "./lead.js";

/**
 * @param {HTMLElement} footer
 * @returns {Deck | null} null where there is nothing to play
 */
export function playerIn(footer) {
  const audio = footer.querySelector("audio");
  const leadIn = audio && new LeadIn(footer.querySelector(".lead select"));
  const notice = footer.querySelector(".notice");
  return audio && new Deck(audio, leadIn, (text) => (notice.textContent = text));
}
