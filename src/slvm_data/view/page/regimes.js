import { color, mark } from "./colors.js";
import { element } from "./element.js";

/** The marks of so many regimes with their numbers. */
export function regimes(count) {
  return Array.from({ length: count }, (_, i) => {
    const canvas = element("canvas", { width: 14, height: 14, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    context.fillStyle = color(i);
    mark(context, i, 7, 7, 4);
    return element("span", { className: "regime" }, canvas, String(i));
  });
}
