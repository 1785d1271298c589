import { color } from "./colors.js";
import { element } from "./element.js";
import { shape } from "./icon.js";
import { ends, short } from "./numbers.js";

const [WIDTH, HEIGHT, EDGE, DOT] = [240, 180, 8, 2.2];

/** Where the parameters of each named split lie, beside those of train: one picture for each split. */
export function places(about, { names, splits }) {
  const named = Object.keys(about.changes).filter((split) => splits[split]);
  const pictures = named.map((split, i) => picture(about, split, names, splits, i));
  const note = "Grey: the first sequences of train, and the range of their parameters. Coloured: those of the split.";
  return element(
    "section",
    {},
    element("h3", {}, "Parameters of the splits"),
    element("p", { className: "note" }, note),
    element("div", { className: "plots" }, ...pictures),
  );
}

function picture(about, split, names, splits, i) {
  const [x, y] = axes(about.changes[split], names);
  const train = splits.train ?? [];
  const own = splits[split];
  const label = y === undefined ? `across: ${names[x]}` : `across: ${names[x]}; up: ${names[y]}`;
  const node = shape("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `Parameters of ${split} (${label}): ${said(names[x], train[x], own[x])}`,
    class: "places",
  });
  const across = scale([train[x] ?? [], own[x]], EDGE, WIDTH - EDGE);
  const up = y === undefined ? null : scale([train[y] ?? [], own[y]], HEIGHT - EDGE, EDGE);
  if (train.length) node.append(range(across, up, train[x], train[y]));
  for (const [values, colour, row] of [
    [train, "var(--muted)", 0],
    [own, color(i), 1],
  ]) {
    (values[x] ?? []).forEach((value, k) => {
      const cy = up ? up(values[y][k]) : strip(row, k);
      node.append(shape("circle", { cx: across(value), cy, r: DOT, fill: colour, "fill-opacity": 0.7 }));
    });
  }
  const changes = about.changes[split] || "as train";
  const caption = element("figcaption", {}, element("strong", {}, split), ` ${changes}`);
  const foot = element("p", { className: "note" }, said(names[x], train[x], own[x]), ...second(names, y, train, own));
  return element("figure", {}, caption, node, element("p", { className: "note" }, label), foot);
}

/** The two parameters of a picture: those that the split changes come first. */
function axes(changes, names) {
  const changed = (name) => new RegExp(`(^| )${name.replace(/\[.*/, "")}=`).test(changes);
  const order = names.map((_, i) => i).sort((a, b) => changed(names[b]) - changed(names[a]) || a - b);
  return order.slice(0, 2);
}

function second(names, y, train, own) {
  return y === undefined ? [] : ["; ", said(names[y], train[y], own[y])];
}

function said(name, train, own) {
  const span = (values) => ends([values]).map(short).join(" to ");
  return train ? `${name} ${span(own)} (train ${span(train)})` : `${name} ${span(own)}`;
}

/** A function from the values of these lists to places from `first` to `last`. */
function scale(lists, first, last) {
  const [low, high] = ends(lists);
  const width = high - low || 1;
  return (value) => first + ((value - low) / width) * (last - first);
}

/** The box that holds the parameters of train. */
function range(across, up, xs, ys) {
  const [left, right] = ends([xs]).map(across);
  const [bottom, top] = up ? ends([ys]).map(up) : [HEIGHT - EDGE, HEIGHT / 2];
  return shape("rect", {
    x: left - 4,
    y: top - 4,
    width: right - left + 8,
    height: bottom - top + 8,
    class: "range",
  });
}

/** Height of the k-th point where there is one parameter: train below, the split above. */
function strip(row, k) {
  const room = HEIGHT / 2 - 3 * EDGE;
  return (row ? EDGE : HEIGHT / 2 + EDGE) + ((k * 0.618) % 1) * room;
}
