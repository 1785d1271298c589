/** Columns of an array [T] or [T D], from base64 of little-endian float32. */
export function columns({ shape, f4 }) {
  const bytes = Uint8Array.from(atob(f4), (letter) => letter.charCodeAt(0));
  const flat = new Float32Array(bytes.buffer);
  const width = shape.length > 1 ? shape[1] : 1;
  return Array.from({ length: width }, (_, d) =>
    Float32Array.from({ length: shape[0] }, (_, t) => flat[t * width + d]),
  );
}

/** A number in a few digits. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) === Infinity) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** A parameter: a number, or one for each body or component. */
export function parameter(value) {
  return Array.isArray(value) ? `(${value.map(short).join(", ")})` : short(value);
}

/** A size in bytes. */
export function size(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Lowest and highest of several columns, of the numbers that are there. */
export function ends(lists) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists)
    for (const value of list)
      if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

/** About `count` round numbers between two ends. */
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}

/** A name with its unit, if it has one. */
export function named(name, unit) {
  return unit ? `${name} [${unit}]` : name;
}
