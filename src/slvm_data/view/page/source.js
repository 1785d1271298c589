import { columns } from "./numbers.js";

// Where the data come from, and the only place that knows: a server, or the page itself if it was saved.

/** The source of this page. */
export function source() {
  const saved = JSON.parse(document.getElementById("data").textContent);
  return saved ? new Saved(saved) : new Served([]);
}

class Served {
  constructor(changes) {
    this.changes = changes;
  }

  /** What is said of the dataset. */
  about() {
    return this.#ask("about", {});
  }

  /** Sequences with these indices. */
  async films(task, split, index) {
    return (await this.#ask("films", { task, split, index: index.join(",") })).map(decoded);
  }

  /** Constants of the first sequences by name: columns, one for each component. */
  async constants(task, split) {
    const found = await this.#ask("constants", { task, split });
    return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, columns(values)]));
  }

  /** The certificate. */
  quality() {
    return this.#ask("quality", {});
  }

  /** The same dataset with these constants changed, each KEY=VALUE. */
  changed(changes) {
    return new Served(changes);
  }

  async #ask(what, words) {
    const query = new URLSearchParams(words);
    this.changes.forEach((change) => query.append("set", change));
    const answer = await fetch(`${what}?${query}`).catch(() => {
      throw new Error("Nothing answers any more: the slvm-data view that serves this page has ended.");
    });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.error);
    return content;
  }
}

class Saved {
  constructor(data) {
    this.data = data;
  }

  async about() {
    return this.data.about;
  }

  async films(task, split, index) {
    const found = this.data.films[`${task}/${split}`];
    return index.map((i) => decoded(found[i]));
  }

  async constants(task, split) {
    const films = this.data.films[`${task}/${split}`];
    const names = Object.keys(films[0]?.constants ?? {});
    return Object.fromEntries(names.map((name) => [name, byComponent(films.map((film) => film.constants[name]))]));
  }

  async quality() {
    return this.data.quality;
  }
}

function byComponent(values) {
  const rows = values.map((value) => [value].flat());
  return rows[0].map((_, i) => rows.map((row) => row[i]));
}

/** A film with its numbers as columns. */
function decoded(film) {
  const [time] = columns(film.time);
  const context = film.context.map((window) => ({
    frames: window.frames,
    time: columns(window.time)[0],
    signal: columns(window.signal),
  }));
  return {
    ...film,
    time,
    state: columns(film.state),
    energy: film.energy && columns(film.energy)[0],
    signal: film.signal && columns(film.signal),
    context,
  };
}
