/* global uPlot */
import { color, dashes, theme } from "./colors.js";
import { element } from "./element.js";
import { ends, short } from "./numbers.js";

const HEIGHT = 150; // px
const DIRECT = 6; // lines that are named where they end; more would lie over each other
const NO_MOUSE = ["mousedown", "mouseup", "click", "dblclick", "mousemove", "mouseleave", "mouseenter"];
const NEARLY = 1e-3; // a curve that changes by less of its value is shown as one that does not

/**
 * Lines over time, with a cursor at the frame that is shown; a click seeks. `film` gives the instants, the regimes, as
 * bands, and the impacts, as dotted lines; `lines` are pairs of name and numbers.
 */
export class Curve {
  constructor(film, title, lines, player) {
    this.film = film;
    this.lines = lines;
    this.host = element("div", { className: "curve" });
    this.node = element("figure", {}, element("figcaption", {}, title), this.host);
    this.host.setAttribute("role", "img");
    this.host.setAttribute("aria-label", this.#said(title));
    this.plot = new uPlot(this.#options(), [film.time, ...lines.map(([, numbers]) => numbers)], this.host);
    this.plot.over.addEventListener("click", (event) => player.seek(this.plot.posToIdx(event.offsetX)));
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this.host);
  }

  show(frame) {
    this.frame = Math.min(frame, this.film.time.length - 1);
    this.plot.setCursor({ left: this.plot.valToPos(this.film.time[this.frame], "x"), top: 0 });
  }

  close() {
    this.observer.disconnect();
    this.plot.destroy();
  }

  #fit() {
    if (!this.host.clientWidth) return;
    this.plot.setSize({ width: this.host.clientWidth, height: HEIGHT });
    this.show(this.frame ?? 0);
  }

  #said(title) {
    const parts = this.lines.map(([name, numbers]) => `${name} between ${ends([numbers]).map(short).join(" and ")}`);
    return `${title} over time: ${parts.join("; ")}`;
  }

  #options() {
    const bind = Object.fromEntries(NO_MOUSE.map((name) => [name, () => null]));
    const series = this.lines.map(([label], i) => ({
      label,
      stroke: () => color(i),
      dash: dashes(i),
      width: 1.5,
      points: { show: false },
      value: (_, value) => short(value),
    }));
    const direct = this.lines.length <= DIRECT;
    return {
      width: 320,
      pxAlign: 0,
      height: HEIGHT,
      padding: [8, direct ? 34 : 10, 0, 0],
      cursor: { y: false, drag: { x: false, y: false, click: () => {} }, bind }, // a click is ours, never a drag
      scales: { x: { time: false }, y: { range: (_, low, high) => roomy(low, high) } },
      axes: [axis("x", 26, 48), axis("y", 52, 22)],
      series: [{ label: "t [s]", value: (_, value) => short(value) }, ...series],
      hooks: {
        drawClear: [(plot) => bands(plot, this.film), (plot) => impacts(plot, this.film)],
        draw: direct && this.lines.length > 1 ? [(plot) => names(plot, this.lines)] : [],
      },
    };
  }
}

function axis(scale, size, space) {
  const ink = () => theme("--muted");
  const grid = { stroke: () => theme("--grid"), width: 1 };
  const values = (_, marks) => marks.map(short);
  return { scale, size, stroke: ink, grid, ticks: { ...grid, size: 4 }, font: "11px system-ui", values, space, gap: 3 };
}

/** Ends of an axis with some room around these; a value that hardly changes is no reason to magnify what it does. */
function roomy(low, high) {
  const scale = Math.max(Math.abs(low), Math.abs(high));
  const room = high - low > NEARLY * scale ? (high - low) * 0.08 : scale * 0.1 || 1;
  return [low - room, high + room];
}

/** Regimes as bands with their numbers. */
function bands(plot, { mode, time }) {
  if (!mode) return;
  const { ctx, bbox } = plot;
  const at = (t) => plot.valToPos(time[Math.min(t, time.length - 1)], "x", true);
  for (let start = 0, stop; start < mode.length; start = stop) {
    stop = start + 1;
    while (stop < mode.length && mode[stop] === mode[start]) stop++;
    ctx.save();
    ctx.fillStyle = color(mode[start]);
    ctx.globalAlpha = 0.18;
    ctx.fillRect(at(start), bbox.top, at(stop) - at(start), bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(at(start), bbox.top, at(stop) - at(start), 3 * devicePixelRatio);
    ctx.fillStyle = theme("--ink");
    Object.assign(ctx, { font: `${11 * devicePixelRatio}px system-ui`, textAlign: "left", textBaseline: "alphabetic" });
    if (at(stop) - at(start) > 14 * devicePixelRatio)
      ctx.fillText(mode[start], at(start) + 4, bbox.top + 15 * devicePixelRatio);
    ctx.restore();
  }
}

/** Impacts as dotted lines, with a wedge on top. */
function impacts(plot, film) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = theme("--muted");
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { time } of film.impacts) {
    const x = plot.valToPos(time, "x", true);
    const wedge = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    [
      [x - wedge, bbox.top],
      [x + wedge, bbox.top],
      [x, bbox.top + 1.5 * wedge],
    ].forEach((point) => ctx.lineTo(...point));
    ctx.fill();
  }
  ctx.restore();
}

/** Names of the lines beside their ends, moved apart where they would lie over each other. */
function names(plot, lines) {
  const { ctx, bbox } = plot;
  const apart = 11 * devicePixelRatio;
  const labels = lines.map(([name, numbers], i) => ({
    name,
    i,
    y: plot.valToPos(numbers[numbers.length - 1], "y", true),
  }));
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, k) => k && (label.y = Math.max(label.y, labels[k - 1].y + apart)));
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui`;
  Object.assign(ctx, { textAlign: "left", textBaseline: "middle" });
  for (const { name, i, y } of labels) {
    ctx.fillStyle = color(i);
    ctx.fillText(name, bbox.left + bbox.width + 5 * devicePixelRatio, y);
  }
  ctx.restore();
}
