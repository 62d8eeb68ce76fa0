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
    // The page around knows better than what this part was drawn with, should the script have come late.
    this.soundOnly = (root.closest("[data-call]") ?? root).dataset.soundOnly === "true";
    root.dataset.soundOnly = String(this.soundOnly);
    this.cameraWanted = true;
    this.life = new AbortController();
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
    this.media = new Media({
      pictures: !this.soundOnly,
      changed: (kind) => this.trackChanged(kind),
      lost: () => document.hidden || this.recoverDevices(),
    });
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
      removed: (keys) => this.members.remove(keys),
      trouble: (isThere) => this.portalTrouble(isThere),
      end: (reason) => this.end(reason),
    });
  }

  makeMembers() {
    return new Members({
      me: this.me,
      say: (kind, what) => this.signalling.say(kind, what),
      rtc: JSON.parse(this.root.dataset.rtc),
      pictures: () => !this.soundOnly,
      tracks: () => ({ audio: this.media.audio, video: this.media.video }),
      joined: (member) => this.tell("joined", member),
      left: (member, returns) => this.left(member, returns),
      changed: (member) => this.changed(member),
    });
  }

  async start() {
    this.tell(this.soundOnly ? "askingSoundOnly" : "asking");
    this.on(document, "call:sound-only", ({ detail }) => this.followSound(detail.on));
    await this.media.open();
    this.refresh();
    this.tellProblems();
    await this.signalling.start({ media: this.mediaState });
    if (!this.signalling.running) return;
    this.heartbeat = setInterval(() => this.sayMedia(), HEARTBEAT);
    this.housekeeping = setInterval(() => this.keepHouse(), HOUSEKEEPING);
    this.on(window, "pagehide", () => this.signalling.leave());
    this.on(window, "pageshow", ({ persisted }) => persisted && location.reload());
    this.watchNetwork();
    this.on(document, "visibilitychange", () => document.hidden || this.isBack());
    this.on(document, "resume", () => this.isBack());
    this.on(navigator.mediaDevices, "devicechange", () => this.recoverDevices());
    if (this.members.all.size === 0 && !Object.keys(this.media.problems).length) this.tell("alone");
  }

  /** Listen as long as this page takes part. */
  on(source, event, act) {
    source?.addEventListener?.(event, act, { signal: this.life.signal });
  }

  watchNetwork() {
    this.on(window, "online", () => this.networkChanged());
    // Phones tell the step from Wi-Fi to mobile here; the same event tells of mere changes of speed too.
    let type = navigator.connection?.type;
    this.on(navigator.connection, "change", () => {
      if (navigator.connection.type === type) return;
      type = navigator.connection.type;
      this.networkChanged();
    });
  }

  networkChanged() {
    this.members.peers.forEach((peer) => peer.networkChanged());
    this.signalling.wake();
  }

  /** The page was in the background or the phone was locked: catch up at once. */
  isBack() {
    this.members.peers.forEach((peer) => peer.restart());
    this.signalling.wake();
    this.recoverDevices();
  }

  portalTrouble(isThere) {
    this.tell(isThere ? "portalLost" : "portalBack");
    if (!isThere) this.members.peers.forEach((peer) => peer.restart());
  }

  async recoverDevices() {
    if (this.media.gone.size) {
      await this.media.recover();
      this.tellProblems();
    }
    this.refresh();
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

  /** The clerk has switched the pictures of everybody off, or on again: this page obeys. */
  followSound(soundOnly) {
    if (soundOnly === this.soundOnly) return;
    this.soundOnly = soundOnly;
    this.root.dataset.soundOnly = String(soundOnly);
    this.media.pictures = !soundOnly;
    this.members.peers.forEach((peer) => peer.allowPictures(!soundOnly));
    this.tell(soundOnly ? "nowSoundOnly" : "nowPicture");
    this.switchCamera(!soundOnly && this.cameraWanted);
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
    if (this.life.signal.aborted) return;
    this.members.myMedia = this.mediaState;
    const { audio, video } = this.media;
    const shown = this.tiles.tiles.get(this.me.key)?.querySelector("video").srcObject;
    const picture = video && shown?.getTracks()[0] === video ? shown : new MediaStream(video ? [video] : []);
    const self = { micOn: Boolean(audio?.enabled), pictureOn: Boolean(video), mirrored: !this.media.looksAway };
    this.tiles.show({ ...this.me, ...self, self: true, picture, sound: null, state: "connected" });
    this.controls.show({
      microphoneOn: this.media.microphoneOn,
      cameraOn: this.media.cameraOn,
      soundOnly: this.soundOnly,
    });
    for (const kind of ["audio", "video"]) {
      this.controls.list(kind, await this.media.devices(kind), this.media[kind]?.getSettings().deviceId);
    }
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

  async choose(kind, deviceId) {
    const done = await this.media.choose(kind, deviceId);
    this.tell(done ? `chosen-${kind}` : "notChosen");
    this.tellProblems();
    this.refresh();
  }

  remove({ key, name }) {
    if (!confirm(this.text("removeQuestion", { name }))) return;
    this.signalling.remove(key);
    this.members.remove([key]);
  }

  leave() {
    this.signalling.leave();
    this.end("left-myself");
  }

  /** Over for this page, for a reason told in words. The page around may listen for "call:ended". */
  end(reason) {
    this.life.abort();
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
