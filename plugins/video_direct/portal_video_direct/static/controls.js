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
    for (const kind of ["audio", "video"]) {
      this.find(`choose-${kind}`).addEventListener("change", ({ target }) => call.choose(kind, target.value));
    }
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
    this.find("choose-video").disabled = soundOnly;
  }

  label(name, isOn, words) {
    const button = this.find(name);
    button.dataset.on = String(isOn);
    button.textContent = this.text(words);
  }

  /** What there is to choose from; where there is no choice, nothing is shown. */
  list(kind, devices, current) {
    const select = this.find(`choose-${kind}`);
    const names = devices.map((device, place) => this.deviceName(kind, device.label, place + 1));
    select.closest("[data-choice]").hidden = devices.length < 2;
    // A list that is open would close under the person's hand.
    if (select.dataset.names === names.join("\n") && select.value === current) return;
    select.dataset.names = names.join("\n");
    select.replaceChildren(
      ...devices.map(({ deviceId }, place) => new Option(names[place], deviceId, false, deviceId === current)),
    );
  }

  /** Android names the cameras of a phone in a way that tells people nothing. */
  deviceName(kind, label, number) {
    const facing = label.match(/facing (front|back)/i)?.[1].toLowerCase();
    if (facing) return this.text(`camera-${facing}`, { number });
    return label || this.text(`${kind}-number`, { number });
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
