/* global uPlot */
import { color, dashes, sample, theme } from "./colors.js";
import { element } from "./element.js";
import { ends, named, short } from "./numbers.js";
import { edge, marks, uneven } from "./timeline.js";

const [HEIGHT, MORE] = [164, 8]; // px: of a plot, and for each line beyond six
const DIRECT = 10; // lines that are named where they end; names of more would overlap
const [FONT, APART, LEAD, WIDEST] = [11, 11, 20, 110]; // px: of names, from one to the next, before them, at most
const NO_MOUSE = ["mousedown", "mouseup", "click", "dblclick", "mousemove", "mouseleave", "mouseenter"];
const DOT = 4; // px
const MARKS = 5; // px, height of the marks of frames
const NEARLY = 1e-3; // a curve that changes by less of its value is shown as one that does not

/**
 * Lines over time, with a cursor at the frame that is shown; a click goes to a frame. `sequence` gives the times,
 * the regimes, drawn as bands, missing frames, shaded, and impacts and instants of drifts, as dotted lines. `lines` are
 * triples of name, numbers and unit; with `held`, a number lasts until the next frame. `room` is the space beside them for
 * names [px], the same in all plots of a sequence, so that their cursors stand below each other.
 */
export class Curve {
  constructor(sequence, title, lines, player, { room, held = false }) {
    Object.assign(this, { sequence, lines, room, held });
    this.height = HEIGHT + MORE * Math.max(0, Math.min(DIRECT, lines.length) - 6);
    this.host = element("div", { className: "curve" });
    this.node = element("figure", {}, element("figcaption", {}, title), this.host);
    this.host.setAttribute("role", "img");
    this.host.setAttribute("aria-label", this.#said(title));
    this.plot = new uPlot(this.#options(), [sequence.time, ...lines.map(([, numbers]) => gapped(numbers))], this.host);
    samples(this.plot, lines.length);
    this.plot.over.addEventListener("click", (event) => player.seek(this.plot.posToIdx(event.offsetX)));
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this.host);
  }

  show(frame) {
    this.frame = Math.min(frame, this.sequence.time.length - 1);
    this.plot.setCursor({ left: this.plot.valToPos(this.sequence.time[this.frame], "x"), top: 0 });
  }

  close() {
    this.observer.disconnect();
    this.plot.destroy();
  }

  #fit() {
    if (!this.host.clientWidth) return;
    this.plot.setSize({ width: this.host.clientWidth, height: this.height });
    this.show(this.frame ?? 0);
  }

  #said(title) {
    const parts = this.lines.map(([name, numbers]) => `${name} between ${ends([numbers]).map(short).join(" and ")}`);
    return `${title} over time: ${parts.join("; ")}`;
  }

  #options() {
    const bind = Object.fromEntries(NO_MOUSE.map((name) => [name, () => null]));
    const series = this.lines.map(([name, numbers, unit], i) => ({
      label: named(name, unit),
      stroke: () => color(i),
      dash: dashes(i),
      width: 1.5,
      points: gapped(numbers) === numbers ? { show: false } : { show: true, size: DOT }, // a gap on both sides: no line
      ...(this.held ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      value: (_, value) => short(value),
    }));
    const direct = this.lines.length > 1 && this.lines.length <= DIRECT;
    return {
      width: 320,
      pxAlign: 0,
      height: this.height,
      padding: [8, this.room, 0, 0],
      cursor: { y: false, drag: { x: false, y: false, click: () => {} }, bind }, // a click is ours, never a drag
      scales: { x: { time: false }, y: { range: (_, low, high) => roomy(low, high) } },
      axes: [axis("x", 26, 48, "t [s]"), axis("y", 52, 22, measured(this.lines))],
      series: [{ label: "t [s]", value: (_, value) => short(value) }, ...series],
      legend: { markers: { width: 0 } }, // ours show the dashes
      hooks: {
        drawClear: [bands, gaps, instants].map((draw) => (plot) => draw(plot, this.sequence)),
        draw: [(plot) => frames(plot, this.sequence), ...(direct ? [(plot) => names(plot, this.lines)] : [])],
      },
    };
  }
}

/** What the numbers of lines are measured in: their unit, or if there are several, that of each. */
function measured(lines) {
  const units = [...new Set(lines.map(([, , unit]) => unit))];
  if (units.length === 1) return units[0] ? `[${units[0]}]` : " "; // as wide as in the other plots of a sequence
  return lines.length > 2 ? `[${units.join(", ")}]` : lines.map(([name, , unit]) => named(name, unit)).join(", ");
}

/** An axis of a plot: its room and the least space between two numbers [px], and what it says. */
export function axis(scale, size, space, label) {
  const ink = () => theme("--muted");
  const grid = { stroke: () => theme("--grid"), width: 1 };
  const values = (_, marks) => marks.map(short);
  const font = `${FONT}px system-ui`;
  const said = { label, labelSize: 15, labelGap: 0, labelFont: font };
  return { scale, size, stroke: ink, grid, ticks: { ...grid, size: 4 }, font, values, space, gap: 3, ...said };
}

