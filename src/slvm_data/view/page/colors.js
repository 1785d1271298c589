import { shape } from "./icon.js";

// Okabe and Ito's colours, told apart without colour vision; each line has its own dashes too, each regime its mark.
// Ten lines differ in their dashes alone, seventy in colour or dashes: seven and ten have no divisor in common.
const LINES = 7;
const DASHES = [
  ...[[], [8, 4], [2, 3], [12, 3, 2, 3], [18, 4]],
  ...[[4, 3], [2, 6], [12, 3, 2, 3, 2, 3], [5, 9], [18, 3, 6, 3]],
];
const MARKS = ["circle", "square", "triangle", "diamond", "cross"];

/** The value of a custom property of the theme, such as `--ink`. */
export function theme(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Colour of the i-th line or regime. */
export function color(i) {
  return theme(`--line-${i % LINES}`);
}

/** Dashes of the i-th line. */
export function dashes(i) {
  return DASHES[i % DASHES.length];
}

/** A piece of the i-th line for a legend, long enough to show its dashes. */
export function sample(i) {
  const drawing = shape("svg", { viewBox: "0 0 34 8", "aria-hidden": "true", class: "sample" });
  const drawn = { x1: 0, x2: 34, y1: 4, y2: 4, stroke: color(i), "stroke-dasharray": dashes(i).join(" ") || "none" };
  drawing.append(shape("line", { ...drawn, "stroke-width": 2 }));
  return drawing;
}

/** Draw the mark of the i-th regime about a point. */
export function mark(context, i, x, y, r) {
  context.beginPath();
  DRAW[MARKS[i % MARKS.length]](context, x, y, r);
  context.fill();
}

const DRAW = {
  circle: (c, x, y, r) => c.arc(x, y, r, 0, 2 * Math.PI),
  square: (c, x, y, r) => c.rect(x - r, y - r, 2 * r, 2 * r),
  triangle: (c, x, y, r) =>
    polygon(c, [
      [x, y - 1.3 * r],
      [x + 1.2 * r, y + r],
      [x - 1.2 * r, y + r],
    ]),
  diamond: (c, x, y, r) =>
    polygon(c, [
      [x, y - 1.4 * r],
      [x + 1.4 * r, y],
      [x, y + 1.4 * r],
      [x - 1.4 * r, y],
    ]),
  cross: (c, x, y, r) => {
    c.rect(x - 1.3 * r, y - 0.4 * r, 2.6 * r, 0.8 * r);
    c.rect(x - 0.4 * r, y - 1.3 * r, 0.8 * r, 2.6 * r);
  },
};

function polygon(context, points) {
  points.forEach(([x, y]) => context.lineTo(x, y));
  context.closePath();
}
