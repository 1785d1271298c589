import { Command } from "./command.js";
import { element, table } from "./element.js";
import { named } from "./numbers.js";

const UPRIGHT = "Frames are shown upright. In the files, row 0 of a frame is y_min.";
const AFTER = "After the command above, in the folder where it was run:";
const ARRAYS = ["array", "shape (N sequences)", "type", "unit", "meaning"];

/** A dataset in words: equation, sizes, tasks, arrays, windows, the command that makes it, lines that load it, source. */
export function dataset(about, { arrays, sizes, motion, observation, loading, links }) {
  const parts = [element("pre", {}, about.equation), table("Sizes", ["what", "how much"], sizes), tasks(about)];
  parts.push(...section("Motion", motion), ...section("Observation", observation));
  parts.push(table("Arrays", ARRAYS, arrays));
  if (about.windows) parts.push(element("p", {}, about.windows));
  if (about.frames) parts.push(element("p", { className: "note" }, UPRIGHT));
  if (about.command) parts.push(element("h3", {}, "Command"), new Command(about.command).node);
  parts.push(element("h3", {}, "Load it in Python"));
  if (about.generated) parts.push(element("p", { className: "note" }, AFTER));
  parts.push(new Command(loading, "Lines of Python").node);
  if (about.source) parts.push(source(about.source, links));
  return element("div", { className: "dataset" }, ...parts);
}

/** A heading and lines of text; what stands in backticks is code. */
function section(title, lines) {
  const item = (line) =>
    element("li", {}, ...line.split("`").map((text, i) => (i % 2 ? element("code", {}, text) : text)));
  return lines.length ? [element("h3", {}, title), element("ul", { className: "lines" }, ...lines.map(item))] : [];
}

function tasks(about) {
  const parameters = new Map(about.tasks.flatMap((task) => task.parameters.map((own) => [own.name, own])));
  const rows = about.tasks.map((task, i) => [
    String(i),
    task.system,
    ...[...parameters.keys()].map((name) => task.parameters.find((own) => own.name === name)?.text ?? "–"),
    task.state.map((name, d) => named(name, task.units[d])).join(", "),
    ...about.splits.map((split) => task.stored[split].toLocaleString("en")),
  ]);
  const head = [...parameters.values()].map(({ name, unit }) => named(name, unit));
  return table("Tasks", ["label", "system", ...head, "state", ...about.splits], rows);
}

/** The source, and what it names as links: they lead away from the page, and are opened only by a click. */
function source(text, links) {
  const each = links.map(([name, address]) =>
    element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, name),
  );
  const alone = links.length === 1 && links[0][0] === text;
  return element("p", { className: "note links" }, "Source: ", ...(alone ? each : [text, ...each]));
}
