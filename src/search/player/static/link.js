/**
 * Links to a moment: into the address bar and onto the clipboard.
 */
import { fragment } from "./clock.js";

/**
 * Lets the address bar say where the page stands.
 * @param {number} ms
 */
export function stand(ms) {
  history.replaceState(null, "", `#${fragment(ms)}`);
}

/**
 * Copies the page's address with that moment; browsers allow it to pages from this machine or over HTTPS.
 * @param {number} ms
 * @returns {Promise<string>} what to tell the reader
 */
export async function copy(ms) {
  stand(ms);
  try {
    await navigator.clipboard.writeText(location.href);
    return "Copied.";
  } catch {
    return "The link is in the address bar.";
  }
}
