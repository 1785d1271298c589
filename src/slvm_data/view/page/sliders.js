import { element } from "./element.js";

const PAUSE = 60; // ms without a move, before sequences are asked for

/** A slider for each parameter of a recipe; `onchange` is given the moved ones, each as KEY=VALUE. */
export class Sliders {
  constructor(parameters, onchange) {
    this.moved = new Map(); // values of the components, by name
    this.onchange = onchange;
    const reset = element("button", { type: "button", onclick: () => this.#reset() }, "Reset");
    this.inputs = parameters.flatMap((parameter) =>
      parameter.components.map((part, i) => this.#slider(parameter, part, i)),
    );
    const rows = element("div", { className: "sliders" }, ...this.inputs.map(({ row }) => row), reset);
    const open = matchMedia("(min-width: 761px)").matches;
    this.node = element("details", { className: "moving", open }, element("summary", {}, "Parameters"), rows);
  }

  #slider(parameter, part, i) {
    const { low, high, step, now, digits, given } = part;
    const text = parameter.components.length > 1 ? `${parameter.name} ${i + 1}` : parameter.name;
    const input = element("input", { type: "range", "aria-label": text });
    Object.assign(input, { min: low, max: high, step, value: now });
    const output = element("output", {}, given);
    input.addEventListener("input", () => {
      const values = this.moved.get(parameter.name) ?? parameter.components.map((other) => other.now);
      values[i] = Number(Number(input.value).toFixed(digits));
      this.moved.set(parameter.name, values);
      this.#tell();
    });
    const row = element("label", { className: "slider" }, element("span", {}, text), input, output);
    return { name: parameter.name, i, now, given, input, output, row };
  }

  #reset() {
    this.moved.clear();
    this.inputs.forEach(({ input, now }) => (input.value = now));
    this.#tell();
  }

  #tell() {
    for (const { name, i, given, output } of this.inputs) output.textContent = this.moved.get(name)?.[i] ?? given;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onchange([...this.moved].map(word)), PAUSE);
  }
}

function word([name, values]) {
  return `${name}=${values.length > 1 ? `[${values.join(",")}]` : values[0]}`;
}
