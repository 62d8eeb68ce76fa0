// This person's microphone and camera: opened, muted, exchanged; and in plain kinds, why one cannot be had.

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

const PROBLEMS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};

export class Media {
  /** `changed(kind)` is called when the track of "audio" or "video" is another one, or gone. */
  constructor(changed) {
    this.changed = changed;
    this.audio = null;
    this.video = null;
    this.camera = null;
    this.problems = {};
  }

  /** Ask for both at once, which is one question to the person; else take what can be had. */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.problems = { audio: "insecure", video: "insecure" };
      return;
    }
    try {
      this.keep(await navigator.mediaDevices.getUserMedia({ audio: SOUND, video: PICTURE }));
    } catch {
      await this.openMicrophone();
      await this.openCamera();
    }
  }

  openMicrophone() {
    return this.openOne("audio", { audio: SOUND });
  }

  openCamera() {
    const choice = this.camera ? { deviceId: { exact: this.camera } } : { facingMode: "user" };
    return this.openOne("video", { video: { ...PICTURE, ...choice } });
  }

  async openOne(kind, constraints) {
    delete this.problems[kind];
    try {
      this.keep(await navigator.mediaDevices.getUserMedia(constraints));
    } catch (error) {
      this.problems[kind] = PROBLEMS[error.name] || "busy";
    }
    return !this.problems[kind];
  }

  keep(stream) {
    for (const track of stream.getTracks()) {
      this[track.kind]?.stop();
      this[track.kind] = track;
      track.onended = () => this.lost(track);
      this.changed(track.kind);
    }
  }

  lost(track) {
    if (this[track.kind] !== track) return;
    this[track.kind] = null;
    this.problems[track.kind] = "none";
    this.changed(track.kind);
  }

  get microphoneOn() {
    return Boolean(this.audio?.enabled);
  }

  get cameraOn() {
    return Boolean(this.video);
  }

  /** The microphone stays open while it is mute, so that it speaks again at once. */
  async setMicrophone(on) {
    if (on && !this.audio) await this.openMicrophone();
    if (this.audio) this.audio.enabled = on;
    return this.microphoneOn === on;
  }

  /** A camera that is off is let go: its light goes out. */
  async setCamera(on) {
    if (on) return this.video ? true : this.openCamera();
    this.video?.stop();
    this.video = null;
    this.changed("video");
    return true;
  }

  async chooseCamera(deviceId) {
    this.camera = deviceId;
    return this.video ? this.openCamera() : true;
  }

  async cameras() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) || [];
    return devices.filter((device) => device.kind === "videoinput" && device.deviceId);
  }

  close() {
    this.audio?.stop();
    this.video?.stop();
    this.audio = this.video = null;
  }
}
