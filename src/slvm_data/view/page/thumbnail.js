import { element } from "./element.js";
import { Screen, scaleFor } from "./screen.js";
import { Spark } from "./spark.js";
import { Timeline, uneven } from "./timeline.js";

const MARKS = 5; // px, height of the marks of frames

/**
 * A small picture of a sequence or window, about so wide: its frames, or else its signal. It has `show`, and an element
 * `node` that holds its `canvas`.
 */
export function thumbnail(sequence, width, label) {
  if (!sequence.frames) return new Spark(sequence, width, Math.round(width * 0.75), label);
  const screen = new Screen(sequence.frames, scaleFor(sequence.frames, width), label, sequence.mask);
  return uneven(sequence) ? new Striped(sequence, screen) : screen;
}

/** Frames with the marks of all of them below. */
class Striped {
  constructor(sequence, screen) {
    Object.assign(this, { screen, canvas: screen.canvas, width: screen.width });
    this.timeline = new Timeline(sequence, screen.width, MARKS);
    this.timeline.canvas.setAttribute("aria-hidden", "true");
    this.node = element("span", { className: "striped" }, screen.node, this.timeline.canvas);
  }

  show(frame) {
    this.screen.show(frame);
    this.timeline.show(frame);
  }
}
