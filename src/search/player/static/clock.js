/**
 * Times as people and links write them.
 */

/**
 * As a person reads it: `2:03`, `1:02:03`. Fractions are cut.
 * @param {number} ms
 * @returns {string}
 */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
}

/**
 * As a link has it, to the millisecond: `t=754.29`.
 * @param {number} ms
 * @returns {string}
 */
export function fragment(ms) {
  return `t=${Math.round(ms) / 1000}`;
}

/**
 * @typedef {object} Stretch
 * @property {number} startMs 0 or more, perhaps beyond the end of the audio
 * @property {number} endMs Infinity where the link names no end
 */

/**
 * The stretch that a link leads to, in its fragment or else its query: `t=754.2`, `t=1:02:03`, `t=start,end` in seconds
 * (W3C Media Fragments). What is no time, or lies before the start, counts as the start.
 * @param {{hash: string, search: string}} link
 * @returns {Stretch | null} null where the link names no time
 */
export function stretch({ hash, search }) {
  const text = new URLSearchParams(hash.slice(1)).get("t") ?? new URLSearchParams(search).get("t");
  if (text === null) return null;
  const [startMs, endMs] = text.replace(/^npt:/, "").split(",").map(milliseconds);
  return { startMs, endMs: endMs > startMs ? endMs : Infinity };
}

/**
 * @param {string} text
 * @returns {number}
 */
function milliseconds(text) {
  const seconds = text.split(":").reduce((total, part) => total * 60 + Number(part), 0);
  return Math.min(Math.max(0, seconds * 1000), Number.MAX_SAFE_INTEGER) || 0;
}
