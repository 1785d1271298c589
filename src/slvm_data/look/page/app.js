import { Browser, go } from "./browser.js";
import { certificate } from "./certificate.js";
import { dataset } from "./dataset.js";
import { Player } from "./player.js";
import { source } from "./source.js";
import { Tabs } from "./tabs.js";
import { themeButton } from "./theme.js";
import { transport } from "./transport.js";

const PANELS = [
  ["films", "Films"],
  ["certificate", "Certificate"],
  ["dataset", "Dataset"],
];
const find = (id) => document.getElementById(id);

class App {
  constructor(source) {
    this.source = source;
    this.player = new Player();
    this.tabs = new Tabs(find("tabs"), PANELS, (id) => go(id));
    transport(this.player, find("transport"));
  }

  async start() {
    this.about = await this.source.about();
    document.title = `${this.about.name} – slvm-data`;
    find("name").textContent = this.about.name;
    find("about").textContent = this.about.about;
    this.browser = new Browser(find("films"), this.source, this.about, this.player, (changes) =>
      this.#tried(() => this.#move(changes)),
    );
    find("theme").append(themeButton(() => this.#tried(() => this.browser.refresh())));
    window.addEventListener("hashchange", () => this.#tried(() => this.#route()));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.browser.opened && go("films"));
    await this.#route();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.player.toggle(true);
    document.documentElement.dataset.ready = performance.now().toFixed(); // ms until the page can be used
  }

  /** What the address names: the grid, a film, the certificate, or the dataset. */
  async #route() {
    const [what, task, split, index] = location.hash.slice(1).split("/");
    const panel = find(what)?.role === "tabpanel" ? what : "films";
    this.tabs.select(panel);
    find("transport").hidden = panel !== "films";
    if (panel === "certificate") return this.#certificate();
    if (panel === "dataset") return find(panel).replaceChildren(dataset(this.about));
    const known = what === "film" && this.about.tasks[task]?.counts[split] > Number(index);
    return this.browser.open(known ? { task: Number(task), split, index: Number(index) } : null);
  }

  async #certificate() {
    const { source } = this;
    if (this.certified === source) return;
    find("certificate").replaceChildren("Measuring …");
    const found = await source.quality();
    find("certificate").replaceChildren(certificate(this.about, found));
    this.certified = source;
  }

  async #move(changes) {
    const source = this.source.changed(changes);
    this.moving = source;
    const about = await source.about();
    if (this.moving !== source) return; // moved on meanwhile
    Object.assign(this, { source, about });
    await this.browser.change(source, about);
  }

  /** Do what may fail, and say in a sentence why if it does. */
  async #tried(what) {
    try {
      await what();
      find("trouble").hidden = true;
    } catch (error) {
      find("trouble").textContent = error.message;
      find("trouble").hidden = false;
    }
  }

  run() {
    return this.#tried(() => this.start());
  }
}

new App(source()).run();
