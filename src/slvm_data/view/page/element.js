/** An element with these properties, attributes, listeners (`onclick`, …) and children; text is never markup. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A labelled choice: `choices` are pairs of value and text. */
export function choice(label, choices, value, onchange) {
  const options = choices.map(([key, text]) => element("option", { value: key, selected: key === value }, text));
  const told = { "aria-label": label, "data-keep": label, onchange: () => onchange(select.value) };
  const select = element("select", told, ...options);
  return element("label", { className: "field" }, element("span", {}, label), select);
}

/** A table with a head; cells are texts, numbers or elements. */
export function table(caption, head, rows) {
  const line = (cells, tag) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
  return element(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, line(head, "th")),
      element("tbody", {}, ...rows.map((cells) => line(cells, "td"))),
    ),
  );
}
