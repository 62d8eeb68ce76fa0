// The call page on Jitsi Meet: what the portal decides reaches the frame, and what happens in it is told in words.

import { Frame, load } from "./frame.js";

const ROLE_PATIENCE = 5000;
const JOIN_PATIENCE = 45000;
const BACK_AFTER = 2000;
const MOST_RETURNS = 3;
const TOLD_MINUTES = [5, 1];

class JitsiCall {
  constructor(root) {
    this.root = root;
    this.outer = root.closest("[data-call]");
    this.texts = root.querySelector("[data-texts]").content;
    this.returns = 0;
    this.read(root.dataset);
    this.soundOnly = this.outer?.dataset.soundOnly === "true";
    this.find("again").addEventListener("click", () => this.again());
    this.find("leave").addEventListener("click", () => this.end("left-myself"));
    document.addEventListener("call:sound-only", ({ detail }) => this.setSoundOnly(detail.on));
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    setInterval(() => this.countDown(), 1000);
    this.start();
  }

  find(name) {
    return this.root.querySelector(`[data-do="${name}"]`);
  }

  /** What the portal wrote for this visit; a token in it is good for joining, and only for minutes. */
  read({ script, host, options, toolbars, secondsLeft }) {
    this.script = script;
    this.host = host;
    this.options = JSON.parse(options);
    this.toolbars = JSON.parse(toolbars);
    this.endsAt = performance.now() + Number(secondsLeft) * 1000;
    this.moderates = "moderates" in this.root.dataset;
  }

  async start() {
    this.ended = false;
    delete this.root.dataset.ended;
    this.show(true);
    this.tell("connecting");
    try {
      const Api = await load(this.script);
      this.frame = new Frame(Api, {
        host: this.host,
        options: this.options,
        place: this.root.querySelector("[data-frame]"),
        title: this.text("frame"),
        on: this.listeners(),
      });
    } catch {
      return this.end("no-server");
    }
    this.slow = setTimeout(() => this.takesLong(), JOIN_PATIENCE);
  }

  listeners() {
    return {
      videoConferenceJoined: ({ id }) => this.joined(id),
      videoConferenceLeft: () => this.lost(),
      readyToClose: () => this.end("left-myself"),
      participantRoleChanged: ({ id, role }) => id === this.id && this.roleChanged(role),
      participantKickedOut: ({ kicked }) => kicked?.local && this.end("removed"),
      recordingStatusChanged: ({ on }) => on && this.end("captured"),
      transcribingStatusChanged: ({ on }) => on && this.end("captured"),
      errorOccurred: (told) => this.failed(told?.error ?? told),
      cameraError: () => this.warn("camera"),
      micError: () => this.warn("microphone"),
      browserSupport: ({ supported }) => supported === false && this.warn("browser"),
      videoMuteStatusChanged: ({ muted }) => this.pictureChanged(muted),
      suspendDetected: () => this.comeBack(),
    };
  }

  joined(id) {
    clearTimeout(this.slow);
    this.id = id;
    this.isIn = true;
    this.returns = 0;
    this.toldMinutes = null;
    this.find("again").hidden = true;
    this.tell("joined");
    if (this.soundOnly) this.obeySound();
    if (this.moderates) this.roleTimer = setTimeout(() => this.warn("no-moderator"), ROLE_PATIENCE);
  }

  /** Some servers make the first one moderator, whoever it is: the clerk should know that it is not he. */
  roleChanged(role) {
    if (!this.moderates) return;
    clearTimeout(this.roleTimer);
    if (role === "moderator") this.warn(null);
    else this.warn("no-moderator");
  }

  setSoundOnly(on) {
    if (on === this.soundOnly) return;
    this.soundOnly = on;
    if (this.isIn && !this.ended) this.obeySound();
  }

  async obeySound() {
    const on = this.soundOnly;
    this.tell(on ? "sound-only" : "picture");
    await this.frame.setSoundOnly(on, on ? this.toolbars.sound : this.toolbars.picture, this.moderates);
  }

