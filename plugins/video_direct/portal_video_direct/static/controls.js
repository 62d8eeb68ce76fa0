// The buttons under the pictures: what each says, whether it is pressed, and what it asks the call to do.

export class Controls {
  /** `call` is the DirectCall whose methods the buttons press; `text` gives words. */
  constructor(root, text, call) {
    this.root = root;
    this.text = text;
    this.call = call;
    this.on("microphone", () => call.toggleMicrophone());
    this.on("camera", () => call.toggleCamera());
    this.on("leave", () => call.leave());
    this.on("again", () => location.reload());
    this.on("play", () => this.playPressed());
    this.on("sound-only", () => call.toggleSoundOnly());
    this.find("cameras").addEventListener("change", ({ target }) => call.chooseCamera(target.value));
    this.watchIdentification();
  }

  find(name) {
    return this.root.querySelector(`[data-do="${name}"]`);
  }

  on(name, press) {
    this.find(name)?.addEventListener("click", press);
  }

  /** Show what is on. The words say what a press will do, so no `aria-pressed` says it a second time. */
  show({ microphoneOn, cameraOn, soundOnly }) {
    this.label("microphone", microphoneOn, microphoneOn ? "microphoneOff" : "microphoneOn");
    this.label("camera", cameraOn, cameraOn ? "cameraOff" : "cameraOn");
    this.find("camera").disabled = soundOnly;
    this.find("cameras").disabled = soundOnly;
    if (this.find("sound-only")) {
      this.find("sound-only").dataset.on = String(soundOnly);
      this.find("sound-only").textContent = this.text(soundOnly ? "pictureAgain" : "soundOnly");
    }
  }

  label(name, isOn, words) {
    const button = this.find(name);
    button.dataset.on = String(isOn);
    button.textContent = this.text(words);
  }

  async listCameras(cameras, current) {
    const select = this.find("cameras");
    select.replaceChildren(
      ...cameras.map((camera, place) => {
        const name = camera.label || this.text("cameraNumber", { number: place + 1 });
        return new Option(name, camera.deviceId, false, camera.deviceId === current);
      }),
    );
    select.closest("[data-camera-choice]").hidden = cameras.length < 2;
  }

  /** Before the paper has been seen, the picture stays: the core marks the call when that is recorded. */
  watchIdentification() {
    const button = this.find("sound-only");
    const frame = this.root.closest("[data-call]");
    if (!button || !frame) return;
    const look = () => {
      button.disabled = frame.dataset.identified !== "true";
      this.root.querySelector("[data-sound-only-hint]").hidden = !button.disabled;
    };
    new MutationObserver(look).observe(frame, { attributes: true, attributeFilter: ["data-identified"] });
    look();
  }

  offerPlay() {
    this.find("play").hidden = false;
  }

  playPressed() {
    this.find("play").hidden = true;
    this.call.tiles.playAll();
  }

  /** The call is over for this page: only coming back is left. */
  end() {
    this.root.querySelector("[data-bar]").hidden = true;
    this.find("again").hidden = false;
    this.find("again").focus();
  }
}
