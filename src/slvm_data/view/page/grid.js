import { element } from "./element.js";
import { constant } from "./numbers.js";
import { seen } from "./seen.js";
import { grouped, keysOf } from "./selection.js";

const WIDTH = 96; // px of a film, about
const ROOM = 10; // px, of a cell around it

/** Films as buttons that play in step; `open` is called with the place of the one that is chosen. */
export class Grid {
  constructor(about, selection, films, open) {
    this.cells = films.map((film) => seen(film, WIDTH, ""));
    const buttons = films.map((film, i) => cell(about, selection, film, this.cells[i], () => open(film)));
    this.node = grouped(about, selection)
      ? element("div", { className: "groups" }, ...groups(films, buttons))
      : element("div", { className: "grid" }, ...buttons);
    this.node.style.setProperty("--cell", `${Math.max(WIDTH, ...this.cells.map((cell) => cell.width)) + ROOM}px`);
    this.length = Math.max(1, ...films.map((film) => film.time.length));
  }

  show(frame) {
    this.cells.forEach((screen) => screen.show(frame));
  }

  close() {}
}

/** The films of all tasks with the same index, side by side. */
function groups(films, buttons) {
  const indices = [...new Set(films.map((film) => film.index))];
  return indices.map((index) => {
    const own = buttons.filter((_, i) => films[i].index === index);
    return element(
      "section",
      { className: "group", "aria-label": `#${index}` },
      element("h3", {}, `#${index}`),
      element("div", {}, ...own),
    );
  });
}

function cell(about, selection, film, screen, onclick) {
  const words = grouped(about, selection) ? [about.tasks[film.task].title] : [`#${film.index}`];
  if (about.tasks.length > 1 && !grouped(about, selection)) words.unshift(`task ${film.task}`);
  if (selection.sort) words.push(sortedBy(about.tasks[film.task], film, selection.sort));
  const label = `Open ${name(about, film)}`;
  screen.canvas.setAttribute("aria-hidden", "true");
  return element(
    "button",
    { type: "button", className: "cell", title: said(film), "aria-label": label, "data-keep": address(film), onclick },
    screen.canvas,
    element("span", {}, words.join(" · ")),
  );
}

function sortedBy(task, film, key) {
  const [name] = key.split("/");
  return `${name} ${keysOf(task).has(key) ? constant(film.constants[name]) : "–"}`;
}

/** Where a film stands, as the page's own address names it. */
export function address({ task, split, index }) {
  return `film/${task}/${split}/${index}`;
}

/** A film in words. */
export function name(about, { task, split, index }) {
  return about.tasks.length > 1
    ? `${split} #${index} of task ${task}: ${about.tasks[task].title}`
    : `${split} #${index}`;
}

function said(film) {
  return Object.entries(film.constants)
    .map(([key, value]) => `${key} ${constant(value)}`)
    .join("\n");
}
