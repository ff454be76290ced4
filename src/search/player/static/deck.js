/**
 * The audio element, told where to go in milliseconds.
 */
export class Deck {
  /** Where to begin once it is known how long the audio is. @type {number | null} */
  #waiting = null;

  /** Where it last went, and where it is to stop. */
  #startMs = 0;
  #endMs = Infinity;

  /** @param {HTMLAudioElement} audio */
  constructor(audio) {
    this.audio = audio;
    audio.addEventListener("loadedmetadata", () => this.#waiting !== null && this.goTo(this.#waiting, this.#endMs));
    audio.addEventListener("seeking", () => this.#sought());
    this.onTime((ms) => ms >= this.#endMs && this.#stop());
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  get ms() {
    return this.#waiting ?? this.audio.currentTime * 1000;
  }

  /**
   * Puts another recording on, unless it is on already.
   * @param {string} url
   */
  load(url) {
    if (this.audio.getAttribute("src") === url) return;
    this.audio.src = url;
  }

  /**
   * Goes to a moment, or to the end where the moment lies beyond it; stops at `endMs`.
   * @param {number} ms
   * @param {number} endMs
   */
  goTo(ms, endMs = Infinity) {
    const known = this.audio.readyState >= HTMLMediaElement.HAVE_METADATA;
    this.#waiting = known ? null : ms;
    if (known) this.audio.currentTime = ms / 1000; // the browser knows where the end is
    this.#startMs = known ? this.ms : ms;
    this.#endMs = endMs;
  }

  /** @param {number} ms */
  skip(ms) {
    this.goTo(Math.max(0, this.ms + ms));
  }

  /** Plays; where the browser will not, the audio element shows so. */
  async play() {
    try {
      await this.audio.play();
    } catch (problem) {
      if (!(problem instanceof DOMException)) throw problem;
    }
  }

  toggle() {
    if (this.playing) this.audio.pause();
    else this.play();
  }

  /**
   * Tells the time whenever it changes, as often as the screen is drawn while it plays.
   * @param {(ms: number) => void} listener
   */
  onTime(listener) {
    let frame = 0;
    const tell = () => {
      cancelAnimationFrame(frame);
      listener(this.ms);
      if (this.playing) frame = requestAnimationFrame(tell);
    };
    for (const event of ["loadedmetadata", "playing", "pause", "seeking", "timeupdate"]) {
      this.audio.addEventListener(event, tell);
    }
  }

  /** Once the listener has gone elsewhere, no link says where to stop. */
  #sought() {
    if (Math.abs(this.ms - this.#startMs) > 1) this.#endMs = Infinity;
  }

  #stop() {
    this.#endMs = Infinity;
    this.audio.pause();
  }
}
