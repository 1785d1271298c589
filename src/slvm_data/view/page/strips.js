import { color, theme } from "./colors.js";
import { element } from "./element.js";

const [HEIGHT, APART] = [14, 3]; // px of a strip, and between two

/** Regimes frame by frame as strips of colour below each other, with a line at the shown frame; a click goes there. */
export class Strips {
  constructor(names, rows, width, player) {
    Object.assign(this, { rows, width, height: rows.length * (HEIGHT + APART) - APART });
    const sharp = window.devicePixelRatio || 1;
    const same = rows[0].filter((regime, t) => regime === rows[1][t]).length;
    const label = `${names.join(" and ")}: the same in ${same} of ${rows[0].length} frames`;
    this.canvas = element("canvas", { className: "strips", role: "img", "aria-label": label });
    Object.assign(this.canvas, { width: width * sharp, height: this.height * sharp });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${this.height}px` });
    this.context = this.canvas.getContext("2d");
    this.context.scale(sharp, sharp);
    this.canvas.addEventListener("click", (event) =>
      player.seek(Math.floor((event.offsetX * rows[0].length) / this.canvas.clientWidth)),
    );
    const caption = element("figcaption", {}, `${names[0]} above, ${names[1]} below`);
    this.node = element("figure", { className: "regimes" }, caption, this.canvas);
  }

  show(frame) {
    const { context, rows, width, height } = this;
    const step = width / rows[0].length;
    context.clearRect(0, 0, width, height);
    rows.forEach((modes, row) =>
      modes.forEach((regime, t) => {
        context.fillStyle = regime < 0 ? theme("--edge") : color(regime); // one that is no true regime, or no forecast
        context.fillRect(t * step, row * (HEIGHT + APART), step + 0.5, HEIGHT);
      }),
    );
    context.fillStyle = theme("--ink");
    context.fillRect((Math.min(frame, rows[0].length - 1) + 0.5) * step - 1, 0, 2, height);
  }
}
