import { Screen, scaleFor } from "./screen.js";
import { Spark } from "./spark.js";

/** What shows a sequence or a window, about so wide: its frames, or its signal if there are none. Both have `show`. */
export function seen(sequence, width, label) {
  if (sequence.frames) return new Screen(sequence.frames, scaleFor(sequence.frames, width), label);
  return new Spark(sequence, width, Math.round(width * 0.75), label);
}
