import { theme } from "./colors.js";
import { element } from "./element.js";

const [WIDE, THIN, SHARE] = [6, 1, 0.7]; // px of a mark, and its share of the time to the next frame
const EVEN = 0.01; // of the mean time between frames, by which even frames may differ

/** Whether frames are missing, or are not evenly spaced in time: then their marks say something. */
export function uneven({ time, mask }) {
  if (mask?.includes(false)) return true;
  const mean = (time.at(-1) - time[0]) / (time.length - 1);
  return time.some((t, i) => i > 0 && Math.abs(t - time[i - 1] - mean) > EVEN * mean);
}

/** Time between a frame and the one before it; half a mean step beyond both ends. */
export function edge(time, t) {
  const last = time.length - 1;
  const half = last ? (time[last] - time[0]) / last / 2 : 0.5;
  if (t === 0) return time[0] - half;
  return t > last ? time[last] + half : (time[t - 1] + time[t]) / 2;
}

/** A mark for each frame that is there, at its time; `x` leads from times to pixels. Missing frames leave gaps. */
export function marks(context, { time, mask }, x, top, height, sharp = 1) {
  const steps = Array.from(time, (t, i) => (i ? x(t) - x(time[i - 1]) : Infinity));
  const width = Math.min(WIDE * sharp, Math.max(THIN * sharp, SHARE * Math.min(...steps)));
  context.save();
  context.fillStyle = theme("--muted");
  time.forEach((t, i) => {
    if (!mask || mask[i]) context.fillRect(x(t) - width / 2, top, width, height);
  });
  context.restore();
}

/** How many frames are missing, in words. */
export function missing(mask) {
  return `${mask.filter((there) => !there).length} of ${mask.length} frames`;
}

/** The frames of a sequence as marks along its time, with a line at the shown one; with a player, a click goes there. */
export class Timeline {
  constructor(sequence, width, height, player) {
    Object.assign(this, { sequence, width, height });
    const sharp = window.devicePixelRatio || 1;
    const label = sequence.mask ? `Missing: ${missing(sequence.mask)}` : "Times of the frames";
    this.canvas = element("canvas", { className: "timeline", role: "img", "aria-label": label });
    Object.assign(this.canvas, { width: width * sharp, height: height * sharp });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.context = this.canvas.getContext("2d");
    this.context.scale(sharp, sharp);
    if (player) this.canvas.addEventListener("click", (event) => player.seek(this.#nearest(event.offsetX)));
  }

  show(frame) {
    const { context, sequence, width, height } = this;
    const { time } = sequence;
    context.clearRect(0, 0, width, height);
    marks(context, sequence, (t) => this.#x(t), 0, height);
    context.fillStyle = theme("--focus");
    context.fillRect(this.#x(time[Math.min(frame, time.length - 1)]) - 1, 0, 2, height);
  }

  #x(t) {
    const { time } = this.sequence;
    const [low, high] = [edge(time, 0), edge(time, time.length)];
    return (this.width * (t - low)) / (high - low);
  }

  #nearest(x) {
    const away = Array.from(this.sequence.time, (t) => Math.abs(this.#x(t) - x));
    return away.indexOf(Math.min(...away));
  }
}
