// Jitsi's own page in a frame: loads the server's script, makes the frame, speaks its commands by the names that
// this server knows.

const SCRIPT_PATIENCE = 20000;
const LEAVE_PATIENCE = 1000;

/** The server's script, once; rejects when the server is away or the browser blocks it. */
export function load(address) {
  if (window.JitsiMeetExternalAPI) return Promise.resolve(window.JitsiMeetExternalAPI);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const fail = () => {
      script.remove();
      reject(new Error("no script"));
    };
    setTimeout(() => window.JitsiMeetExternalAPI || fail(), SCRIPT_PATIENCE);
    script.onerror = fail;
    script.onload = () => (window.JitsiMeetExternalAPI ? resolve(window.JitsiMeetExternalAPI) : fail());
    script.src = address;
    document.head.append(script);
  });
}

export class Frame {
  /** `on` maps names of Jitsi's events to functions. */
  constructor(Api, { host, options, place, title, on }) {
    this.cameraWasOn = false;
    this.api = new Api(host, { ...options, parentNode: place, width: "100%", height: "100%" });
    this.api.getIFrame().title = title;
    for (const [name, heard] of Object.entries(on)) this.api.addListener(name, heard);
  }

  knows(command) {
    return (this.api.getSupportedCommands?.() ?? []).includes(command);
  }

  /** A server that does not know the command does without it. */
  run(command, ...values) {
    if (this.knows(command)) this.api.executeCommand(command, ...values);
  }

  /** Renamed in July 2026, without the former name beside it. */
  setLowBandwidth(on) {
    this.run(this.knows("setLowBandwidthMode") ? "setLowBandwidthMode" : "setAudioOnly", on);
  }

  /** Without pictures, or with them again; the camera comes back only where it was on before. */
  async setSoundOnly(on, toolbar, moderates) {
    const muted = await this.api.isVideoMuted();
    if (on) this.cameraWasOn ||= !muted;
    if (on ? !muted : muted && this.cameraWasOn) this.run("toggleVideo");
    if (!on) this.cameraWasOn = false;
    this.setLowBandwidth(on);
    this.run("overwriteConfig", { toolbarButtons: toolbar });
    if (!moderates) return;
    if (on) this.run("muteEveryone", "video");
    this.run("toggleModeration", on, "video");
  }

  /** Leave the call and take the frame away, at the latest after a second. */
  leave() {
    this.late = setTimeout(() => this.drop(), LEAVE_PATIENCE);
    this.api.addListener("readyToClose", () => this.drop());
    this.run("hangup");
  }

  /** Take the frame away at once. */
  drop() {
    clearTimeout(this.late);
    this.api?.dispose();
    this.api = null;
  }
}
