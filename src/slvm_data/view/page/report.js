import { bars } from "./bars.js";
import { element, table } from "./element.js";
import { matrix } from "./matrix.js";
import { named, short, size } from "./numbers.js";
import { places } from "./places.js";

const MEANING = [
  "Max. energy drift: the largest relative change of the energy, with losses to friction added back.",
  "Max. integration error: the largest difference from an integration with twice as many substeps, up to where chaos takes them apart.",
  "Resampled: the share of candidates that were rejected and drawn again.",
  "Sample: the number of sequences (or of pieces of a long trajectory) used to measure drift and error.",
].join(" ");

/** The validation report: accuracy, coverage, lit pixels, regimes, and the sizes of the files. */
export function report(about, { entries, measured, lit, places: where }) {
  const parts = [
    element("p", { className: "note" }, measured),
    accuracy(about, entries),
    ...(entries.some((entry) => entry.regimes) ? [regimes(about, entries.filter((entry) => entry.regimes))] : []),
    ...(where ? [places(about, where)] : []),
    ...entries.filter((entry) => !entry.split).flatMap((entry) => coverage(about, entry)),
    ...(lit.length ? [pixels(about, lit)] : []),
    ...(about.files.length ? [files(about)] : []),
  ];
  return element("div", { className: "report" }, ...parts);
}

function accuracy(about, entries) {
  const head = ["task", "max. energy drift", "max. integration error", "max. substeps per frame", "resampled", "sample"];
  const rows = entries.map((entry) => [
    `${entry.task}: ${about.tasks[entry.task].title}${entry.split && `, ${entry.split}`}`,
    short(entry.energy_drift),
    short(entry.error) + (entry.horizon === null ? "" : ` in ${entry.horizon} frames, then chaos`),
    short(entry.substeps),
    `${short(100 * entry.rejection_rate)} %`,
    String(entry.sample),
  ]);
  return element("section", {}, table("Accuracy", head, rows), element("p", { className: "note" }, MEANING));
}

function coverage(about, entry) {
  const { task } = entry;
  const drawn = about.tasks[task].parameters.filter((parameter) => parameter.drawn);
  if (!drawn.length) return [];
  const plots = drawn.map(({ name, unit }) => {
    const range = entry.coverage[name];
    const width = (range.high - range.low) / range.counts.length;
    const text = (k) => `${short(range.low + k * width)} to ${short(range.low + (k + 1) * width)}`;
    return histogram(named(name, unit), bars(range.counts, `Coverage of ${name}`, text), range.low, range.high);
  });
  const of = about.tasks.length > 1 ? ` for task ${task}: ${about.tasks[task].title}` : "";
  const title = `Parameters drawn${of}`;
  return [section(title, plots)];
}

function pixels(about, lit) {
  const plots = lit.map(({ low, width, counts, sequences }, i) => {
    const text = (k) => (width > 1 ? `${low + k * width} to ${low + (k + 1) * width - 1}` : `${low + k}`) + " pixels";
    const title = about.tasks.length > 1 ? `task ${i}: ${about.tasks[i].title}` : `${sequences} sequences`;
    return histogram(title, bars(counts, `Lit pixels, ${title}`, text), low, low + counts.length * width - 1);
  });
  return section(`Lit pixels in a frame, of ${lit[0].pixels}`, plots);
}

function histogram(title, plot, low, high) {
  const ends = element("div", { className: "ends" }, element("span", {}, short(low)), element("span", {}, short(high)));
  return element("figure", {}, element("figcaption", {}, title), plot, ends);
}

function section(title, plots) {
  return element("section", {}, element("h3", {}, title), element("div", { className: "plots" }, ...plots));
}

function regimes(about, entries) {
  const head = ["task", "regime", "occupancy", "mean dwell time [frames]"];
  const rows = entries.flatMap(({ task, regimes }) =>
    regimes.occupancy.map((share, k) => [
      String(task),
      String(k),
      `${short(100 * share)} %`,
      short(regimes.mean_dwell_time[k]),
    ]),
  );
  const leaked = entries.map((entry) => entry.regimes.leakage).filter((leakage) => leakage !== null);
  const shared = leaked.length ? ` (frames in windows of more than one split: ${leaked.join(", ")})` : "";
  const counts = entries.map(({ task, regimes }) => {
    const of = about.tasks.length > 1 ? ` of task ${task}: ${about.tasks[task].title}` : "";
    return matrix(regimes.transition_counts, `Transitions${of} [frames]`);
  });
  return element("section", {}, table(`Regimes${shared}`, head, rows), ...counts);
}

function files(about) {
  const rows = about.files.map((file) => [file.name, file.sequences.toLocaleString("en"), size(file.bytes)]);
  return table("Files", ["file", about.windows ? "windows, or trajectories" : "sequences", "size"], rows);
}
