/** The frame that all sequences on the page show. It tells `frame` when this changes, `state` when the rest does. */
export class Player extends EventTarget {
  frame = 0;
  length = 1;
  speed = 10; // frames a second
  playing = false;
  #last = 0; // ms, time at which the shown frame was due

  /** Set the number of frames; begin anew if the shown frame is beyond the last. */
  setLength(length) {
    this.length = Math.max(1, length);
    this.#tell("state");
    this.seek(this.frame < this.length ? this.frame : 0);
  }

  setSpeed(speed) {
    this.speed = speed;
    this.#tell("state");
  }

  toggle(playing = !this.playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    this.#tell("state");
    if (!playing) return;
    this.#last = performance.now();
    requestAnimationFrame((now) => this.#tick(now));
  }

  seek(frame) {
    this.frame = Math.min(this.length - 1, Math.max(0, frame));
    this.#tell("frame");
  }

  /** Go so many frames forward, or back; the last is followed by the first. */
  step(frames) {
    this.seek((this.frame + (frames % this.length) + this.length) % this.length);
  }

  #tick(now) {
    if (!this.playing) return;
    const due = Math.floor(((now - this.#last) * this.speed) / 1000);
    if (due > 0) {
      this.#last += (due * 1000) / this.speed;
      this.step(due);
    }
    requestAnimationFrame((then) => this.#tick(then));
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}
