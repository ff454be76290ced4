/**
 * The search page, and every other page without a transcript.
 */
import { Deck } from "./deck.js";
import { Hits } from "./hits.js";
import { listenToKeys } from "./keys.js";

const footer = document.querySelector(".deck");
const deck = footer && new Deck(footer.querySelector("audio"));
if (deck) new Hits([...document.querySelectorAll("button.play")], deck, footer);
listenToKeys(deck);
