import { shape } from "./icon.js";

const [WIDTH, HEIGHT] = [240, 80];

/** A histogram with this label; `text(i)` names the i-th bar. */
export function bars(counts, label, text) {
  const said = counts.map((count, i) => `${text(i)}: ${count}`).join(", ");
  const node = shape("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `${label}. ${said}`,
    class: "bars",
  });
  const most = Math.max(1, ...counts);
  const width = WIDTH / counts.length;
  counts.forEach((count, i) => {
    const height = (count / most) * (HEIGHT - 2);
    const bar = shape("rect", { x: i * width + 1, y: HEIGHT - height, width: width - 2, height });
    bar.append(shape("title", {}, `${text(i)}: ${count}`));
    node.append(bar);
  });
  node.append(shape("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }));
  return node;
}
