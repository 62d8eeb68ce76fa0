// This person's microphone and camera: opened, muted, exchanged; and in plain kinds, why one cannot be had.

const WISHES = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 24, max: 30 },
    facingMode: "user",
  },
};

const PROBLEMS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class Media {
  /**
   * `changed(kind)` is called when the track of "audio" or "video" is another one, or gone;
   * `lost()` when a device went away by itself. Without `pictures` no camera stays open.
   */
  constructor({ pictures, changed, lost }) {
    Object.assign(this, { pictures, changed, lost });
    this.audio = null;
    this.video = null;
    this.mute = false;
    this.closed = false;
    this.chosen = {};
    this.gone = new Set();
    this.problems = {};
  }

  /** Ask for both at once, which is one question to the person; else take what can be had. */
  async open() {
    const kinds = this.pictures ? ["audio", "video"] : ["audio"];
    if (!navigator.mediaDevices?.getUserMedia) {
      this.problems = Object.fromEntries(kinds.map((kind) => [kind, "insecure"]));
      return;
    }
    try {
      const wishes = Object.fromEntries(kinds.map((kind) => [kind, WISHES[kind]]));
      this.keep(await navigator.mediaDevices.getUserMedia(wishes));
    } catch {
      for (const kind of kinds) await this.openOne(kind);
    }
  }

  async openOne(kind) {
    delete this.problems[kind];
    try {
      this.keep(await this.ask(kind));
    } catch (error) {
      this.problems[kind] = PROBLEMS[error.name] || "busy";
    }
    return !this.problems[kind];
  }

  ask(kind) {
    const { facingMode, ...wish } = WISHES[kind];
    const which = this.chosen[kind] ? { deviceId: { exact: this.chosen[kind] } } : facingMode && { facingMode };
    return navigator.mediaDevices.getUserMedia({ [kind]: { ...wish, ...which } });
  }

  keep(stream) {
    for (const track of stream.getTracks()) {
      this[track.kind]?.stop();
      // The person may have answered the browser's question after the pictures were switched off, or the call.
      if (this.closed || (track.kind === "video" && !this.pictures)) track.stop();
      else this.use(track);
    }
  }

  use(track) {
    this[track.kind] = track;
    this.gone.delete(track.kind);
    if (track.kind === "audio") track.enabled = !this.mute;
    track.onended = () => this.wentAway(track);
    this.changed(track.kind);
  }

  wentAway(track) {
    if (this[track.kind] !== track) return;
    this[track.kind] = null;
    this.problems[track.kind] = "none";
    this.gone.add(track.kind);
    this.changed(track.kind);
    this.lost();
  }

  /** Take what went away again, or another one: a headset was unplugged, a phone was locked. */
  async recover() {
    for (const kind of [...this.gone]) {
      if (!(await this.openOne(kind)) && this.chosen[kind]) {
        delete this.chosen[kind];
        await this.openOne(kind);
      }
    }
  }

  get microphoneOn() {
    return Boolean(this.audio?.enabled);
  }

  get cameraOn() {
    return Boolean(this.video);
  }

  /** Camera and screen of a phone may look away from the person. */
  get looksAway() {
    return this.video?.getSettings().facingMode === "environment";
  }

  /** The microphone stays open while it is mute, so that it speaks again at once. */
  async setMicrophone(on) {
    this.mute = !on;
    if (on && !this.audio) await this.openOne("audio");
    if (this.audio) this.audio.enabled = on;
    return this.microphoneOn === on;
  }

  /** A camera that is off is let go: its light goes out. */
  async setCamera(on) {
    if (on) return this.video ? true : this.openOne("video");
    this.video?.stop();
    this.video = null;
    this.gone.delete("video");
    this.changed("video");
    return true;
  }

  /** Use another device from now on; where it cannot be had the former one serves again, and false is told. */
  async choose(kind, deviceId) {
    const former = this.chosen[kind] ?? this[kind]?.getSettings().deviceId;
    this.chosen[kind] = deviceId;
    if (!this[kind]) return true;
    // Phones open no second camera beside the first.
    this[kind].stop();
    if (await this.openOne(kind)) return true;
    this.chosen[kind] = former;
    await this.openOne(kind);
    return false;
  }

  async devices(kind) {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) || [];
    return devices.filter((device) => device.kind === `${kind}input` && device.deviceId);
  }

  close() {
    this.closed = true;
    this.audio?.stop();
    this.video?.stop();
    this.audio = this.video = null;
  }
}
