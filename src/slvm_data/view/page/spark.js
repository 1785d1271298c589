import { color, dashes, theme } from "./colors.js";
import { element } from "./element.js";
import { ends } from "./numbers.js";

/** A small picture of a signal over time, with a line at the shown frame, and the regimes as a band below. */
export class Spark {
  constructor(sequence, width, height, label) {
    Object.assign(this, { sequence, width, height });
    const sharp = window.devicePixelRatio || 1;
    this.canvas = element("canvas", { className: "spark", role: "img", "aria-label": label });
    Object.assign(this.canvas, { width: width * sharp, height: height * sharp });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.context = this.canvas.getContext("2d");
    this.context.scale(sharp, sharp);
  }

  show(frame) {
    const { context, sequence, width, height } = this;
    const last = sequence.time.length - 1;
    const x = (t) => 4 + ((width - 8) * t) / Math.max(1, last);
    context.clearRect(0, 0, width, height);
    if (sequence.mode) this.#regimes(x);
    this.#lines(x);
    context.lineWidth = 1;
    context.setLineDash([]);
    context.strokeStyle = theme("--ink");
    context.beginPath();
    context.moveTo(x(Math.min(frame, last)), 0);
    context.lineTo(x(Math.min(frame, last)), height);
    context.stroke();
  }

  #lines(x) {
    this.context.lineWidth = 1.5;
    const [low, high] = ends(this.sequence.signal);
    const room = this.height - 12;
    const y = (value) => 4 + room * (1 - (value - low) / (high - low || 1));
    this.sequence.signal.forEach((column, i) => {
      this.context.strokeStyle = color(i);
      this.context.setLineDash(dashes(i));
      this.context.beginPath();
      column.forEach((value, t) => this.context.lineTo(x(t), y(value)));
      this.context.stroke();
    });
  }

  #regimes(x) {
    const { mode } = this.sequence;
    for (let start = 0, stop; start < mode.length; start = stop) {
      stop = start + 1;
      while (stop < mode.length && mode[stop] === mode[start]) stop++;
      this.context.fillStyle = color(mode[start]);
      this.context.fillRect(x(start - 0.5), this.height - 5, x(stop) - x(start), 5);
    }
  }
}
