/**
 * The sound of an episode: where it lies, and how far ahead of a word it must be started.
 */

/**
 * @typedef {object} Sound
 * @property {string} stored the address of the stored bytes, which always play
 * @property {string} address the address of what seeks truly, as far as there is such a thing already
 * @property {string} type the media type of what lies there
 * @property {number} leadMs how far ahead of a word playing must start for all of the word to be heard
 * @property {string | undefined} awaited the address of a copy that is still to be made
 * @property {boolean} inexact whether a copy is needed and cannot be made
 */

/**
 * As a page's data attributes tell it.
 * @param {DOMStringMap} data
 * @returns {Sound}
 */
export function soundOf({ stored, audio, type, leadMs, awaited, inexact }) {
  return { stored, address: audio, type, leadMs: Number(leadMs), awaited, inexact: inexact !== undefined };
}

const TRIES = 40; // half a minute each, as long as the service waits

/**
 * Has the copy of a sound made, and waits for it.
 * @param {Sound} sound
 * @returns {Promise<Sound>} the copy; the sound as it is where none is needed; inexact where none could be made
 */
export async function made(sound) {
  for (let tried = 0; tried < TRIES; tried++) {
    const response = await fetch(sound.awaited, { method: "HEAD" }).catch(() => null);
    if (response?.ok) {
      const isStored = response.headers.has("Content-Location");
      const type = response.headers.get("Content-Type");
      return { ...sound, awaited: undefined, ...(!isStored && { address: sound.awaited, type }) };
    }
    if (response?.status !== 503) break;
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 5)));
  }
  return { ...sound, awaited: undefined, inexact: true };
}
