import { Screen, scaleFor } from "./screen.js";
import { Spark } from "./spark.js";

/** What shows a film or a window, about so wide: its frames, or its signal if there are none. Both have `show`. */
export function seen(film, width, label) {
  if (film.frames) return new Screen(film.frames, scaleFor(film.frames, width), label);
  return new Spark(film, width, Math.round(width * 0.75), label);
}
