import { color, dashes, theme } from "./colors.js";
import { element } from "./element.js";
import { ends } from "./numbers.js";
import { edge, marks, uneven } from "./timeline.js";

const BAND = 5; // px, height of the regimes, and of the marks of frames

/** A small picture of a signal over time, with a line at the shown frame, and the regimes as a band below. */
export class Spark {
  constructor(sequence, width, height, label) {
    Object.assign(this, { sequence, width, height });
    const sharp = window.devicePixelRatio || 1;
    this.canvas = this.node = element("canvas", { className: "spark", role: "img", "aria-label": label });
    Object.assign(this.canvas, { width: width * sharp, height: height * sharp });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.context = this.canvas.getContext("2d");
    this.context.scale(sharp, sharp);
  }

  show(frame) {
    const { context, sequence, width, height } = this;
    const { time } = sequence;
    const last = time.length - 1;
    const x = (t) => 4 + ((width - 8) * (t - time[0])) / (time[last] - time[0] || 1);
    context.clearRect(0, 0, width, height);
    if (sequence.mode) this.#regimes(x);
    if (uneven(sequence)) marks(context, sequence, x, height - (sequence.mode ? 2 : 1) * BAND, BAND - 1);
    this.#lines(x);
    context.lineWidth = 1;
    context.setLineDash([]);
    context.strokeStyle = theme("--ink");
    context.beginPath();
    context.moveTo(x(time[Math.min(frame, last)]), 0);
    context.lineTo(x(time[Math.min(frame, last)]), height);
    context.stroke();
  }

  #lines(x) {
    const { signal, time } = this.sequence;
    this.context.lineWidth = 1.5;
    const [low, high] = ends(signal);
    const room = this.height - 12;
    const y = (value) => 4 + room * (1 - (value - low) / (high - low || 1));
    signal.forEach((column, i) => {
      this.context.strokeStyle = color(i);
      this.context.setLineDash(dashes(i));
      this.context.beginPath();
      column.forEach((value, t) => this.#reach(t, x(time[t]), y(value)));
      this.context.stroke();
    });
  }

  /** Go on with a line, which has a gap where frames are missing; a number between two gaps becomes a dash. */
  #reach(t, x, y) {
    const there = (i) => this.sequence.mask?.[i] ?? true;
    if (!there(t)) return;
    if (t && !there(t - 1)) this.context.moveTo(x - 1, y);
    this.context.lineTo(x + (there(t + 1) ? 0 : 1), y);
  }

  #regimes(x) {
    const { mode, time } = this.sequence;
    for (let start = 0, stop; start < mode.length; start = stop) {
      stop = start + 1;
      while (stop < mode.length && mode[stop] === mode[start]) stop++;
      this.context.fillStyle = color(mode[start]);
      const [left, right] = [x(edge(time, start)), x(edge(time, stop))];
      this.context.fillRect(left, this.height - BAND, right - left, BAND);
    }
  }
}
