const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  play: "M5 3 L13 8 L5 13 Z",
  pause: "M4 3 H7 V13 H4 Z M9 3 H12 V13 H9 Z",
  back: "M4 3 H6 V13 H4 Z M13 3 L7 8 L13 13 Z",
  forward: "M3 3 L9 8 L3 13 Z M10 3 H12 V13 H10 Z",
};

/** A small drawing for a button that has a label of its own. */
export function icon(name) {
  const drawing = shape("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", class: "icon" });
  drawing.append(shape("path", { d: SHAPES[name] }));
  return drawing;
}

/** A part of a drawing, with these attributes and a text in it. */
export function shape(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(text);
  return made;
}
