import { element } from "./element.js";

/**
 * A canvas that shows one frame of a sheet, pixel by pixel, each as `scale` pixels of the page. Frames that `mask` does
 * not have are marked as missing.
 */
export class Screen {
  constructor(sheet, scale, label, mask = null) {
    const { width, height } = sheet;
    Object.assign(this, { sheet, mask, width: width * scale });
    this.canvas = element("canvas", { className: "screen", width, height, role: "img", "aria-label": label });
    this.canvas.style.width = `${this.width}px`;
    this.missing = element("span", { className: "missing", hidden: true }, "missing");
    this.node = element("span", { className: "framed" }, this.canvas, this.missing);
    this.context = this.canvas.getContext("2d");
    this.image = element("img", { src: sheet.png });
    this.ready = this.image.decode();
  }

  show(frame) {
    this.frame = Math.min(frame, this.sheet.count - 1);
    this.missing.hidden = this.mask?.[this.frame] ?? true;
    this.ready.then(() => this.#draw());
  }

  #draw() {
    const { width, height, columns } = this.sheet;
    const x = (this.frame % columns) * width;
    const y = Math.floor(this.frame / columns) * height;
    this.context.drawImage(this.image, x, y, width, height, 0, 0, width, height);
  }
}

/** The whole number by which a frame is enlarged to be about so wide. */
export function scaleFor(sheet, width) {
  return Math.max(1, Math.floor(width / sheet.width));
}
