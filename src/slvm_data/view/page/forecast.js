import { choice, element, table } from "./element.js";
import { address } from "./grid.js";
import { Horizon } from "./horizon.js";
import { columns, named, short } from "./numbers.js";
import { scatter } from "./scatter.js";

const BANDS = "Line: mean over sequences; dark band: its 95 % interval; light band: 10 to 90 % of the sequences.";
const READ = "Truth across, what a linear probe reads from the latents upwards.";

/** The report of a forecast: a table, the error over the horizon, probes, the best and the worst sequences. */
export class Forecast {
  constructor(about, { name, splits }) {
    Object.assign(this, { about, name, splits, split: "test" in splits ? "test" : Object.keys(splits)[0], metric: null });
    this.node = element("div", { className: "report" });
    this.draw();
  }

  /** Draw it anew, as the colours of the page or what is chosen change. */
  draw() {
    this.horizon?.close();
    this.horizon = null;
    const own = this.splits[this.split];
    const [first, last] = own.frames;
    const frames = `frames ${first} to ${last} of ${own.sequences} sequences of ${this.split}`;
    const parts = [element("p", { className: "note" }, `${this.name}: ${frames}`), ...this.#horizon(own)];
    parts.push(this.#table(own), ...this.#probes(own), ...this.#order(own));
    parts.push(...own.notes.map((note) => element("p", { className: "note" }, note)));
    this.node.replaceChildren(...this.#splits(), ...parts);
  }

  #splits() {
    const names = Object.keys(this.splits);
    if (names.length < 2) return [];
    const change = (split) => {
      this.split = split;
      this.draw();
    };
    return [choice("Split of the forecast", names.map((split) => [split, split]), this.split, change)];
  }

  #horizon({ metrics, frames, spread }) {
    const names = Object.keys(metrics).filter((name) => metrics[name].by_frame);
    if (!names.length) return [];
    const chosen = names.includes(this.metric) ? this.metric : names[0];
    const change = (metric) => {
      this.metric = metric;
      this.draw();
    };
    const { unit, by_frame } = metrics[chosen];
    this.horizon = new Horizon(chosen, unit, frames[0], by_frame, columns(spread[chosen]));
    const title = choice("Over the horizon", names.map((name) => [name, name]), chosen, change);
    const note = element("p", { className: "note" }, BANDS);
    return [element("figure", { className: "horizon" }, element("figcaption", {}, title), this.horizon.host, note)];
  }

  #table({ metrics, fitted_on: fitted }) {
    const rows = Object.entries(metrics).flatMap(([name, own]) => [
      [named(name, own.unit), short(number(own.best)), ...said(own)],
      ...Object.entries(own.by_component ?? {}).map(([part, each]) => [`– ${part}`, "", ...said(each)]),
    ]);
    const note = fitted ? `; probes fitted on ${fitted}` : "";
    return table(`Scores${note}`, ["metric", "best", "mean", "95 % interval over sequences"], rows);
  }

  #probes({ probes }) {
    return Object.entries(probes).map(([task, each]) => {
      const of = this.about.tasks.length > 1 ? `, task ${task}: ${this.about.tasks[task].title}` : "";
      const note = element("p", { className: "note" }, READ);
      const plots = element("div", { className: "plots" }, ...each.map(scatter));
      return element("section", {}, element("h3", {}, `States read from the latents${of}`), note, plots);
    });
  }

  #order({ order }) {
    return Object.entries(order).flatMap(([task, { key, first, last }]) => {
      if (!first.length) return [];
      const of = this.about.tasks.length > 1 ? `, task ${task}` : "";
      const better = key === "accuracy" ? [last, first] : [first, last];
      const lines = [["best", better[0]], ["worst", better[1]]].map(([word, own]) =>
        element("p", { className: "links" }, `${word}: `, ...own.map((one) => this.#link(Number(task), one))),
      );
      const note = element("p", { className: "note" }, `All are sorted by ${key} in the tab Sequences.`);
      return [element("section", {}, element("h3", {}, `Sequences by ${key}${of}`), ...lines, note)];
    });
  }

  /** A link to a sequence; text alone where a saved page does not have it. */
  #link(task, { index, value }) {
    const { split } = this;
    const text = `#${index} (${short(value)})`;
    const there = index < this.about.tasks[task].counts[split];
    return there ? element("a", { href: `#${address({ task, split, index })}` }, text) : element("span", {}, text);
  }
}

function said({ mean, low, high }) {
  return [short(number(mean)), `${short(number(low))} to ${short(number(high))}`];
}

/** A number of a report, where infinity is a word. */
function number(value) {
  return typeof value === "string" ? Number(value) : value;
}
