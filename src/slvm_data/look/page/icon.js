const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  play: "M5 3 L13 8 L5 13 Z",
  pause: "M4 3 H7 V13 H4 Z M9 3 H12 V13 H9 Z",
  back: "M4 3 H6 V13 H4 Z M13 3 L7 8 L13 13 Z",
  on: "M3 3 L9 8 L3 13 Z M10 3 H12 V13 H10 Z",
};

/** A small drawing for a button that has a label of its own. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", "icon");
  path.setAttribute("d", SHAPES[name]);
  drawing.append(path);
  return drawing;
}
