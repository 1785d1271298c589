import { Screen, scaleFor } from "./screen.js";
import { Spark } from "./spark.js";

/** A small picture of a sequence or window, about so wide: its frames, or else its signal; it has `show`. */
export function thumbnail(sequence, width, label) {
  if (sequence.frames) return new Screen(sequence.frames, scaleFor(sequence.frames, width), label);
  return new Spark(sequence, width, Math.round(width * 0.75), label);
}
