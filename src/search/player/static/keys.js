/**
 * The keyboard: space plays and pauses, arrows go five seconds, slash goes to the search box.
 */

const SKIP_MS = 5000;

/** What has keys of its own. */
const OWN_KEYS = "input, select, textarea, button, summary, audio, [contenteditable]";

/** @param {import("./deck.js").Deck | null} deck */
export function listenToKeys(deck) {
  const does = {
    "/": () => document.querySelector('input[type="search"]').focus(),
    ...(deck && {
      " ": () => deck.toggle(),
      ArrowLeft: () => deck.skip(-SKIP_MS),
      ArrowRight: () => deck.skip(SKIP_MS),
    }),
  };
  addEventListener("keydown", (event) => {
    const shifted = event.shiftKey && event.key !== "/"; // which is above 7 on some keyboards
    const modified = event.ctrlKey || event.altKey || event.metaKey || shifted;
    if (modified || !does[event.key] || event.target.closest?.(OWN_KEYS)) return;
    event.preventDefault();
    does[event.key]();
  });
}
