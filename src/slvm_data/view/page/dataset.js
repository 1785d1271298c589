import { Command } from "./command.js";
import { element, table } from "./element.js";

const UPRIGHT = "Frames are shown upright. In the files, row 0 of a frame is y_min.";

/** A dataset in words: equation, tasks, windows, source, and the command that makes it. */
export function dataset(about) {
  const names = [...new Set(about.tasks.flatMap((task) => task.parameters.map(({ name }) => name)))];
  const rows = about.tasks.map((task, i) => [
    String(i),
    task.system,
    ...names.map((name) => task.parameters.find((parameter) => parameter.name === name)?.text ?? "–"),
    task.state.join(", "),
    ...about.splits.map((split) => task.stored[split].toLocaleString("en")),
  ]);
  const parts = [element("pre", {}, about.equation)];
  parts.push(table("Tasks", ["label", "system", ...names, "state", ...about.splits], rows));
  if (about.windows) parts.push(element("p", {}, about.windows));
  if (about.frames) parts.push(element("p", { className: "note" }, UPRIGHT));
  parts.push(element("h3", {}, "Command"), new Command(about.command).node);
  if (about.source) parts.push(element("p", { className: "note" }, `Source: ${about.source}`));
  return element("div", { className: "dataset" }, ...parts);
}
