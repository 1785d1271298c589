import { element } from "./element.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };

/** A button that changes the colours of the page: those of the system, light, dark. */
export function themeButton(onchange) {
  const root = document.documentElement;
  const button = element("button", { type: "button", title: "Colours of the page" });
  const set = (name) => {
    root.dataset.theme = name;
    button.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[name];
    button.setAttribute("aria-label", `Colours: ${name}; change to ${NEXT[name]}`);
  };
  button.addEventListener("click", () => {
    set(NEXT[root.dataset.theme]);
    onchange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onchange);
  set("auto");
  return button;
}
