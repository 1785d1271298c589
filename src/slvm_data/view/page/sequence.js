import { Curve, roomFor } from "./curve.js";
import { choice, element } from "./element.js";
import { Screen, scaleFor } from "./screen.js";
import { name } from "./grid.js";
import { parameter, short } from "./numbers.js";
import { Portrait } from "./portrait.js";
import { regimes } from "./regimes.js";
import { thumbnail } from "./thumbnail.js";

const IMPACTS = 12; // listed one by one
const [LARGE, SMALL] = [352, 96]; // px of a frame, about

/** One sequence in full: frames, parameters, curves, phase portrait, context, all at one frame. */
export class Sequence {
  constructor(about, sequence, others, player, portrait) {
    Object.assign(this, { about, sequence, task: about.tasks[sequence.task] });
    Object.assign(this, { shown: [], length: sequence.time.length, frame: 0 });
    const { frames } = sequence;
    const screen = frames && this.#keep(new Screen(frames, largest(frames), `Frame of ${name(about, sequence)}`));
    this.now = element("p", { className: "now" });
    const left = element(
      "div",
      { className: "left" },
      ...(screen ? [element("div", { className: "stage" }, screen.canvas)] : []),
      this.now,
      this.#numbers(),
      this.#context(others),
    );
    this.node = element("article", { className: "sequence" }, left, this.#curves(player), this.#plane(portrait));
  }

  show(frame) {
    this.frame = frame;
    this.shown.forEach((part) => part.show(frame));
    this.portrait?.show(frame);
    const { sequence, length } = this;
    const t = Math.min(frame, length - 1);
    const regime = sequence.mode ? ` · regime ${sequence.mode[t]}` : "";
    const cut = sequence.length > length ? ` (the first ${length} of ${sequence.length} frames)` : "";
    this.now.textContent = `frame ${t} · ${short(sequence.time[t])} s${regime}${cut}`;
  }

  close() {
    this.shown.forEach((part) => part.close?.());
    this.portrait?.close();
  }

  #keep(part) {
    this.shown.push(part);
    return part;
  }

  /** Label and parameters, and for regimes their marks. */
  #numbers() {
    const { sequence, task } = this;
    const pairs = [["label", `${sequence.task}${this.about.tasks.length > 1 ? ` (${task.title})` : ""}`]];
    for (const { name, unit } of task.parameters.filter((own) => own.name in sequence.parameters))
      pairs.push([name, `${parameter(sequence.parameters[name])} ${unit}`.trim()]);
    if (sequence.impacts.length) pairs.push(["impacts", impacts(sequence.impacts)]);
    const rows = pairs.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]);
    if (sequence.mode) rows.push(element("dt", {}, "regimes"), element("dd", {}, ...regimes(task.regimes)));
    return element("dl", {}, ...rows);
  }

  #curves(player) {
    const { sequence, task } = this;
    const named = sequence.state.map((numbers, d) => [task.state[d] ?? `state ${d}`, numbers, task.units[d] ?? ""]);
    const half = Math.floor(named.length / 2);
    const groups = task.halves.length ? [named.slice(0, half), named.slice(half)] : [named];
    const titles = groups.length > 1 ? task.halves : [sequence.signal && this.about.windows ? "Latents" : "State"];
    const plots = groups.map((lines, i) => [titles[i], lines]);
    if (sequence.energy) plots.push(["Energy", [["H", sequence.energy, task.energy_unit]]]);
    if (sequence.signal) plots.push(["Signal", sequence.signal.map((numbers, i) => [`y${i + 1}`, numbers, ""])]);
    const room = roomFor(plots.flatMap(([, lines]) => lines.map(([text]) => text)));
    const curves = plots.map(([title, lines]) => this.#keep(new Curve(sequence, title, lines, player, room)));
    return element("div", { className: "curves" }, ...curves.map((curve) => curve.node));
  }

  /** A phase portrait: numbers of the state against each other, with a choice if there are several pairs. */
  #plane({ chosen, choose }) {
    const { portraits } = this.task;
    if (!portraits.length) return "";
    const place = element("div", {});
    const draw = (k) => {
      choose(k);
      this.portrait?.close();
      this.portrait = new Portrait(this.sequence, portraits[k], this.task);
      place.replaceChildren(this.portrait.canvas);
      this.portrait.show(this.frame);
    };
    const first = Math.min(chosen, portraits.length - 1);
    const choices = portraits.map(({ title }, k) => [String(k), title]);
    const title =
      choices.length > 1
        ? choice("Phase portrait", choices, String(first), (value) => draw(Number(value)))
        : `Phase portrait: ${portraits[0].title}`;
    draw(first);
    return element("figure", { className: "plane" }, element("figcaption", {}, title), place);
  }

  /** Windows before a query, or other sequences of the same task: the context that a model may be given. */
  #context({ sequences, draw }) {
    const before = this.sequence.context.map((window, k) => [window, `context ${k + 1}, ${short(window.time[0])} s`]);
    const shown = before.length ? before : sequences.map((sequence) => [sequence, `#${sequence.index}`]);
    if (!shown.length) return "";
    const cells = shown.map(([sequence, text]) => {
      const part = this.#keep(thumbnail(sequence, SMALL, `Context: ${text}`));
      return element("figure", {}, part.canvas, element("figcaption", {}, text));
    });
    const more =
      draw && !before.length
        ? [element("button", { type: "button", "data-keep": "draw", onclick: draw }, "Draw others")]
        : [];
    const title = before.length
      ? "Context: the windows before it"
      : `Context: other sequences of task ${this.sequence.task}`;
    return element(
      "section",
      { className: "context", "aria-label": "Context" },
      element("h3", {}, title),
      element("div", {}, ...cells),
      ...more,
    );
  }
}

/** The first impacts in words. */
function impacts(all) {
  const first = all.slice(0, IMPACTS).map(({ time, wall }) => `${short(time)} s ${wall}`);
  return first.join(", ") + (all.length > IMPACTS ? `, and ${all.length - IMPACTS} more` : "");
}

function largest(frames) {
  return scaleFor(frames, Math.min(LARGE, document.documentElement.clientWidth - 48));
}
