/**
 * The audio element, told where to go in milliseconds.
 */
import { fragment } from "./clock.js";
import { made } from "./sound.js";

const BEING_MADE = "A copy that plays at the exact second is being made. Until then, what is heard may lie off the words.";
const INEXACT = "In this file a browser cannot find the exact second: what is heard may lie off the words.";
const UNPLAYABLE = "This audio cannot be played here.";

/** While a copy is being made for no longer than this, the moment that was asked for is played again, from the copy. */
const AGAIN_MS = 10_000;

export class Deck {
  /** @type {import("./sound.js").Sound | null} */
  #sound = null;

  /** What plays of it: the address that the element has, but for the moment. */
  #url = "";

  /** Copies that were made since the page came, by the address of the stored bytes. @type {Map<string, import("./sound.js").Sound>} */
  #copies = new Map();

  /** The moment asked for. */
  #askedMs = 0;

  /** Where the element is sent for it: ahead by the lead-in. */
  #targetMs = 0;

  /** Where to stop. */
  #endMs = Infinity;

  /** Whether it has been sent anywhere yet. */
  #isAimed = false;

  /** Whether it has been told to play, and has not begun. */
  #isStarting = false;

  /** Whether the moment asked for is still to be gone to, once it is known how long the audio is. */
  #waiting = false;

  /**
   * @param {HTMLAudioElement} audio
   * @param {import("./lead.js").LeadIn} leadIn
   * @param {(notice: string) => void} tell shows the reader a line
   */
  constructor(audio, leadIn, tell) {
    this.audio = audio;
    this.leadIn = leadIn;
    this.tell = tell;
    audio.addEventListener("loadedmetadata", () => this.#waiting && this.#arrive());
    audio.addEventListener("seeking", () => this.#sought());
    audio.addEventListener("error", () => this.#failed());
    for (const event of ["playing", "pause"]) audio.addEventListener(event, () => (this.#isStarting = false));
    this.onTime((ms) => ms >= this.#endMs && this.#stop());
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  /** The moment that is played; while the element stands ahead of it, ready to play, the moment asked for. */
  get ms() {
    const ms = this.audio.currentTime * 1000;
    const isReady = !this.playing && ms > this.#targetMs - 1 && ms < this.#askedMs;
    return this.#waiting || isReady ? this.#askedMs : ms;
  }

  /**
   * Puts a sound on, unless it is on already; `goTo` begins to load it.
   * @param {import("./sound.js").Sound} sound
   */
  load(sound) {
    if (this.#sound?.stored === sound.stored) return;
    this.audio.pause();
    this.#take(this.#copies.get(sound.stored) ?? sound);
    if (this.#sound.awaited) this.#await(this.#sound);
  }

  /**
   * Goes to a moment, or to the end where the moment lies beyond it; stops at `endMs`.
   * @param {number} ms
   * @param {number} endMs
   */
  goTo(ms, endMs = Infinity) {
    this.#endMs = endMs;
    this.#askedMs = ms;
    this.#waiting = true;
    const isOn = this.audio.getAttribute("src")?.split("#")[0] === this.#url;
    if (isOn && this.#isAimed && this.audio.readyState >= HTMLMediaElement.HAVE_METADATA) this.#arrive();
    else {
      this.#isAimed = true;
      this.#aim(ms);
      this.audio.src = `${this.#url}#${fragment(this.#targetMs)}`; // so that nothing else is heard first
    }
  }

  /** @param {number} ms */
  skip(ms) {
    this.goTo(Math.max(0, this.ms + ms));
  }

  /** Plays; where the browser will not, the audio element shows so. */
  async play() {
    this.#isStarting = true;
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

  /** @param {import("./sound.js").Sound} sound */
  #take(sound) {
    this.#sound = sound;
    this.#url = this.audio.canPlayType(sound.type) ? sound.address : sound.stored;
    this.tell(sound.inexact ? INEXACT : "");
  }

  /**
   * Plays the stored bytes until there is a copy, and then the copy.
   * @param {import("./sound.js").Sound} sound
   */
  async #await(sound) {
    this.tell(BEING_MADE);
    const copy = await made(sound);
    this.#copies.set(sound.stored, copy);
    if (this.#sound !== sound) return;
    const { ms, playing } = this;
    const before = this.#url;
    this.#take(copy);
    if (this.#url !== before) this.#goOn(Math.abs(ms - this.#askedMs) < AGAIN_MS ? this.#askedMs : ms, playing);
  }

  /** The browser cannot play what it said it could: the stored bytes take over. */
  #failed() {
    const { ms } = this;
    const playing = this.playing || this.#isStarting;
    if (!this.#sound || this.#url === this.#sound.stored) {
      this.tell(UNPLAYABLE);
      return;
    }
    this.#url = this.#sound.stored;
    this.tell(INEXACT);
    this.#goOn(ms, playing);
  }

  /**
   * @param {number} ms
   * @param {boolean} playing
   */
  #goOn(ms, playing) {
    this.goTo(ms, this.#endMs);
    if (playing) this.play();
  }

  /** Where the element is to be sent for a moment. @param {number} ms */
  #aim(ms) {
    this.#targetMs = Math.max(0, ms - (this.#sound?.leadMs ?? 0) - this.leadIn.ms);
  }

  /** Goes to the moment asked for, now that the browser knows where the end is. */
  #arrive() {
    this.#waiting = false;
    this.#askedMs = Math.min(this.#askedMs, this.audio.duration * 1000) || 0;
    this.#aim(this.#askedMs);
    const stands = Math.abs(this.audio.currentTime * 1000 - this.#targetMs) < 1; // as the address had it
    if (!stands) this.audio.currentTime = this.#targetMs / 1000;
  }

  /** Once the listener has gone elsewhere, no moment is asked for, and no link says where to stop. */
  #sought() {
    if (this.#waiting || Math.abs(this.audio.currentTime * 1000 - this.#targetMs) <= 1) return;
    this.#askedMs = this.#targetMs = 0;
    this.#endMs = Infinity;
  }

  #stop() {
    this.#endMs = Infinity;
    this.audio.pause();
  }
}
