import { color, mark } from "./colors.js";
import { Curve, roomFor } from "./curve.js";
import { choice, element } from "./element.js";
import { Screen, scaleFor } from "./screen.js";
import { name } from "./grid.js";
import { constant, short } from "./numbers.js";
import { Portrait } from "./portrait.js";
import { seen } from "./seen.js";

const IMPACTS = 12; // told one by one
const [LARGE, SMALL] = [352, 96]; // px of a frame, about

/** One film in full: frames, constants, curves, portrait, context, all at one frame. */
export class Film {
  constructor(about, film, others, player, portrait) {
    Object.assign(this, { about, film, task: about.tasks[film.task], shown: [], length: film.time.length, frame: 0 });
    const screen =
      film.frames && this.#keep(new Screen(film.frames, largest(film.frames), `Frame of ${name(about, film)}`));
    this.now = element("p", { className: "now" });
    const left = element(
      "div",
      { className: "left" },
      ...(screen ? [element("div", { className: "stage" }, screen.canvas)] : []),
      this.now,
      this.#numbers(),
      this.#context(others),
    );
    this.node = element("article", { className: "film" }, left, this.#curves(player), this.#plane(portrait));
  }

  show(frame) {
    this.frame = frame;
    this.shown.forEach((part) => part.show(frame));
    this.portrait?.show(frame);
    const { film, length } = this;
    const t = Math.min(frame, length - 1);
    const regime = film.mode ? ` · regime ${film.mode[t]}` : "";
    const cut = film.length > length ? ` (the first ${length} of ${film.length} frames)` : "";
    this.now.textContent = `frame ${t} · ${short(film.time[t])} s${regime}${cut}`;
  }

  close() {
    this.shown.forEach((part) => part.close?.());
    this.portrait?.close();
  }

  #keep(part) {
    this.shown.push(part);
    return part;
  }

  /** Label and constants, and for regimes their marks. */
  #numbers() {
    const { film, task } = this;
    const pairs = [["label", `${film.task}${this.about.tasks.length > 1 ? ` (${task.title})` : ""}`]];
    for (const [key, value] of Object.entries(film.constants)) pairs.push([key, constant(value)]);
    if (film.impacts.length) pairs.push(["impacts", impacts(film.impacts)]);
    const rows = pairs.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]);
    if (film.mode) rows.push(element("dt", {}, "regimes"), element("dd", {}, ...regimes(task.regimes)));
    return element("dl", {}, ...rows);
  }

  #curves(player) {
    const { film, task } = this;
    const named = film.state.map((numbers, d) => [task.state[d] ?? `state ${d}`, numbers]);
    const half = Math.floor(named.length / 2);
    const groups = task.halves.length ? [named.slice(0, half), named.slice(half)] : [named];
    const titles = groups.length > 1 ? task.halves : [film.signal && this.about.windows ? "Latents" : "State"];
    const plots = groups.map((lines, i) => [titles[i], lines]);
    if (film.energy) plots.push(["Energy", [["H", film.energy]]]);
    if (film.signal) plots.push(["Signal", film.signal.map((numbers, i) => [`y${i + 1}`, numbers])]);
    const room = roomFor(plots.flatMap(([, lines]) => lines.map(([text]) => text)));
    const curves = plots.map(([title, lines]) => this.#keep(new Curve(film, title, lines, player, room)));
    return element("div", { className: "curves" }, ...curves.map((curve) => curve.node));
  }

  /** Numbers against each other, of several pairs the one that is chosen. */
  #plane({ chosen, choose }) {
    const { portraits } = this.task;
    if (!portraits.length) return "";
    const place = element("div", {});
    const draw = (k) => {
      choose(k);
      this.portrait?.close();
      this.portrait = new Portrait(this.film, portraits[k], this.task);
      place.replaceChildren(this.portrait.canvas);
      this.portrait.show(this.frame);
    };
    const first = Math.min(chosen, portraits.length - 1);
    const choices = portraits.map(({ title }, k) => [String(k), title]);
    const title =
      choices.length > 1
        ? choice("Portrait", choices, String(first), (value) => draw(Number(value)))
        : `Portrait: ${portraits[0].title}`;
    draw(first);
    return element("figure", { className: "plane" }, element("figcaption", {}, title), place);
  }

  /** Windows before a query, or other films of the same task: what a learner may be given to go by. */
  #context({ films, draw }) {
    const before = this.film.context.map((window, k) => [window, `context ${k + 1}, ${short(window.time[0])} s`]);
    const shown = before.length ? before : films.map((film) => [film, `#${film.index}`]);
    if (!shown.length) return "";
    const cells = shown.map(([film, text]) => {
      const part = this.#keep(seen(film, SMALL, `Context: ${text}`));
      return element("figure", {}, part.canvas, element("figcaption", {}, text));
    });
    const more =
      draw && !before.length
        ? [element("button", { type: "button", "data-keep": "draw", onclick: draw }, "Draw others")]
        : [];
    const title = before.length
      ? "Context: the windows before it"
      : `Context: other sequences of task ${this.film.task}`;
    return element(
      "section",
      { className: "context", "aria-label": "Context" },
      element("h3", {}, title),
      element("div", {}, ...cells),
      ...more,
    );
  }
}

/** The first of them in words. */
function impacts(all) {
  const first = all.slice(0, IMPACTS).map(({ time, wall }) => `${short(time)} s ${wall}`);
  return first.join(", ") + (all.length > IMPACTS ? `, and ${all.length - IMPACTS} more` : "");
}

function largest(frames) {
  return scaleFor(frames, Math.min(LARGE, document.documentElement.clientWidth - 48));
}

function regimes(count) {
  return Array.from({ length: count }, (_, i) => {
    const canvas = element("canvas", { width: 14, height: 14, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    context.fillStyle = color(i);
    mark(context, i, 7, 7, 4);
    return element("span", { className: "regime" }, canvas, String(i));
  });
}
