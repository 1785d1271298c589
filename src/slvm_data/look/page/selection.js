// Which sequences are shown, and in which order. A place is a pair of task and index.

/** A selection: all tasks (or one), in order of index, no constant narrowed down; side by side if tasks are few. */
export function everything(about) {
  const few = about.tasks.length > 1 && about.tasks.length <= 16;
  return { split: about.splits[0], task: "all", sort: "", falling: false, beside: few, ranges: {}, page: 0 };
}

/** Numbers of the tasks that are shown. */
export function tasksOf(about, selection) {
  return selection.task === "all" ? about.tasks.map((_, i) => i) : [Number(selection.task)];
}

/** Whether films with the same index in several tasks stand side by side: not where a constant decides their order. */
export function grouped(about, selection) {
  return selection.beside && selection.sort === "" && tasksOf(about, selection).length > 1;
}

/** How many sequences a page has: the same number of each task where they stand side by side. */
export function pageSize(about, selection) {
  const tasks = grouped(about, selection) ? tasksOf(about, selection).length : 1;
  return Math.max(tasks, about.cells - (about.cells % tasks));
}

/** Whether constants have to be known to choose. */
export function searches(selection) {
  return selection.sort !== "" || Object.keys(selection.ranges).length > 0;
}

/** All places that a selection has, as a length and a function that gives some of them. */
export function places(about, selection, constants) {
  const tasks = tasksOf(about, selection);
  return searches(selection) ? found(about, selection, constants, tasks) : every(about, selection, tasks);
}

function every(about, { split, beside }, tasks) {
  const count = about.tasks[tasks[0]].counts[split]; // the same in all of them
  const length = count * tasks.length;
  const place = (k) =>
    beside ? [tasks[k % tasks.length], Math.floor(k / tasks.length)] : [tasks[Math.floor(k / count)], k % count];
  const some = (first, stop) =>
    Array.from({ length: Math.max(0, Math.min(stop, length) - first) }, (_, k) => place(first + k));
  return { length, some };
}

function found(about, selection, constants, tasks) {
  const list = tasks.flatMap((task) => within(task, selection, constants[task]));
  if (selection.sort) {
    const key = ([task, index]) => value(constants[task], selection.sort, index);
    const way = selection.falling ? -1 : 1;
    list.sort((a, b) => way * (key(a) - key(b)) || a[1] - b[1] || a[0] - b[0]);
  } else if (selection.beside) {
    list.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  }
  return { length: list.length, some: (first, stop) => list.slice(first, stop) };
}

/** Places of a task whose constants lie in all ranges. */
function within(task, { ranges }, constants) {
  const count = Object.values(constants)[0]?.[0].length ?? 0;
  const fits = (i) =>
    Object.entries(ranges).every(([key, [low, high]]) => {
      const here = value(constants, key, i);
      return here >= low && here <= high;
    });
  return Array.from({ length: count }, (_, i) => i)
    .filter(fits)
    .map((i) => [task, i]);
}

/** A constant of a sequence by its key, `name` or `name/component`; NaN where its task has none. */
export function value(constants, key, index) {
  const [name, component] = key.split("/");
  return constants[name]?.[Number(component ?? 0)][index] ?? NaN;
}

/** Keys of all constants whose values are known, with what they are called. */
export function keys(about) {
  const found = new Map();
  for (const task of about.tasks) {
    for (const { name, components, scalar } of task.constants.filter(({ stored }) => stored)) {
      for (let i = 0; i < components; i++) {
        found.set(scalar ? name : `${name}/${i}`, scalar ? name : `${name} ${i + 1}`);
      }
    }
  }
  return [...found];
}
