/**
 * The line as long as the episode, with the playhead on it.
 */
export class Strip {
  /** @param {SVGElement} svg */
  constructor(svg) {
    this.playhead = svg.querySelector(".playhead");
    this.elapsed = svg.querySelector(".elapsed");
    this.length = svg.viewBox.baseVal.width;
  }

  /**
   * @param {number} ms
   * @param {number} durationMs
   */
  show(ms, durationMs) {
    if (!(durationMs > 0) || !Number.isFinite(ms)) return;
    const x = String((ms / durationMs) * this.length);
    this.playhead.setAttribute("x1", x);
    this.playhead.setAttribute("x2", x);
    this.elapsed.setAttribute("x2", x);
  }
}
