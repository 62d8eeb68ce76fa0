// The call page: brings microphone and camera, the other people, the tiles and the buttons together.

import { Controls } from "./controls.js";
import { Line } from "./line.js";
import { Media } from "./media.js";
import { Members } from "./members.js";
import { Signalling } from "./signalling.js";
import { Tiles } from "./tiles.js";

const HEARTBEAT = 10000;
const HOUSEKEEPING = 3000;

class DirectCall {
  constructor(root) {
    this.root = root;
    this.me = { key: root.dataset.guest, name: root.dataset.name, role: root.dataset.role };
    this.me.session = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
    this.soundOnly = false;
    this.status = root.querySelector("[data-status]");
    this.texts = root.querySelector("[data-texts]").content;
    const text = (key, values) => this.text(key, values);
    this.tiles = new Tiles({
      frame: root.querySelector("[data-tiles]"),
      text,
      moderates: "moderates" in root.dataset,
      remove: (member) => this.remove(member),
      soundBlocked: () => this.controls.offerPlay(),
    });
    this.media = new Media((kind) => this.trackChanged(kind));
    this.controls = new Controls(root, text, this);
    this.signalling = this.makeSignalling();
    this.members = this.makeMembers();
    this.line = new Line({
      peers: () => this.members.peers,
      uploadKbit: Number(root.dataset.uploadKbit),
      poorKbit: Number(root.dataset.poorLineKbit),
      told: (poor) => this.tell(poor ? "poorLine" : "goodLine"),
    });
  }

  makeSignalling() {
    return new Signalling({
      url: this.root.dataset.messagesUrl,
      token: this.root.dataset.token,
      session: this.me.session,
      hear: (message) => this.hear(message),
      rule: (decrees) => this.obey(decrees),
      trouble: (isThere) => this.tell(isThere ? "portalLost" : "portalBack"),
      end: (reason) => this.end(reason),
    });
  }

  makeMembers() {
    return new Members({
      me: this.me,
      say: (kind, what) => this.signalling.say(kind, what),
      iceServers: JSON.parse(this.root.dataset.iceServers),
      tracks: () => ({ audio: this.media.audio, video: this.media.video }),
      joined: (member) => this.tell("joined", member),
      left: (member, returns) => this.left(member, returns),
      changed: (member) => this.changed(member),
    });
  }

