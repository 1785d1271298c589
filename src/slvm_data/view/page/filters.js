import { choice, element } from "./element.js";
import { keys, searches } from "./selection.js";

/** The controls of a selection, made once, so that typed text and the focus stay while sequences arrive. */
export class Filters {
  /** `onchange` is given the changes of the selection. */
  constructor(about, selection, onchange) {
    this.onchange = onchange;
    this.tasks = element("div", { className: "several" });
    this.summary = element("summary", {});
    this.note = element("p", { className: "note" }, searched(about));
    const named = keys(about);
    const parts = about.splits.length > 1 ? [splits(about, selection, onchange)] : [];
    parts.push(this.tasks);
    if (named.length) parts.push(sorting(named, onchange), narrowing(named, this.summary, onchange));
    const form = { className: "filters", onsubmit: (event) => event.preventDefault() };
    this.node = element("form", form, ...parts, this.note);
  }

  /** Show the selection as it is now, and the tasks, of which there are fewer once their parameter was moved. */
  show(about, selection) {
    const active = Object.keys(selection.ranges).length;
    this.summary.textContent = active ? `Filter by parameters (${active})` : "Filter by parameters";
    this.note.hidden = !searches(selection) || largest(about, selection) <= about.searched;
    const titles = JSON.stringify(about.tasks.map(({ title }) => title));
    if (titles === this.titles) return;
    this.titles = titles;
    const several = about.tasks.length > 1;
    const made = several ? [tasks(about, selection, this.onchange), beside(selection, this.onchange)] : [];
    this.tasks.replaceChildren(...made);
  }
}

function largest(about, { split }) {
  return Math.max(...about.tasks.map((task) => task.counts[split]));
}

function searched(about) {
  return `Sorted and filtered among the first ${about.searched.toLocaleString("en")} sequences of each task.`;
}

function splits(about, selection, onchange) {
  const changes = (split) => (about.changes[split] ? `: ${about.changes[split]}` : "");
  const choices = about.splits.map((split) => [split, split + changes(split)]);
  return choice("Split", choices, selection.split, (split) => onchange({ split }));
}

function tasks(about, selection, onchange) {
  const each = about.tasks.map((task, i) => [String(i), `${i}: ${task.title}`]);
  return choice("Task", [["all", `all ${each.length}`], ...each], selection.task, (task) => onchange({ task }));
}

function beside(selection, onchange) {
  const box = element("input", { type: "checkbox", checked: selection.beside });
  box.addEventListener("change", () => onchange({ beside: box.checked }));
  return element("label", { className: "field check" }, box, element("span", {}, "tasks side by side"));
}

function sorting(named, onchange) {
  const ways = named.flatMap(([key, text]) => [
    [`+${key}`, `${text} ↑`],
    [`-${key}`, `${text} ↓`],
  ]);
  const change = (value) => onchange({ sort: value.slice(1), falling: value.startsWith("-") });
  return choice("Sort by", [["", "index"], ...ways], "", change);
}

/** A range for each parameter, closed at first. */
function narrowing(named, summary, onchange) {
  const change = () => onchange({ ranges: Object.fromEntries(rows.flatMap(({ key, ends }) => narrowed(key, ends))) });
  const rows = named.map(([key, text]) => range(key, text, change));
  return element("details", { className: "ranges" }, summary, element("div", {}, ...rows.map(({ node }) => node)));
}

/** Key and ends of a range, if it has one at least. */
function narrowed(key, [low, high]) {
  if (low.value === "" && high.value === "") return [];
  return [[key, [low.value === "" ? -Infinity : Number(low.value), high.value === "" ? Infinity : Number(high.value)]]];
}

function range(key, text, change) {
  const ends = ["at least", "at most"].map((label) =>
    element("input", { type: "number", step: "any", "aria-label": `${text} ${label}`, onchange: change }),
  );
  return { key, ends, node: element("div", { className: "range" }, element("span", {}, text), ends[0], "to", ends[1]) };
}

/** How many sequences there are, and which page of them is shown; made once, as the filters are. */
export class Pager {
  /** `onturn` is given the page that is asked for. */
  constructor(onturn) {
    this.count = element("output", { className: "count" });
    this.before = turn("‹", "Previous page", () => onturn(this.page - 1));
    this.next = turn("›", "Next page", () => onturn(this.page + 1));
    this.input = element("input", { type: "number", min: 1, "aria-label": "Page" });
    this.input.addEventListener("input", () => (this.typing = true));
    this.input.addEventListener("change", () => this.#jump(onturn));
    this.of = element("span", {});
    this.turning = element("span", {}, this.before, this.input, this.of, this.next);
    this.node = element("nav", { className: "pager", "aria-label": "Pages" }, this.count, this.turning);
  }

  show(length, page, pages) {
    const focused = document.activeElement;
    Object.assign(this, { page, pages });
    this.count.textContent = `${length.toLocaleString("en")} sequences`;
    this.of.textContent = ` of ${pages.toLocaleString("en")} `;
    this.turning.hidden = pages === 1;
    this.input.max = pages;
    if (!this.typing) this.input.value = page + 1;
    this.before.disabled = page === 0;
    this.next.disabled = page + 1 === pages;
    if (focused.disabled && this.node.contains(focused)) this.input.focus(); // at the last page, or the first
  }

  #jump(onturn) {
    this.typing = false;
    onturn(Math.min(this.pages, Math.max(1, Math.round(Number(this.input.value)) || 1)) - 1);
  }
}

function turn(text, label, onclick) {
  return element("button", { type: "button", "aria-label": label, onclick }, text);
}
