import { element } from "./element.js";

/** A small table of counts from one regime (rows) to the next (columns); a cell is the darker the larger its share. */
export function matrix(counts, label) {
  const head = element("tr", {}, element("th", {}, "from \\ to"), ...counts.map((_, k) => element("th", {}, String(k))));
  const rows = counts.map((row, k) => {
    const sum = row.reduce((a, b) => a + b, 0) || 1;
    const cells = row.map((count) => {
      const cell = element("td", {}, count.toLocaleString("en"));
      cell.style.setProperty("--share", count / sum);
      return cell;
    });
    return element("tr", {}, element("th", {}, String(k)), ...cells);
  });
  const table = element("table", {}, element("caption", {}, label), head, ...rows);
  return element("div", { className: "matrix scroll", tabIndex: 0, role: "region", "aria-label": label }, table);
}