  /** Until the paper has been seen the picture is needed. */
  pictureChanged(muted) {
    const needed = !this.soundOnly && !this.moderates && this.outer?.dataset.identified === "false";
    if (muted && needed && this.root.dataset.role === "citizen") this.tell("picture-needed");
  }

  failed({ name = "", isFatal } = {}) {
    if (!isFatal || this.ended) return;
    if (/not.?allowed|password|token|auth/i.test(name)) this.end("refused");
    else if (/destroyed/i.test(name)) this.end(this.isIn ? "closed" : "not-open");
    else if (/reservation|max.?users/i.test(name)) this.end("not-open");
    else if (this.isIn) this.comeBack();
    else this.end("no-connection");
  }

  /** Out of the room without having hung up: the line broke, or the server ended the room. */
  lost() {
    if (this.ended) return;
    clearTimeout(this.lostTimer);
    this.lostTimer = setTimeout(() => this.ended || this.comeBack(), BACK_AFTER);
  }

  /** The token of this visit may be too old by now, so a fresh one is fetched first. */
  comeBack() {
    if (this.ended) return;
    if (this.returns >= MOST_RETURNS) return this.end("no-connection");
    this.returns += 1;
    this.stop();
    this.takeFrameAway();
    this.tell("coming-back");
    this.backTimer = setTimeout(() => this.again(), BACK_AFTER * this.returns);
  }

  takeFrameAway() {
    this.frame?.drop();
    this.leaving?.drop();
    this.frame = this.leaving = null;
  }

  /** Into the call anew, without loading the page: what a clerk is writing beside it stays. */
  async again() {
    if (this.asking) return;
    this.asking = true;
    this.ended = false;
    this.stop();
    this.takeFrameAway();
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-jitsi-call]");
      if (!answer.ok) return this.end("no-connection");
      if (!fresh) return this.end("closed");
      this.read(fresh.dataset);
    } catch {
      return this.end("no-connection");
    } finally {
      this.asking = false;
    }
    this.start();
  }

  takesLong() {
    this.tell("slow");
    this.find("again").hidden = false;
  }

  countDown() {
    if (this.ended) return;
    const left = this.endsAt - performance.now();
    if (left <= 0) return this.end("closed");
    const minutes = Math.ceil(left / 60000);
    if (!TOLD_MINUTES.includes(minutes) || minutes === this.toldMinutes) return;
    this.toldMinutes = minutes;
    this.tell(minutes === 1 ? "ends-in-one" : "ends-soon", { minutes });
  }

  stop() {
    for (const timer of [this.slow, this.roleTimer, this.lostTimer, this.backTimer]) clearTimeout(timer);
    this.isIn = false;
    this.warn(null);
  }

  /** Over for this page, for a reason told in words. The page around listens for "call:ended". */
  end(reason) {
    if (this.ended) return;
    this.ended = true;
    this.stop();
    this.frame?.leave();
    this.leaving = this.frame;
    this.frame = null;
    this.root.dataset.ended = reason;
    if (["captured", "no-server", "refused"].includes(reason)) this.warn(`end-${reason}`);
    else this.tell(`end-${reason}`);
    this.show(false);
    this.root.dispatchEvent(new CustomEvent("call:ended", { bubbles: true, detail: { reason } }));
  }

  /** While the call lives there is a frame, and a button to leave; afterwards one to come back. */
  show(living) {
    this.root.querySelector("[data-frame]").hidden = !living;
    this.find("leave").hidden = !living;
    this.find("again").hidden = living || ["captured", "closed", "removed"].includes(this.root.dataset.ended);
    if (!living && !this.find("again").hidden) this.find("again").focus();
  }

  /** An advice that stays until it is settled. */
  warn(key) {
    const place = this.root.querySelector("[data-problem]");
    place.hidden = !key;
    place.textContent = key ? this.text(key) : "";
    if (key?.startsWith("end-")) this.tell("over");
  }

  tell(key, values) {
    this.root.querySelector("[data-status]").textContent = this.text(key, values);
  }

  text(key, values = {}) {
    const words = this.texts.querySelector(`[data-text="${key}"]`)?.textContent ?? key;
    return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }
}

for (const root of document.querySelectorAll("[data-jitsi-call]")) new JitsiCall(root);
