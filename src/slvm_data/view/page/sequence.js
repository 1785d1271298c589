import { Curve, roomFor } from "./curve.js";
import { choice, element } from "./element.js";
import { Screen, scaleFor } from "./screen.js";
import { name } from "./grid.js";
import { parameter, short } from "./numbers.js";
import { Portrait } from "./portrait.js";
import { regimes } from "./regimes.js";
import { Strips } from "./strips.js";
import { thumbnail } from "./thumbnail.js";
import { Timeline, missing, uneven } from "./timeline.js";

const IMPACTS = 12; // listed one by one
const [LARGE, SMALL] = [352, 96]; // px of a frame, about
const DIFFERENCE = "difference: orange too bright, blue too dark";
const [GAP, MARKS] = [12, 14]; // px: between two frames, and height of the marks of all of them

/** One sequence in full: frames, parameters, curves, phase portrait, context, all at one frame. */
export class Sequence {
  constructor(about, sequence, others, player, portrait) {
    Object.assign(this, { about, sequence, task: about.tasks[sequence.task] });
    Object.assign(this, { shown: [], length: sequence.time.length, frame: 0 });
    this.now = element("p", { className: "now" });
    const left = element(
      "div",
      { className: "left" },
      ...this.#stage(player),
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
    const missing = sequence.mask?.[t] === false ? " · missing" : "";
    const given = t < sequence.forecast?.first ? " · given to the model" : "";
    const cut = sequence.length > length ? ` (the first ${length} of ${sequence.length} frames)` : "";
    this.now.textContent = `frame ${t} · ${short(sequence.time[t])} s${regime}${missing}${given}${cut}`;
  }

  close() {
    this.shown.forEach((part) => part.close?.());
    this.portrait?.close();
  }

  #keep(part) {
    this.shown.push(part);
    return part;
  }

  /** The frame, beside it the one without modifiers if there is one, and below them the marks of all frames. */
  #stage(player) {
    const { sequence } = this;
    const { frames, clean, forecast } = sequence;
    const width = Math.min(LARGE, document.documentElement.clientWidth - 48);
    const several = clean || forecast?.frames;
    const parts = several ? this.#several((width - GAP) / 2) : frames ? [this.#screen(frames, "Frame", width)] : [];
    const beside = this.shown.slice(0, 2);
    const wide = beside.reduce((sum, screen) => sum + screen.width, GAP * (beside.length - 1));
    if (uneven(sequence)) parts.push(this.#keep(new Timeline(sequence, frames ? wide : width, MARKS, player)).canvas);
    if (forecast?.mode && sequence.mode) {
      const rows = [sequence.mode, forecast.mode];
      parts.push(this.#keep(new Strips(["regimes: truth", "forecast"], rows, frames ? wide : width, player)).node);
    }
    return parts;
  }

  /** Frames with and without modifiers, the forecast, and its difference from the truth, as far as there are these. */
  #several(width) {
    const { frames, clean, forecast } = this.sequence;
    const stages = [[clean ? "observed" : "truth", frames, "Frame"]];
    if (clean) stages.push(["clean", clean, "Clean frame"]);
    if (forecast?.frames) {
      stages.push(["forecast", forecast.frames, "Forecast", forecast.there]);
      stages.push([DIFFERENCE, forecast.difference, "Difference", forecast.there]);
    }
    const figures = stages.map(([text, sheet, word, mask]) =>
      element("figure", {}, element("figcaption", {}, text), this.#screen(sheet, word, width, mask)),
    );
    return [element("div", { className: "stages" }, ...figures)];
  }

  #screen(sheet, word, width, there = null) {
    const { about, sequence } = this;
    const mask = sheet === sequence.frames ? sequence.mask : there;
    const screen = this.#keep(new Screen(sheet, scaleFor(sheet, width), `${word} of ${name(about, sequence)}`, mask));
    return element("div", { className: "stage" }, screen.node);
  }

  /** Label and parameters, and for regimes their marks. */
  #numbers() {
    const { sequence, task } = this;
    const pairs = [["label", `${sequence.task}${this.about.tasks.length > 1 ? ` (${task.title})` : ""}`]];
    for (const { name, unit } of task.parameters.filter((own) => own.name in sequence.parameters))
      pairs.push([name, `${parameter(sequence.parameters[name])} ${unit}`.trim()]);
    if (sequence.mask) pairs.push(["missing", missing(sequence.mask)]);
    const drifts = sequence.drifts.map((time) => `${short(time)} s`);
    if (drifts.length) pairs.push(["drift_time", drifts.join(", ")]);
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
    const plots = [...forecasts(sequence), ...groups.map((lines, i) => [titles[i], lines]), ...further(sequence, true)];
    if (sequence.energy) plots.push(["Energy", [["H", sequence.energy, task.energy_unit]]]);
    if (sequence.signal) plots.push(["Signal", observed(sequence).map((numbers, i) => [`y${i + 1}`, numbers, ""])]);
    plots.push(...further(sequence, false));
    const room = roomFor(plots.flatMap(([, lines]) => lines.map(([text]) => text)));
    const curves = plots.map(([title, lines, held]) =>
      this.#keep(new Curve(sequence, title, lines, player, { room, held })),
    );
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
      return element("figure", {}, part.node, element("figcaption", {}, text));
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

/** Plots of the errors of a forecast, and of its numbers beside the true ones. */
function forecasts({ forecast }) {
  return (forecast?.plots ?? []).map(({ title, names, numbers }) => [title, names.map((name, i) => [name, numbers[i], ""])]);
}

/** Plots of what drives the motion, control and drift, or of everything else that has numbers for each frame. */
function further(sequence, drives) {
  const lines = ({ names, units, numbers }) => names.map((name, i) => [name, numbers[i], units[i]]);
  const some = sequence.further.filter((plot) => plot.drives === drives);
  return some.map((plot) => [plot.title, lines(plot), plot.held]);
}

/** The signal, with gaps where it is missing. */
function observed({ signal, mask }) {
  return mask ? signal.map((column) => column.map((value, t) => (mask[t] ? value : NaN))) : signal;
}

/** The first impacts in words. */
function impacts(all) {
  const first = all.slice(0, IMPACTS).map(({ time, wall }) => `${short(time)} s ${wall}`);
  return first.join(", ") + (all.length > IMPACTS ? `, and ${all.length - IMPACTS} more` : "");
}
