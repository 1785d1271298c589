import { element } from "./element.js";
import { shape } from "./icon.js";
import { columns, ends, short } from "./numbers.js";

const [SIZE, EDGE, DOT] = [200, 10, 1.8];

/** True numbers across, those that a probe reads from latents upwards; on the line they are equal. */
export function scatter({ name, r2, points }) {
  const [truth, read] = columns(points);
  const [low, high] = ends([truth, read]);
  const at = (value) => EDGE + ((value - low) / (high - low || 1)) * (SIZE - 2 * EDGE);
  const label = `${name}: R² ${short(r2)}; truth across, read from the latents upwards, ${short(low)} to ${short(high)}`;
  const node = shape("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": label, class: "scatter" });
  node.append(shape("line", { x1: EDGE, y1: SIZE - EDGE, x2: SIZE - EDGE, y2: EDGE }));
  truth.forEach((value, i) => node.append(shape("circle", { cx: at(value), cy: SIZE - at(read[i]), r: DOT })));
  const end = (value) => element("span", {}, short(value));
  const caption = element("figcaption", {}, `${name}: R² ${short(r2)}`);
  return element("figure", {}, caption, node, element("div", { className: "ends" }, end(low), end(high)));
}
