/**
 * The line as long as the episode, with the playhead on it.
 */
export class Strip {
  /** @param {SVGElement} svg */
  constructor(svg) {
    this.line = svg.querySelector(".playhead");
    this.length = svg.viewBox.baseVal.width;
  }

  /**
   * @param {number} ms
   * @param {number} durationMs
   */
  show(ms, durationMs) {
    if (!(durationMs > 0) || !Number.isFinite(ms)) return;
    const x = String((ms / durationMs) * this.length);
    this.line.setAttribute("x1", x);
    this.line.setAttribute("x2", x);
    this.line.setAttribute("visibility", "visible");
  }
}
