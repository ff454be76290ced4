/**
 * The search page, and every other page without a transcript.
 */
import { playerIn } from "./player.js";
import { Hits } from "./hits.js";
import { listenToKeys } from "./keys.js";

const footer = document.querySelector(".deck");
const deck = footer && playerIn(footer);
if (deck) new Hits([...document.querySelectorAll("button.play")], deck, footer);
listenToKeys(deck);
