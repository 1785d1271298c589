// Which sequences are shown, and in which order. A place is a pair of task and index.

/** The first selection: all tasks, in order of index, no parameter filtered; side by side if tasks are few. */
export function everything(about) {
  const few = about.tasks.length > 1 && about.tasks.length <= 16;
  return { split: about.splits[0], task: "all", sort: "", falling: false, beside: few, ranges: {}, page: 0 };
}

/** Numbers of the tasks that are shown: those that have sequences in the split. */
export function tasksOf(about, selection) {
  if (selection.task !== "all") return [Number(selection.task)];
  return about.tasks.map((_, i) => i).filter((i) => about.tasks[i].counts[selection.split] > 0);
}

/** Whether sequences of several tasks with the same index stand side by side: not if they are sorted by a parameter. */
export function grouped(about, selection) {
  return selection.beside && selection.sort === "" && tasksOf(about, selection).length > 1;
}

/** Number of sequences on a page: the same for each task where they stand side by side. */
export function pageSize(about, selection) {
  const tasks = grouped(about, selection) ? tasksOf(about, selection).length : 1;
  return Math.max(tasks, about.cells - (about.cells % tasks));
}

/** Whether the selection needs the values of parameters. */
export function searches(selection) {
  return selection.sort !== "" || Object.keys(selection.ranges).length > 0;
}

/** The places of a selection: their number, and a function that gives some of them. */
export function places(about, selection, parameters) {
  const tasks = tasksOf(about, selection);
  return searches(selection) ? found(about, selection, parameters, tasks) : every(about, selection, tasks);
}

function every(about, { split, beside }, tasks) {
  const count = about.tasks[tasks[0]]?.counts[split] ?? 0; // the same in all of them
  const length = count * tasks.length;
  const place = (k) =>
    beside ? [tasks[k % tasks.length], Math.floor(k / tasks.length)] : [tasks[Math.floor(k / count)], k % count];
  const some = (first, stop) =>
    Array.from({ length: Math.max(0, Math.min(stop, length) - first) }, (_, k) => place(first + k));
  return { length, some };
}

function found(about, selection, parameters, tasks) {
  const list = tasks.flatMap((task) => within(about.tasks[task], task, selection, parameters[task]));
  if (selection.sort) {
    const known = Object.fromEntries(tasks.map((t) => [t, column(about.tasks[t], parameters[t], selection.sort)]));
    const way = selection.falling ? -1 : 1;
    const value = ([task, i]) => known[task]?.[i] ?? NaN;
    const byValue = (a, b) => isNaN(value(a)) - isNaN(value(b)) || way * (value(a) - value(b)) || 0;
    list.sort((a, b) => byValue(a, b) || a[1] - b[1] || a[0] - b[0]); // those without the number come last
  } else if (selection.beside) {
    list.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  }
  return { length: list.length, some: (first, stop) => list.slice(first, stop) };
}

/** Places of a task, the `number`-th, whose parameters lie in all ranges; none if the task lacks one of them. */
function within(task, number, { split, ranges }, parameters) {
  const wanted = Object.entries(ranges).map(([key, ends]) => [column(task, parameters, key), ends]);
  if (wanted.some(([values]) => !values)) return [];
  const count = Object.values(parameters)[0]?.[0].length ?? task.counts[split];
  const fits = (i) => wanted.every(([values, [low, high]]) => values[i] >= low && values[i] <= high);
  return Array.from({ length: count }, (_, i) => i)
    .filter(fits)
    .map((i) => [number, i]);
}

/** A parameter of a task's sequences by its key, `name` or `name/component`; undefined if the task lacks it. */
function column(task, parameters, key) {
  const [name, component] = key.split("/");
  return keysOf(task).has(key) ? parameters[name]?.[Number(component ?? 0)] : undefined;
}

/** Keys of all parameters whose values are stored, and of scores of a forecast, with their names on the page. */
export function keys(about) {
  return [...new Map(about.tasks.flatMap((task) => [...keysOf(task)]))];
}

/** Those of one task. */
export function keysOf(task) {
  const found = new Map();
  for (const { name, components, scalar } of task.parameters.filter(({ stored }) => stored)) {
    for (let i = 0; i < components; i++) found.set(scalar ? name : `${name}/${i}`, scalar ? name : `${name} ${i + 1}`);
  }
  task.scores.forEach((name) => found.set(name, name));
  return found;
}
