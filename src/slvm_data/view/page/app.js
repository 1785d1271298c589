import { Browser, go } from "./browser.js";
import { report } from "./report.js";
import { dataset } from "./dataset.js";
import { Forecast } from "./forecast.js";
import { Player } from "./player.js";
import { source } from "./source.js";
import { Tabs } from "./tabs.js";
import { themeButton } from "./theme.js";
import { transport } from "./transport.js";

const PANELS = [
  ["sequences", "Sequences"],
  ["forecast", "Forecast"], // if there is one
  ["report", "Validation report"],
  ["dataset", "Dataset"],
];
const find = (id) => document.getElementById(id);

class App {
  constructor(source) {
    this.source = source;
    this.player = new Player();
    this.tries = 0;
    transport(this.player, find("transport"));
  }

  async run() {
    if (!(await this.#tried(() => this.#start()))) return;
    await this.#tried(() => this.#route());
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.player.toggle(true);
    document.documentElement.dataset.ready = performance.now().toFixed(); // ms until the page can be used
  }

  async #start() {
    this.about = this.recipe = await this.source.about();
    const panels = PANELS.filter(([id]) => id !== "forecast" || this.about.forecast);
    this.tabs = new Tabs(find("tabs"), panels, (id) => go(id));
    this.#name(this.about);
    const tried = (what) => this.#tried(what);
    const moved = (changes) => tried(() => this.#move(changes));
    this.browser = new Browser(find("sequences"), this.source, this.about, this.player, { moved, tried });
    find("theme").append(themeButton(() => tried(() => this.#recolour())));
    window.addEventListener("hashchange", () => tried(() => this.#route()));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#leave());
    find("skip").addEventListener("click", (event) => {
      event.preventDefault(); // the address says what is shown
      find("main").focus();
    });
  }

  /** Title and description of the dataset, with what was changed in it. */
  #name({ title, about }) {
    document.title = `${title} – slvm-data`;
    find("name").textContent = title;
    find("about").textContent = about;
  }

  /** Go from one sequence back to all sequences. */
  #leave() {
    if (this.browser.opened && !find("sequences").hidden) go("sequences");
  }

  /** Show what the address names: the grid, a sequence, the validation report, or the dataset. */
  async #route() {
    const [what, ...place] = location.hash.slice(1).split("/");
    const panel = find(`tab-${what}`)?.role === "tab" ? what : "sequences";
    this.tabs.select(panel);
    find("transport").hidden = panel !== "sequences";
    if (panel === "forecast") return this.#forecast();
    if (panel === "report") return this.#report();
    if (panel === "dataset") return this.#facts();
    return this.browser.open(what === "sequence" ? this.#place(...place) : null);
  }

  /** The sequence that an address names; null if there is none. Moved parameters are not in it. */
  #place(task, split, index) {
    const count = this.recipe.tasks[task]?.counts[split];
    return /^\d+$/.test(index) && Number(index) < count ? { task: Number(task), split, index: Number(index) } : null;
  }

  async #forecast() {
    if (this.forecast) return;
    find("forecast").replaceChildren("Scoring …");
    this.forecast = new Forecast(this.about, await this.source.forecast());
    find("forecast").replaceChildren(this.forecast.node);
  }

  async #recolour() {
    this.forecast?.draw();
    await this.browser.refresh();
  }

  async #report() {
    const { source } = this;
    if (this.reported === source) return;
    find("report").replaceChildren("Measuring …");
    const found = await source.report();
    find("report").replaceChildren(report(this.about, found));
    this.reported = source;
  }

  async #facts() {
    const { source, about } = this;
    if (this.described === source) return;
    const found = await source.facts();
    find("dataset").replaceChildren(dataset(about, found));
    this.described = source;
  }

  async #move(changes) {
    const source = this.source.changed(changes);
    this.moving = source;
    const about = await source.about();
    if (this.moving !== source) return; // moved again meanwhile
    Object.assign(this, { source, about });
    await this.browser.change(source, about);
    if (this.moving === source) this.#name(about);
  }

  /** Do what may fail, and show the reason if it does. Returns whether it was done. */
  async #tried(what) {
    const turn = ++this.tries;
    try {
      await what();
      if (turn === this.tries) find("trouble").hidden = true; // an older success says nothing about a newer failure
      return true;
    } catch (error) {
      find("trouble").textContent = error.message;
      find("trouble").hidden = false;
      return false;
    }
  }
}

new App(source()).run();
