import { element } from "./element.js";

/** Tabs over panels of the page, by their ids; arrow keys go from one to the next. `onchange` is given the id. */
export class Tabs {
  constructor(host, panels, onchange) {
    this.panels = panels.map(([id]) => document.getElementById(id));
    this.tabs = panels.map(([id, text]) =>
      element(
        "button",
        { type: "button", id: `tab-${id}`, role: "tab", "aria-controls": id, onclick: () => onchange(id) },
        text,
      ),
    );
    host.append(...this.tabs);
    host.addEventListener("keydown", (event) => this.#move(event));
  }

  select(id) {
    this.panels.forEach((panel, i) => {
      const chosen = panel.id === id;
      panel.hidden = !chosen;
      this.tabs[i].setAttribute("aria-selected", String(chosen));
      this.tabs[i].tabIndex = chosen ? 0 : -1;
    });
  }

  #move(event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const i = this.tabs.indexOf(event.target);
    if (!way || i < 0) return;
    const next = this.tabs[(i + way + this.tabs.length) % this.tabs.length];
    next.focus();
    next.click();
  }
}
