import { element } from "./element.js";

/** A command, or lines of a program, with a button that copies it. */
export class Command {
  constructor(text, label = "Command") {
    this.code = element("code", { tabIndex: 0 }, text);
    this.button = element("button", { type: "button", onclick: () => this.#copy() }, "Copy");
    this.node = element(
      "div",
      { className: "command", role: "group", "aria-label": label },
      this.code,
      this.button,
    );
  }

  set(text) {
    this.code.textContent = text;
  }

  async #copy() {
    getSelection().selectAllChildren(this.code);
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      this.button.textContent = "Copied";
    } catch {
      this.button.textContent = "Press Ctrl-C"; // it is selected
    }
    setTimeout(() => (this.button.textContent = "Copy"), 1500);
  }
}
