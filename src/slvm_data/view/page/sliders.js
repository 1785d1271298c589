import { element } from "./element.js";
import { named } from "./numbers.js";

const PAUSE = 60; // ms without a move, before sequences are asked for

/**
 * A slider for each parameter of a recipe, and each number of its modifiers, named `missing.p`; `onchange` is given the
 * moved ones, each as KEY=VALUE.
 */
export class Sliders {
  constructor(parameters, onchange) {
    this.moved = new Map(); // values of the components, by name
    this.onchange = onchange;
    const reset = element("button", { type: "button", onclick: () => this.#reset() }, "Reset");
    this.inputs = parameters.flatMap((parameter) =>
      parameter.components.map((part, i) => this.#slider(parameter, part, i)),
    );
    this.notes = parameters.filter(({ apart }) => apart).map((parameter) => new Apart(parameter, () => this.#tell()));
    const rows = element("div", { className: "sliders" }, ...this.inputs.map(({ row }) => row), reset);
    const notes = element("div", { role: "status" }, ...this.notes.map(({ node }) => node));
    const open = matchMedia("(min-width: 761px)").matches;
    const title = parameters.some(({ name }) => name.includes(".")) ? "Parameters and modifiers" : "Parameters";
    this.node = element("details", { className: "moving", open }, element("summary", {}, title), rows, notes);
  }

  #slider(parameter, part, i) {
    const { low, high, step, now, digits, given } = part;
    const text = parameter.components.length > 1 ? `${parameter.label} ${i + 1}` : parameter.label;
    const input = element("input", { type: "range", "aria-label": text });
    Object.assign(input, { min: low, max: high, step, value: now });
    const output = element("output", {}, given);
    input.addEventListener("input", () => {
      const values = this.moved.get(parameter.name) ?? parameter.components.map((other) => other.now);
      values[i] = Number(Number(input.value).toFixed(digits));
      this.moved.set(parameter.name, values);
      this.#tell();
    });
    const span = element("span", {}, named(text, parameter.unit));
    const row = element("label", { className: "slider" }, span, input, output);
    return { name: parameter.name, i, now, given, input, output, row };
  }

  #reset() {
    this.moved.clear();
    this.notes.forEach((note) => (note.together = false));
    this.inputs.forEach(({ input, now }) => (input.value = now));
    this.#tell();
  }

  #tell() {
    const each = new Map();
    for (const note of this.notes) {
      const values = note.show(this.moved.get(note.name));
      if (values) each.set(note.name, values);
    }
    for (const { name, i, given, output } of this.inputs)
      output.textContent = each.get(name)?.join(", ") ?? this.moved.get(name)?.[i] ?? given;
    clearTimeout(this.timer);
    const words = [...this.moved].map(([name, values]) => word(name, values, each.get(name)));
    this.timer = setTimeout(() => this.onchange(words), PAUSE);
  }
}

/** What becomes of the tasks when a parameter is moved in which they differ, and the other way to move it. */
class Apart {
  constructor({ name, each, components }, onchange) {
    Object.assign(this, { name, each, part: components[0], together: false });
    this.text = element("span", {});
    const toggle = () => {
      this.together = !this.together;
      onchange();
    };
    this.button = element("button", { type: "button", hidden: !each.length, onclick: toggle });
    this.node = element("p", { className: "note apart", hidden: true }, this.text, this.button);
  }

  /** Say it, for the values that a slider has now; returns the value of each task if they are moved together. */
  show(values) {
    const { name, each, part, together } = this;
    this.node.hidden = !values;
    this.text.textContent = together
      ? `${name} is moved by the same amount in each task.`
      : `Tasks differ in ${name}: one value for all joins them.`;
    this.button.textContent = together ? "One value for all tasks" : `Move ${name} in each task`;
    if (!values || !together) return null;
    const [least, most] = [part.low - Math.min(...each), part.high - Math.max(...each)];
    const by = Math.min(most, Math.max(least, values[0] - part.now));
    return each.map((value) => Number((value + by).toPrecision(6)));
  }
}

function word(name, values, each) {
  return `${name}=${each ? each.join(",") : values.length > 1 ? `[${values.join(",")}]` : values[0]}`;
}
