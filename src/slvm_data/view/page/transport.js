import { choice, element } from "./element.js";
import { icon } from "./icon.js";

const SPEEDS = [1, 2, 5, 10, 20, 30, 60];

/** Buttons and keys that move the player: play, one frame back or forward, any frame, speed. */
export function transport(player, host) {
  const button = (shape, label, onclick) =>
    element("button", { type: "button", "aria-label": label, title: label, onclick }, icon(shape));
  const play = button("play", "Play", () => player.toggle());
  const scrub = element("input", { type: "range", min: 0, value: 0, step: 1, "aria-label": "Frame" });
  scrub.addEventListener("input", () => player.seek(Number(scrub.value)));
  const at = element("span", {});
  const place = element("output", { className: "place" }, element("span", {}, "frame "), at);
  const speeds = SPEEDS.map((speed) => [String(speed), `${speed}`]);
  const speed = choice("frames/s", speeds, String(player.speed), (value) => player.setSpeed(Number(value)));
  const back = button("back", "One frame back", () => pausedStep(player, -1));
  const forward = button("forward", "One frame forward", () => pausedStep(player, 1));
  host.append(back, play, forward, scrub, place, speed);
  player.addEventListener("frame", () => {
    scrub.value = player.frame;
    at.textContent = `${player.frame} of ${player.length}`;
  });
  player.addEventListener("state", () => {
    scrub.max = player.length - 1;
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
    play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    play.title = player.playing ? "Pause (space)" : "Play (space)";
  });
  document.addEventListener("keydown", (event) => host.hidden || pressed(player, event));
}

function pausedStep(player, frames) {
  player.toggle(false);
  player.step(frames);
}

const KEYS = {
  " ": (player) => player.toggle(),
  ArrowLeft: (player) => pausedStep(player, -1),
  ArrowRight: (player) => pausedStep(player, 1),
  Home: (player) => player.seek(0),
  End: (player) => player.seek(player.length - 1),
};

/** Act on a key, unless it has a meaning of its own where the focus is. */
function pressed(player, event) {
  const own = event.target.closest("input, select, textarea, code, [role=tab], .scroll");
  const presses = event.key === " " && event.target.closest("button, summary, a");
  if (own || presses || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key](player);
}