  async start() {
    this.tell("asking");
    await this.media.open();
    this.refresh();
    this.tellProblems();
    await this.signalling.start({ media: this.mediaState });
    if (!this.signalling.running) return;
    this.heartbeat = setInterval(() => this.sayMedia(), HEARTBEAT);
    this.housekeeping = setInterval(() => this.keepHouse(), HOUSEKEEPING);
    addEventListener("pagehide", () => this.signalling.running && this.signalling.leave());
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    addEventListener("online", () => this.members.peers.forEach((peer) => peer.restart()));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.refresh());
    if (this.members.all.size === 0 && !Object.keys(this.media.problems).length) this.tell("alone");
  }

  get mediaState() {
    return { audio: this.media.microphoneOn, video: this.media.cameraOn };
  }

  hear(message) {
    if (message.from !== this.me.key) this.members.hear(message);
    else if (message.kind === "hello") this.end("elsewhere");
    this.signalling.hurry(!this.members.settled);
  }

  keepHouse() {
    this.members.forgetSilent();
    this.members.renewHopeless();
    this.signalling.hurry(!this.members.settled);
  }

  sayMedia() {
    this.members.myMedia = this.mediaState;
    return this.signalling.say("here", { data: { media: this.mediaState } });
  }

  /** What the clerk has decreed holds for this page too. */
  obey({ soundOnly, removed }) {
    this.members.remove(removed);
    if (soundOnly === this.soundOnly) return;
    this.soundOnly = soundOnly;
    this.root.dataset.soundOnly = String(soundOnly);
    this.tell(soundOnly ? "nowSoundOnly" : "nowPicture");
    this.switchCamera(!soundOnly && this.cameraWanted !== false);
  }

  changed(member) {
    this.tiles.show({
      ...member,
      self: false,
      picture: member.peer?.streams.video ?? null,
      sound: member.peer?.streams.audio ?? null,
      state: member.peer?.state || "new",
      micOn: member.media.audio !== false,
      pictureOn: member.media.video !== false && !this.soundOnly,
    });
    this.announceConnection(member);
    this.signalling.hurry(!this.members.settled);
  }

  announceConnection(member) {
    const state = member.peer?.state;
    if (state === member.announced) return;
    if (state === "connected") {
      this.tell(member.announced ? "connectedAgain" : "connected", member);
      this.line.apply();
    } else if (["disconnected", "failed"].includes(state) && member.announced === "connected") {
      this.tell("connectionLost", member);
    } else return;
    member.announced = state;
  }

  left(member, returns) {
    this.tiles.hide(member.key);
    if (!returns) this.tell("left", member);
    this.line.apply();
  }

  async trackChanged(kind) {
    await Promise.all(this.members.peers.map((peer) => peer.replace(kind, this.media[kind])));
    this.refresh();
    if (this.signalling.running) this.sayMedia();
  }

  async refresh() {
    this.members.myMedia = this.mediaState;
    const { audio, video } = this.media;
    const shown = this.tiles.tiles.get(this.me.key)?.querySelector("video").srcObject;
    const picture = video && shown?.getTracks()[0] === video ? shown : new MediaStream(video ? [video] : []);
    const self = { micOn: Boolean(audio?.enabled), pictureOn: Boolean(video) };
    this.tiles.show({ ...this.me, ...self, self: true, picture, sound: null, state: "connected" });
    this.controls.show({
      microphoneOn: this.media.microphoneOn,
      cameraOn: this.media.cameraOn,
      soundOnly: this.soundOnly,
    });
    this.controls.listCameras(await this.media.cameras(), video?.getSettings().deviceId);
    for (const member of this.members.all.values()) this.changed(member);
  }

  async toggleMicrophone() {
    const on = !this.media.microphoneOn;
    const done = await this.media.setMicrophone(on);
    if (done) this.tell(on ? "nowHeard" : "nowMuted");
    else this.tellProblems();
    this.refresh();
    this.sayMedia();
  }

  async toggleCamera() {
    this.cameraWanted = !this.media.cameraOn;
    if (await this.switchCamera(this.cameraWanted)) this.tell(this.cameraWanted ? "nowSeen" : "nowUnseen");
  }

  async switchCamera(on) {
    const done = await this.media.setCamera(on);
    if (!done) this.tellProblems();
    this.refresh();
    return done;
  }

  async chooseCamera(deviceId) {
    if (!(await this.media.chooseCamera(deviceId))) this.tellProblems();
  }

  toggleSoundOnly() {
    const on = !this.soundOnly;
    const interpreter = [...this.members.all.values()].some((member) => member.role === "interpreter");
    if (on && interpreter && !confirm(this.text("interpreterNeedsPicture"))) return;
    this.signalling.decree({ kind: "sound-only", on });
    this.signalling.hurry(true);
  }

  remove({ key, name }) {
    if (!confirm(this.text("removeQuestion", { name }))) return;
    this.signalling.decree({ kind: "remove", guest: key });
    this.members.remove([key]);
  }

  leave() {
    this.signalling.leave();
    this.end("left-myself");
  }

  /** Over for this page, for a reason told in words. The page around may listen for "call:ended". */
  end(reason) {
    this.signalling.stop();
    clearInterval(this.heartbeat);
    clearInterval(this.housekeeping);
    this.line.stop();
    this.members.close();
    this.media.close();
    this.tiles.clear();
    this.tell(`end-${reason}`);
    this.root.dataset.ended = reason;
    this.controls.end();
    this.root.dispatchEvent(new CustomEvent("call:ended", { bubbles: true, detail: { reason } }));
  }

  tellProblems() {
    const { audio, video } = this.media.problems;
    const words = [];
    if (audio && audio === video) words.push(this.text(`both-${audio}`));
    else {
      if (video) words.push(this.text(`video-${video}`));
      if (audio) words.push(this.text(`audio-${audio}`));
    }
    const place = this.root.querySelector("[data-problem]");
    place.textContent = words.join(" ");
    place.hidden = !words.length;
  }

  /** Say it on the page, and to screen readers. */
  tell(key, values) {
    this.status.textContent = this.text(key, values);
  }

  text(key, values = {}) {
    const words = this.texts.querySelector(`[data-text="${key}"]`)?.textContent ?? key;
    return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }
}

for (const root of document.querySelectorAll("[data-direct-call]")) new DirectCall(root).start();
