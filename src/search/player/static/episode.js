/**
 * The player page: audio, transcript and address bar are kept at one moment.
 */
import { clock, stretch } from "./clock.js";
import { Follow } from "./follow.js";
import { listenToKeys } from "./keys.js";
import { copy, stand } from "./link.js";
import { playerIn } from "./player.js";
import { soundOf } from "./sound.js";
import { Strip } from "./strip.js";
import { Transcript } from "./transcript.js";

const footer = document.querySelector(".deck");
const audio = footer.querySelector("audio");
const deck = playerIn(footer);
const strip = new Strip(footer.querySelector(".strip"));
const transcript = new Transcript(document.querySelector(".transcript"));
const follow = new Follow(() => transcript.current, footer.querySelector(".back"));

let now = 0;

/** @param {number} ms */
function show(ms) {
  now = ms;
  const before = transcript.current;
  transcript.show(ms);
  if (audio) strip.show(ms, audio.duration * 1000);
  if (transcript.current !== before) follow.keep();
}

/**
 * @param {number} ms
 * @param {number} [endMs]
 */
function goTo(ms, endMs) {
  deck?.goTo(ms, endMs);
  show(deck ? deck.ms : transcript.within(ms));
}

/**
 * Goes where the address says.
 * @param {ScrollBehavior} [behavior]
 */
function goToAddress(behavior) {
  const asked = stretch(location);
  if (!asked) return;
  goTo(asked.startMs, asked.endMs);
  follow.take(behavior);
}

/** @param {number} ms */
function playFrom(ms) {
  goTo(ms);
  follow.resume();
  stand(ms);
  deck?.play();
}

/** @param {string} notice */
function tell(notice) {
  footer.querySelector(".notice").textContent = notice;
}

document.querySelector("main").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link?.hash.startsWith("#t=") && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
    event.preventDefault();
    playFrom(stretch(link).startMs);
  }
});

transcript.element.addEventListener("click", (event) => {
  if (event.target.closest("a") || !getSelection().isCollapsed) return;
  const ms = transcript.timeAt(event);
  if (ms !== null) playFrom(ms);
});

footer.querySelector(".copy").addEventListener("click", async () => tell(`${clock(now)}: ${await copy(now)}`));
deck?.onTime(show);
deck?.load(soundOf(footer.dataset));
addEventListener("hashchange", () => goToAddress());
listenToKeys(deck);
goToAddress("instant");

await transcript.load();
for (const { dataset } of document.querySelectorAll(".moments a[data-start-ms]")) {
  transcript.markSought(Number(dataset.startMs), Number(dataset.endMs));
}
show(now);
