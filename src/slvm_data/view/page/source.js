import { columns } from "./numbers.js";

// The data come from a server, or from the page itself if it was saved; no other module knows which.

/** The source of this page. */
export function source() {
  const saved = JSON.parse(document.getElementById("data").textContent);
  return saved ? new Saved(saved) : new Served([]);
}

class Served {
  constructor(changes) {
    this.changes = changes;
  }

  /** The facts of the dataset. */
  about() {
    return this.#ask("about", {});
  }

  /** Sequences with these indices. */
  async sequences(task, split, index) {
    return (await this.#ask("sequences", { task, split, index: index.join(",") })).map(decoded);
  }

  /** Parameters of the first sequences by name: columns, one for each component. */
  async parameters(task, split) {
    const found = await this.#ask("parameters", { task, split });
    return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, columns(values)]));
  }

  /** The report of the forecast that is shown, or with a place the forecast of one sequence; null if it has none. */
  async forecast(place = {}) {
    return unpacked(await this.#ask("forecast", place));
  }

  /** The validation report. */
  report() {
    return this.#ask("report", {});
  }

  /** Arrays, sizes, lines that load the dataset, links. */
  facts() {
    return this.#ask("facts", {});
  }

  /** The same dataset with these parameters changed, each KEY=VALUE. */
  changed(changes) {
    return new Served(changes);
  }

  async #ask(what, words) {
    const query = new URLSearchParams(words);
    this.changes.forEach((change) => query.append("set", change));
    query.append("token", new URLSearchParams(location.search).get("token") ?? "");
    const answer = await fetch(`${what}?${query}`).catch(() => {
      throw new Error("No answer: the command slvm-data view, which serves this page, has ended. Start it again.");
    });
    if (answer.status === 403) throw new Error(await answer.text()); // of a server that was started again
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

  async sequences(task, split, index) {
    const found = this.data.sequences[`${task}/${split}`];
    return index.map((i) => decoded(found[i]));
  }

  async parameters(task, split) {
    const sequences = this.data.sequences[`${task}/${split}`] ?? [];
    const every = sequences.map(({ parameters, scores }) => ({ ...parameters, ...scores }));
    const names = [...new Set(every.flatMap((own) => Object.keys(own)))];
    const values = (name) => every.map((own) => own[name] ?? NaN);
    return Object.fromEntries(names.map((name) => [name, byComponent(values(name))]));
  }

  async forecast({ task, split, index } = {}) {
    if (index === undefined) return this.data.forecast;
    return unpacked(this.data.forecasts[`${task}/${split}`]?.[index] ?? null);
  }

  async facts() {
    return this.data.facts;
  }

  async report() {
    return this.data.report;
  }
}

function byComponent(values) {
  const rows = values.map((value) => [value].flat());
  return rows[0].map((_, i) => rows.map((row) => row[i]));
}

/** The forecast of a sequence with its numbers as columns. */
function unpacked(forecast) {
  return forecast?.plots
    ? { ...forecast, plots: forecast.plots.map((plot) => ({ ...plot, numbers: columns(plot.numbers) })) }
    : forecast;
}

/** A sequence with its numbers as columns. */
function decoded(sequence) {
  const [time] = columns(sequence.time);
  const context = sequence.context.map((window) => ({
    frames: window.frames,
    mask: window.mask,
    time: columns(window.time)[0],
    signal: columns(window.signal),
  }));
  return {
    ...sequence,
    time,
    state: columns(sequence.state),
    energy: sequence.energy && columns(sequence.energy)[0],
    signal: sequence.signal && columns(sequence.signal),
    further: sequence.further.map((plot) => ({ ...plot, numbers: columns(plot.numbers) })),
    context,
  };
}
