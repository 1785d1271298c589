import { element } from "./element.js";
import { parameter } from "./numbers.js";
import { regimes } from "./regimes.js";
import { thumbnail } from "./thumbnail.js";
import { grouped, keysOf } from "./selection.js";

const WIDTH = 96; // px of a sequence, about
const ROOM = 10; // px, of a cell around it

/** Sequences as buttons that play together; `open` is called with the place of the one that is chosen. */
export class Grid {
  constructor(about, selection, sequences, open) {
    this.cells = sequences.map((sequence) => thumbnail(sequence, WIDTH, ""));
    const buttons = sequences.map((sequence, i) =>
      cell(about, selection, sequence, this.cells[i], () => open(sequence)),
    );
    this.node = grouped(about, selection)
      ? element("div", { className: "groups" }, ...groups(sequences, buttons))
      : element("div", { className: "grid" }, ...buttons);
    const shown = sequences.find(({ mode, frames }) => mode && !frames); // pictures of a signal show regimes too
    this.nodes = shown ? [legend(about.tasks[shown.task].regimes), this.node] : [this.node];
    this.node.style.setProperty("--cell", `${Math.max(WIDTH, ...this.cells.map((cell) => cell.width)) + ROOM}px`);
    this.length = Math.max(1, ...sequences.map((sequence) => sequence.time.length));
  }

  show(frame) {
    this.cells.forEach((screen) => screen.show(frame));
  }

  close() {}
}

/** The colours of the bands below signals. */
function legend(count) {
  return element("p", { className: "legend note" }, element("span", {}, "regimes"), ...regimes(count));
}

/** The sequences of all tasks with the same index, side by side. */
function groups(sequences, buttons) {
  const indices = [...new Set(sequences.map((sequence) => sequence.index))];
  return indices.map((index) => {
    const own = buttons.filter((_, i) => sequences[i].index === index);
    return element(
      "section",
      { className: "group", "aria-label": `#${index}` },
      element("h3", {}, `#${index}`),
      element("div", {}, ...own),
    );
  });
}

function cell(about, selection, sequence, screen, onclick) {
  const words = grouped(about, selection) ? [about.tasks[sequence.task].title] : [`#${sequence.index}`];
  if (about.tasks.length > 1 && !grouped(about, selection)) words.unshift(`task ${sequence.task}`);
  if (selection.sort) words.push(sortedBy(about.tasks[sequence.task], sequence, selection.sort));
  const label = `Open ${name(about, sequence)}`;
  screen.canvas.setAttribute("aria-hidden", "true");
  return element(
    "button",
    {
      type: "button",
      className: "cell",
      title: parametersOf(sequence),
      "aria-label": label,
      "data-keep": address(sequence),
      onclick,
    },
    screen.node,
    element("span", {}, words.join(" · ")),
  );
}

function sortedBy(task, sequence, key) {
  const [name] = key.split("/");
  const value = { ...sequence.parameters, ...sequence.scores }[name];
  return `${name} ${keysOf(task).has(key) && value !== undefined ? parameter(value) : "–"}`;
}

/** The address of a sequence on the page. */
export function address({ task, split, index }) {
  return `sequence/${task}/${split}/${index}`;
}

/** A sequence in words. */
export function name(about, { task, split, index }) {
  return about.tasks.length > 1
    ? `${split} #${index} of task ${task}: ${about.tasks[task].title}`
    : `${split} #${index}`;
}

function parametersOf(sequence) {
  return Object.entries(sequence.parameters)
    .map(([key, value]) => `${key} ${parameter(value)}`)
    .join("\n");
}