/** Room beside plots for the names of their lines, in px. */
export function roomFor(names) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${FONT}px system-ui`;
  const widest = Math.max(...names.map((name) => context.measureText(name).width));
  return LEAD + Math.min(WIDEST, Math.ceil(widest)) + 4;
}

/** Ends of an axis with some room around these; a value that hardly changes is not magnified. */
export function roomy(low, high) {
  const scale = Math.max(Math.abs(low), Math.abs(high));
  const room = high - low > NEARLY * scale ? (high - low) * 0.08 : scale * 0.1 || 1;
  return [low - room, high + room];
}

/** Numbers with a gap in the place of each that is not there. */
function gapped(numbers) {
  if (numbers.every(Number.isFinite)) return numbers;
  return Array.from(numbers, (value) => (Number.isFinite(value) ? value : null));
}

/** Missing frames as shades. */
function gaps(plot, { time, mask }) {
  const { ctx, bbox } = plot;
  const at = (t) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(edge(time, t), "x", true)));
  ctx.save();
  ctx.fillStyle = theme("--ink");
  ctx.globalAlpha = 0.08;
  mask?.forEach((there, t) => there || ctx.fillRect(at(t), bbox.top, at(t + 1) - at(t), bbox.height));
  ctx.restore();
}

/** Marks of the frames at the bottom, unless all are there and evenly spaced. */
function frames(plot, sequence) {
  const { ctx, bbox } = plot;
  const height = MARKS * devicePixelRatio;
  const x = (t) => plot.valToPos(t, "x", true);
  if (uneven(sequence)) marks(ctx, sequence, x, bbox.top + bbox.height - height, height, devicePixelRatio);
}

/** Regimes as bands with their numbers, each from half a frame before its first to half a frame after its last. */
function bands(plot, { mode, time }) {
  if (!mode) return;
  const { ctx, bbox } = plot;
  const sharp = devicePixelRatio;
  const [first, beyond] = [bbox.left, bbox.left + bbox.width];
  const at = (t) => (t === 0 ? first : t === mode.length ? beyond : plot.valToPos(edge(time, t), "x", true));
  ctx.save();
  Object.assign(ctx, { font: `${FONT * sharp}px system-ui`, textAlign: "left", textBaseline: "alphabetic" });
  for (let start = 0, stop; start < mode.length; start = stop) {
    stop = start + 1;
    while (stop < mode.length && mode[stop] === mode[start]) stop++;
    const [left, width] = [at(start), at(stop) - at(start)];
    ctx.fillStyle = color(mode[start]);
    ctx.globalAlpha = 0.18;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(left, bbox.top, width, 3 * sharp);
    ctx.fillStyle = theme("--ink");
    if (width > 14 * sharp) ctx.fillText(mode[start], left + 4 * sharp, bbox.top + 15 * sharp);
  }
  ctx.restore();
}

/** Impacts, and instants of drifts, as dotted lines with a wedge on top. */
function instants(plot, { impacts, drifts }) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = theme("--muted");
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const time of [...impacts.map((impact) => impact.time), ...drifts]) {
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

/** Names of the lines beside their ends, moved apart where they would overlap. */
function names(plot, lines) {
  const { ctx, bbox } = plot;
  const sharp = devicePixelRatio;
  const ends = lines.map(([, numbers]) => plot.valToPos(numbers.findLast(Number.isFinite) ?? 0, "y", true));
  const places = spread(ends, APART * sharp, bbox.top, bbox.top + bbox.height);
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineWidth = sharp;
  Object.assign(ctx, { font: `${FONT * sharp}px system-ui`, textAlign: "left", textBaseline: "middle" });
  lines.forEach(([name], i) => {
    ctx.fillStyle = ctx.strokeStyle = color(i);
    ctx.beginPath();
    ctx.moveTo(right + 2 * sharp, ends[i]);
    ctx.lineTo(right + (LEAD - 3) * sharp, places[i]);
    ctx.stroke();
    ctx.fillText(name, right + LEAD * sharp, places[i], WIDEST * sharp);
  });
  ctx.restore();
}

/** Heights near to these, but at least `apart` from each other, and between `top` and `bottom`. */
function spread(heights, apart, top, bottom) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const mean = ({ sum, count }) => sum / count;
  const blocks = []; // of names that touch, each by the height that its first name would have
  order.forEach((i, k) => {
    let block = { sum: heights[i] - k * apart, count: 1 };
    while (blocks.length && mean(blocks.at(-1)) >= mean(block)) {
      const { sum, count } = blocks.pop();
      block = { sum: sum + block.sum, count: count + block.count };
    }
    blocks.push(block);
  });
  const most = Math.max(top, bottom - (heights.length - 1) * apart);
  const first = blocks.flatMap((block) => Array(block.count).fill(Math.min(most, Math.max(top, mean(block)))));
  const found = [...heights];
  order.forEach((i, k) => (found[i] = first[k] + k * apart));
  return found;
}

/** Lines in the legend with their colours and dashes. */
function samples(plot, count) {
  const markers = [...plot.root.querySelectorAll(".u-series .u-marker")].slice(-count);
  markers.forEach((marker, i) => marker.replaceChildren(sample(i)));
}
