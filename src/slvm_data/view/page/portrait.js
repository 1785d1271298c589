import { color, dashes, mark, theme } from "./colors.js";
import { element } from "./element.js";
import { ends, named, short, ticks } from "./numbers.js";

const [HEIGHT, LEFT, BOTTOM, ROOM] = [260, 48, 34, 12]; // px

/** Numbers of a state against each other: `portrait` tells which; `down` of the task, whether y points down. */
export class Portrait {
  constructor(sequence, portrait, task) {
    Object.assign(this, { sequence, task, curves: portrait.curves, frame: 0 });
    this.names = portrait.curves.map(([x, y]) => [task.state[x], task.state[y]]);
    this.units = [0, 1].map((side) => [...new Set(portrait.curves.map((pair) => task.units[pair[side]] ?? ""))]);
    const label = `Phase portrait of ${portrait.title}`;
    this.canvas = element("canvas", { className: "portrait", role: "img", "aria-label": label });
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this.canvas);
  }

  show(frame) {
    this.frame = Math.min(frame, this.sequence.time.length - 1);
    this.#draw();
  }

  close() {
    this.observer.disconnect();
  }

  #fit() {
    const sharp = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    Object.assign(this.canvas, { width: this.width * sharp, height: HEIGHT * sharp });
    this.context = this.canvas.getContext("2d");
    this.context.scale(sharp, sharp);
    this.#draw();
  }

  #draw() {
    if (!this.width) return;
    this.context.clearRect(0, 0, this.width, HEIGHT);
    this.context.font = "11px system-ui";
    const place = this.#scales();
    this.#axes(place);
    this.curves.forEach((curve, i) => this.#curve(curve, i, place));
  }

  /** Functions from numbers to places on the canvas; with one scale for both if they are positions in a plane. */
  #scales() {
    const { sequence, curves, width } = this;
    let [x0, x1] = ends(curves.map(([x]) => sequence.state[x]));
    let [y0, y1] = ends(curves.map(([, y]) => sequence.state[y]));
    const [w, h] = [width - LEFT - ROOM, HEIGHT - BOTTOM - ROOM];
    if (this.#plane()) {
      const unit = Math.max((x1 - x0) / w, (y1 - y0) / h) || 1;
      [x0, x1] = [(x0 + x1 - unit * w) / 2, (x0 + x1 + unit * w) / 2];
      [y0, y1] = [(y0 + y1 - unit * h) / 2, (y0 + y1 + unit * h) / 2];
    }
    [x0, x1] = widened(x0, x1);
    [y0, y1] = widened(y0, y1);
    const down = this.task.down && this.names[0][1] === "y";
    const x = (value) => LEFT + (w * (value - x0)) / (x1 - x0);
    const share = (value) => (value - y0) / (y1 - y0);
    const y = (value) => ROOM + h * (down ? share(value) : 1 - share(value));
    return { x, y, xs: ticks(x0, x1, 5), ys: ticks(y0, y1, 4), w, h };
  }

  /** Names on an axis, with their unit. */
  #label(side) {
    return named(this.names.map((pair) => pair[side]).join(", "), this.units[side].join(", "));
  }

  #plane() {
    return this.names.every(([x, y]) => /x$/.test(x) && /y$/.test(y));
  }

  #axes({ x, y, xs, ys, w, h }) {
    const { context } = this;
    context.strokeStyle = theme("--grid");
    context.fillStyle = theme("--muted");
    context.lineWidth = 1;
    context.setLineDash([]);
    context.strokeRect(LEFT, ROOM, w, h);
    context.textAlign = "center";
    xs.forEach((value) => this.#tick(x(value), ROOM, x(value), ROOM + h, short(value), x(value), ROOM + h + 14));
    context.textAlign = "right";
    ys.forEach((value) => this.#tick(LEFT, y(value), LEFT + w, y(value), short(value), LEFT - 5, y(value) + 4));
    context.fillStyle = theme("--ink");
    context.textAlign = "center";
    context.fillText(this.#label(0), LEFT + w / 2, HEIGHT - 4);
    context.save();
    context.translate(11, ROOM + h / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(this.#label(1), 0, 0);
    context.restore();
  }

  #tick(x0, y0, x1, y1, text, x, y) {
    line(this.context, [
      [x0, y0],
      [x1, y1],
    ]);
    this.context.fillText(text, x, y);
  }

  #curve([dx, dy], i, { x, y }) {
    const { context, sequence, frame } = this;
    const points = Array.from(sequence.state[dx], (value, t) => [x(value), y(sequence.state[dy][t])]);
    context.lineWidth = 1.5;
    context.strokeStyle = color(i);
    context.setLineDash(dashes(i));
    context.globalAlpha = 0.35;
    line(context, points);
    context.globalAlpha = 1;
    line(context, points.slice(0, frame + 1));
    context.setLineDash([]);
    context.lineWidth = 1;
    if (sequence.mode) points.forEach(([px, py], t) => this.#regime(sequence.mode[t], px, py));
    this.#now(...points[frame]);
  }

  /** The shown frame: a dot, or a ring about the mark of the regime. */
  #now(x, y) {
    const { context } = this;
    context.fillStyle = context.strokeStyle = theme("--ink");
    if (!this.sequence.mode) return mark(context, 0, x, y, 5);
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.stroke();
  }

  #regime(mode, x, y) {
    this.context.fillStyle = color(mode);
    mark(this.context, mode, x, y, 3);
  }
}

function widened(low, high) {
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

function line(context, points) {
  context.beginPath();
  points.forEach((point) => context.lineTo(...point));
  context.stroke();
}
