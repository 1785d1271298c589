/* global uPlot */
import { theme } from "./colors.js";
import { element } from "./element.js";
import { axis, roomy } from "./curve.js";
import { short } from "./numbers.js";

const HEIGHT = 240; // px
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500]; // frames between two numbers of the axis
const NAMES = ["10 %", "90 % of sequences", "low", "high, 95 % interval", "mean"];

/** A metric frame by frame: its mean over sequences, the interval of the mean, and quantiles over sequences as bands. */
export class Horizon {
  /** `intervals` have mean, low and high of each frame from `first` on, `spread` the two quantiles. */
  constructor(name, unit, first, intervals, spread) {
    const lists = [...spread, ...["low", "high", "mean"].map((key) => intervals.map((own) => finite(own[key])))];
    const frames = intervals.map((_, t) => first + t);
    this.host = element("div", { className: "curve" });
    this.host.setAttribute("role", "img");
    const last = intervals.length - 1;
    const said = `${name} from frame ${first} (${short(lists[4][0])}) to frame ${first + last} (${short(lists[4][last])})`;
    this.host.setAttribute("aria-label", said);
    const lines = lists.map((list) => Array.from(list, finite));
    this.plot = new uPlot(options(unit ? `${name} [${unit}]` : name), [frames, ...lines], this.host);
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this.host);
  }

  close() {
    this.observer.disconnect();
    this.plot.destroy();
  }

  #fit() {
    if (this.host.clientWidth) this.plot.setSize({ width: this.host.clientWidth, height: HEIGHT });
  }
}

function finite(value) {
  return Number.isFinite(value) ? value : null;
}

function options(title) {
  const line = (width) => ({ stroke: () => theme("--accent"), width, points: { show: false } });
  const shade = (share) => () => theme("--accent") + share; // a colour of six digits, and how much of it
  return {
    width: 320,
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => roomy(low, high) } },
    axes: [{ ...axis("x", 26, 48, "frame"), incrs: WHOLE }, axis("y", 56, 22, title)],
    series: [{ label: "frame" }, ...NAMES.map((label, i) => ({ label, value: (_, v) => short(v), ...line(i === 4 ? 2 : 0) }))],
    bands: [
      { series: [2, 1], fill: shade("22") },
      { series: [4, 3], fill: shade("55") },
    ],
    legend: { markers: { width: 0 } },
  };
}
