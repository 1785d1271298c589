import { choice, element } from "./element.js";
import { keys, searches } from "./selection.js";

/** The controls of a selection; `onchange` is given what changes in it. */
export function filters(about, selection, onchange) {
  const named = keys(about);
  const parts = [];
  if (about.splits.length > 1) parts.push(splits(about, selection, onchange));
  if (about.tasks.length > 1) parts.push(tasks(about, selection, onchange), beside(selection, onchange));
  if (named.length) parts.push(sorting(named, selection, onchange), narrowing(named, selection, onchange));
  if (searches(selection) && largest(about, selection) > about.searched)
    parts.push(element("p", { className: "note" }, searched(about)));
  return element("form", { className: "filters", onsubmit: (event) => event.preventDefault() }, ...parts);
}

function largest(about, { split }) {
  return Math.max(...about.tasks.map((task) => task.counts[split]));
}

function searched(about) {
  return `Constants are searched in the first ${about.searched.toLocaleString("en")} sequences of each task.`;
}

function splits(about, selection, onchange) {
  const choices = about.splits.map((split) => [split, split]);
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

function sorting(named, selection, onchange) {
  const ways = named.flatMap(([key, text]) => [
    [`+${key}`, `${text} ↑`],
    [`-${key}`, `${text} ↓`],
  ]);
  const now = selection.sort ? (selection.falling ? "-" : "+") + selection.sort : "";
  const change = (value) => onchange({ sort: value.slice(1), falling: value.startsWith("-") });
  return choice("Sort by", [["", "index"], ...ways], now, change);
}

/** A range for each constant, closed at first. */
function narrowing(named, selection, onchange) {
  const rows = named.map(([key, text]) => range(key, text, selection, onchange));
  const active = Object.keys(selection.ranges).length;
  const summary = element("summary", {}, active ? `Filter by constants (${active})` : "Filter by constants");
  return element("details", { className: "ranges", open: active > 0 }, summary, element("div", {}, ...rows));
}

function range(key, text, selection, onchange) {
  const [low, high] = selection.ranges[key] ?? [-Infinity, Infinity];
  const end = (value, label) =>
    element("input", {
      type: "number",
      step: "any",
      value: Number.isFinite(value) ? value : "",
      "aria-label": `${text} ${label}`,
    });
  const inputs = [end(low, "at least"), end(high, "at most")];
  const change = () => {
    const [least, most] = inputs.map((input, i) =>
      input.value === "" ? [-Infinity, Infinity][i] : Number(input.value),
    );
    const ranges = { ...selection.ranges, [key]: [least, most] };
    if (least === -Infinity && most === Infinity) delete ranges[key];
    onchange({ ranges });
  };
  inputs.forEach((input) => input.addEventListener("change", change));
  return element("div", { className: "range" }, element("span", {}, text), inputs[0], "to", inputs[1]);
}
