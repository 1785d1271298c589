import { Command } from "./command.js";
import { element } from "./element.js";
import { Film } from "./film.js";
import { filters } from "./filters.js";
import { Grid, name } from "./grid.js";
import { everything, pageSize, places, searches, tasksOf } from "./selection.js";
import { Sliders } from "./sliders.js";

const CONTEXT = 5; // other films of a task beside one, at a time

/** The films of a dataset: a grid of them, or one; the constants to move, where the dataset is made as it is shown. */
export class Browser {
  constructor(panel, source, about, player, moved) {
    Object.assign(this, { source, about, player, opened: null, portrait: 0, turn: 0, draw: 0 });
    this.selection = everything(about);
    this.command = new Command(about.command);
    this.body = element("div", { className: "body" });
    this.sliders = about.sliders.length ? new Sliders(about.sliders, moved) : null;
    panel.append(...(this.sliders ? [this.sliders.node] : []), this.command.node, this.body);
    player.addEventListener("frame", () => this.view?.show(player.frame));
  }

  /** Show the dataset anew, with other constants: what was open stays open if there still is such a film. */
  async change(source, about) {
    Object.assign(this, { source, about });
    const { task } = this.selection;
    if (task !== "all" && Number(task) >= about.tasks.length) this.selection = { ...this.selection, task: "all" };
    if (this.opened?.task >= about.tasks.length) this.opened = { ...this.opened, task: 0 };
    if (await this.refresh()) this.command.set(about.command); // with the films that it makes, not before
  }

  /** Show one film, or the grid where `place` is null. */
  async open(place) {
    this.opened = place;
    await this.refresh();
  }

  /** Show what is to be shown now; whether it is still wanted when it has come. */
  async refresh() {
    const turn = ++this.turn;
    const [view, ...around] = this.opened ? await this.#film(this.opened) : await this.#grid();
    if (turn !== this.turn) {
      view.close(); // something newer was asked for meanwhile
      return false;
    }
    const focused = document.activeElement?.dataset?.keep;
    this.view?.close();
    this.view = view;
    this.body.replaceChildren(...around);
    if (focused) this.body.querySelector(`[data-keep="${focused}"]`)?.focus();
    this.player.setLength(view.length);
    return true;
  }

  async #grid() {
    const { about, selection } = this;
    const found = places(about, selection, searches(selection) ? await this.#constants() : {});
    const size = pageSize(about, selection);
    const films = await this.#films(found.some(selection.page * size, (selection.page + 1) * size));
    const grid = new Grid(about, selection, films, ({ task, split, index }) => go(`film/${task}/${split}/${index}`));
    const controls = filters(about, selection, (change) => this.#select({ page: 0, ...change }));
    return [grid, controls, this.#pager(found.length), grid.node];
  }

  #select(change) {
    this.selection = { ...this.selection, ...change };
    return this.refresh();
  }

  async #constants() {
    const { split } = this.selection;
    const tasks = tasksOf(this.about, this.selection);
    const found = await Promise.all(tasks.map((task) => this.source.constants(task, split)));
    return Object.fromEntries(tasks.map((task, i) => [task, found[i]]));
  }

  /** Films at these places, in this order; those of one task are asked for together. */
  async #films(wanted) {
    const { split } = this.selection;
    const tasks = [...new Set(wanted.map(([task]) => task))];
    const films = await Promise.all(
      tasks.map((task) =>
        this.source.films(
          task,
          split,
          wanted.filter(([other]) => other === task).map(([, i]) => i),
        ),
      ),
    );
    const next = Object.fromEntries(tasks.map((task, i) => [task, films[i][Symbol.iterator]()]));
    return wanted.map(([task]) => next[task].next().value);
  }

  #pager(length) {
    const { page } = this.selection;
    const pages = Math.max(1, Math.ceil(length / pageSize(this.about, this.selection)));
    const button = (text, label, to) =>
      element(
        "button",
        {
          type: "button",
          "data-keep": label,
          "aria-label": label,
          disabled: to < 0 || to >= pages || to === page,
          onclick: () => this.#select({ page: to }),
        },
        text,
      );
    const jump = element("input", {
      type: "number",
      min: 1,
      max: pages,
      value: page + 1,
      "aria-label": "Page",
      "data-keep": "Page",
    });
    jump.addEventListener("change", () =>
      this.#select({ page: Math.min(pages, Math.max(1, Number(jump.value) || 1)) - 1 }),
    );
    const count = element("output", { className: "count" }, `${length.toLocaleString("en")} sequences`);
    const turning = [
      button("‹", "Page before", page - 1),
      jump,
      ` of ${pages.toLocaleString("en")} `,
      button("›", "Next page", page + 1),
    ];
    return element(
      "nav",
      { className: "pager", "aria-label": "Pages" },
      count,
      ...(pages > 1 ? [element("span", {}, ...turning)] : []),
    );
  }

  async #film(place) {
    const { about, source, player } = this;
    const { task, split, index } = place;
    const count = about.tasks[task].counts[split];
    const beside = about.tasks.length > 1 && !about.windows ? this.#others(count, index) : [];
    const [film, ...context] = await source.films(task, split, [index, ...beside]);
    const choose = (k) => {
      this.portrait = k;
      this.refresh();
    };
    const draw = () => {
      this.draw += 1;
      this.refresh();
    };
    const others = { films: context, draw: count - 1 > CONTEXT ? draw : null };
    const view = new Film(about, film, others, player, { chosen: this.portrait, choose });
    return [view, this.#heading(place, count), view.node];
  }

  /** Indices of other films of a task: those after this one, at each draw the next ones. */
  #others(count, index) {
    const n = Math.min(CONTEXT, count - 1);
    return Array.from({ length: n }, (_, k) => (index + 1 + ((this.draw * n + k) % (count - 1))) % count);
  }

  #heading(place, count) {
    const { task, split, index } = place;
    const to = (i) => () => go(`film/${task}/${split}/${i}`);
    const button = (text, label, disabled, onclick) =>
      element("button", { type: "button", "data-keep": label, "aria-label": label, disabled, onclick }, text);
    return element(
      "div",
      { className: "heading" },
      button("‹ All films", "All films", false, () => go("films")),
      element("h2", {}, name(this.about, place)),
      button("‹", "Film before", index === 0, to(index - 1)),
      button("›", "Next film", index + 1 >= count, to(index + 1)),
    );
  }
}

/** Go to a part of the page: the browser's own back and forward work. */
export function go(where) {
  location.hash = where;
}
