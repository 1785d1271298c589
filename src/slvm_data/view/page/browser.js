import { Command } from "./command.js";
import { element } from "./element.js";
import { Sequence } from "./sequence.js";
import { Filters, Pager } from "./filters.js";
import { Grid, address, name } from "./grid.js";
import { everything, pageSize, places, searches, tasksOf } from "./selection.js";
import { Sliders } from "./sliders.js";

const CONTEXT = 5; // other sequences of a task beside one, at a time

/** The sequences of a dataset: a grid of them, or one; sliders for parameters, where it is made as it is shown. */
export class Browser {
  /** `moved` is given the moved parameters; `tried` does what may fail, and shows the reason if it does. */
  constructor(panel, source, about, player, { moved, tried }) {
    Object.assign(this, { source, about, player, tried, opened: null, shown: null, portrait: 0, turn: 0, draw: 0 });
    this.selection = everything(about);
    this.command = new Command(about.command);
    this.filters = new Filters(about, this.selection, (change) => this.#select({ page: 0, ...change }));
    this.pager = new Pager((page) => this.#select({ page }));
    this.choosing = element("div", { hidden: true }, this.filters.node, this.pager.node);
    this.body = element("div", { className: "body" });
    this.sliders = about.sliders.length ? new Sliders(about.sliders, moved) : null;
    const said = [about.original, about.fixed].filter(Boolean);
    const notes = said.map((text) => element("p", { className: "note" }, text));
    panel.append(...(this.sliders ? [this.sliders.node] : []), ...notes, this.command.node, this.choosing, this.body);
    player.addEventListener("frame", () => this.view?.show(player.frame));
  }

  /** Show the dataset anew, with other parameters: what was open stays open. */
  async change(source, about) {
    Object.assign(this, { source, about });
    if (await this.refresh()) this.command.set(about.command); // together with the sequences that it makes
  }

  /** Show one sequence, or the grid where `place` is null. */
  async open(place) {
    this.opened = place;
    await this.refresh();
  }

  /** Show the grid or the open sequence anew. Returns false if something newer was asked for meanwhile. */
  async refresh() {
    const turn = ++this.turn;
    const { opened } = this;
    const [view, nodes, found] = opened ? await this.#sequence(opened) : await this.#grid();
    if (turn !== this.turn) {
      view.close();
      return false;
    }
    const focused = document.activeElement;
    const here = focused === document.body || this.body.contains(focused) || this.choosing.contains(focused);
    this.view?.close();
    this.choosing.hidden = opened !== null;
    if (found) this.#said(found);
    this.body.replaceChildren(...nodes);
    if (this.view && here) this.#focus(focused.dataset.keep, opened);
    Object.assign(this, { view, shown: opened });
    this.player.setLength(view.length);
    return true;
  }

  /** Keep the focus where it was; if that is gone, put it on the opened sequence, or on its cell in the grid. */
  #focus(keep, opened) {
    const find = (key) => this.body.querySelector(`[data-keep="${key}"]:not(:disabled)`);
    const turned = JSON.stringify(opened) !== JSON.stringify(this.shown);
    const other = opened ? "title" : this.shown && address(this.#there(this.shown));
    const kept = keep && find(keep);
    if (kept) kept.focus();
    else if (keep || turned) find(other)?.focus();
  }

  /** A place whose task exists: there are fewer tasks while the parameter in which they differ is moved. */
  #there(place) {
    return { ...place, task: Math.min(place.task, this.about.tasks.length - 1) };
  }

  /** The selection, of all tasks if the chosen one does not exist now. */
  #selected() {
    const { about, selection } = this;
    return Number(selection.task) >= about.tasks.length ? { ...selection, task: "all" } : selection;
  }

  async #grid() {
    const { about } = this;
    const selection = this.#selected();
    const { length, some } = places(about, selection, searches(selection) ? await this.#parameters(selection) : {});
    const size = pageSize(about, selection);
    const pages = Math.max(1, Math.ceil(length / size));
    const page = Math.min(selection.page, pages - 1);
    const sequences = await this.#sequences(selection.split, some(page * size, (page + 1) * size));
    const grid = new Grid(about, selection, sequences, (sequence) => go(address(sequence)));
    return [grid, grid.nodes, { about, selection, length, page, pages }];
  }

  #said({ about, selection, length, page, pages }) {
    this.filters.show(about, selection);
    this.pager.show(length, page, pages);
  }

  #select(change) {
    this.selection = { ...this.selection, ...change };
    return this.tried(() => this.refresh());
  }

  async #parameters(selection) {
    const tasks = tasksOf(this.about, selection);
    const found = await Promise.all(tasks.map((task) => this.source.parameters(task, selection.split)));
    return Object.fromEntries(tasks.map((task, i) => [task, found[i]]));
  }

  /** Sequences at these places, in this order; those of one task are asked for together. */
  async #sequences(split, wanted) {
    const tasks = [...new Set(wanted.map(([task]) => task))];
    const sequences = await Promise.all(
      tasks.map((task) =>
        this.source.sequences(
          task,
          split,
          wanted.filter(([other]) => other === task).map(([, i]) => i),
        ),
      ),
    );
    const next = Object.fromEntries(tasks.map((task, i) => [task, sequences[i][Symbol.iterator]()]));
    return wanted.map(([task]) => next[task].next().value);
  }

  async #sequence(asked) {
    const { about, source, player } = this;
    const place = this.#there(asked);
    const { task, split, index } = place;
    const count = about.tasks[task].counts[split];
    const beside = about.tasks.length > 1 && !about.windows ? this.#others(count, index) : [];
    const [sequence, ...context] = await source.sequences(task, split, [index, ...beside]);
    if (about.forecast) sequence.forecast = await source.forecast(place);
    const draw = () => {
      this.draw += 1;
      this.tried(() => this.refresh());
    };
    const others = { sequences: context, draw: count - 1 > CONTEXT ? draw : null };
    const portrait = { chosen: this.portrait, choose: (k) => (this.portrait = k) };
    const view = new Sequence(about, sequence, others, player, portrait);
    return [view, [this.#heading(asked, name(about, place), count), view.node]];
  }

  /** Indices of other sequences of a task: those after this one, at each draw the next ones. */
  #others(count, index) {
    const n = Math.min(CONTEXT, count - 1);
    return Array.from({ length: n }, (_, k) => (index + 1 + ((this.draw * n + k) % (count - 1))) % count);
  }

  #heading(asked, title, count) {
    const { index } = asked;
    const to = (i) => () => go(address({ ...asked, index: i }));
    const button = (text, label, disabled, onclick) =>
      element("button", { type: "button", "data-keep": label, "aria-label": label, disabled, onclick }, text);
    return element(
      "div",
      { className: "heading" },
      button("‹ All sequences", "All sequences", false, () => go("sequences")),
      element("h2", { tabIndex: -1, "data-keep": "title" }, title),
      button("‹", "Previous sequence", index === 0, to(index - 1)),
      button("›", "Next sequence", index + 1 >= count, to(index + 1)),
    );
  }
}

/** Go to a part of the page: the browser's own back and forward work. */
export function go(where) {
  location.hash = where;
}
