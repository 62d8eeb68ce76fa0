// One connection to one other browser: "perfect negotiation", so that both may change things at any time.

const PATIENCE = 2000;
const KINDS = ["audio", "video"];

export class Peer {
  /**
   * `leads` offers first and wins when both offer at once. `rtc` says by which servers; without `pictures`
   * none is sent nor taken. `send(kind, data)` reaches the other side, `changed()` is called when the
   * connection's state or the other's media changed.
   */
  constructor({ leads, rtc, pictures, tracks, send, changed }) {
    Object.assign(this, { leads, pictures, tracks, send, changed });
    this.streams = { audio: new MediaStream(), video: new MediaStream() };
    this.senders = {};
    this.offering = false;
    this.ignoring = false;
    this.work = Promise.resolve();
    this.madeAt = Date.now();
    this.aliveAt = this.madeAt;
    this.connection = new RTCPeerConnection(rtc);
    this.connection.onnegotiationneeded = () => this.offer();
    this.connection.onicecandidate = ({ candidate }) => candidate && this.send("candidate", { candidate });
    this.connection.ontrack = ({ track }) => this.receiveTrack(track);
    this.connection.onconnectionstatechange = () => this.stateChanged();
    if (leads) this.openLines();
  }

  get state() {
    return this.connection.connectionState;
  }

  /** How long ago, in milliseconds, it was connected or, before that, made. */
  get deadFor() {
    if (this.state === "connected") this.aliveAt = Date.now();
    return Date.now() - this.aliveAt;
  }

  openLines() {
    for (const kind of KINDS) {
      const line = this.connection.addTransceiver(this.tracks()[kind] || kind, { direction: this.direction(kind) });
      this.senders[kind] = line.sender;
    }
  }

  direction(kind) {
    return kind === "video" && !this.pictures ? "inactive" : "sendrecv";
  }

  /** Without pictures this side neither sends any nor takes any that the other would send. */
  allowPictures(allowed) {
    this.pictures = allowed;
    for (const line of this.connection.getTransceivers()) line.direction = this.direction(line.receiver.track.kind);
  }

  /** The side that answers sends along the same two lines. */
  async adoptLines() {
    for (const line of this.connection.getTransceivers()) {
      const kind = line.receiver.track.kind;
      if (this.senders[kind]) continue;
      line.direction = this.direction(kind);
      this.senders[kind] = line.sender;
      await line.sender.replaceTrack(this.tracks()[kind]);
    }
  }

  async offer() {
    try {
      this.offering = true;
      await this.connection.setLocalDescription();
      this.send("description", { description: this.connection.localDescription });
    } catch (error) {
      if (this.state !== "closed") console.warn("offer failed", error.name);
    } finally {
      this.offering = false;
    }
  }

  /** Take what the other side said, one thing after the other. */
  receive(kind, data) {
    this.work = this.work
      .then(() => (kind === "description" ? this.describe(data.description) : this.candidate(data.candidate)))
      .catch((error) => this.state === "closed" || console.warn(`${kind} failed`, error.name));
    return this.work;
  }

  async describe(description) {
    const collision = description.type === "offer" && (this.offering || this.connection.signalingState !== "stable");
    this.ignoring = this.leads && collision;
    // The second copy of an answer that was sent again on a bad line.
    const late = description.type === "answer" && this.connection.signalingState !== "have-local-offer";
    if (this.ignoring || late) return;
    await this.connection.setRemoteDescription(description);
    if (description.type !== "offer") return;
    await this.adoptLines();
    await this.connection.setLocalDescription();
    this.send("description", { description: this.connection.localDescription });
  }

  async candidate(candidate) {
    try {
      await this.connection.addIceCandidate(candidate);
    } catch (error) {
      if (!this.ignoring) throw error;
    }
  }

  receiveTrack(track) {
    this.streams[track.kind].addTrack(track);
    this.changed();
  }

  stateChanged() {
    clearTimeout(this.patience);
    if (this.state === "failed") this.restart();
    if (this.state === "disconnected") this.patience = setTimeout(() => this.restart(), PATIENCE);
    this.changed();
  }

  /** Look for a new way, as after a change from Wi-Fi to mobile; and again until one is found. */
  restart() {
    if (["connected", "closed"].includes(this.state)) return;
    this.connection.restartIce();
    this.patience = setTimeout(() => this.restart(), 2 * PATIENCE);
  }

  /** This device is on another network: look for a new way before the old one is found dead. */
  networkChanged() {
    if (this.state !== "closed") this.connection.restartIce();
  }

  /** Send another track, or none, without a new negotiation. */
  async replace(kind, track) {
    await this.senders[kind]?.replaceTrack(track);
  }

  /** Bound what the picture takes of the line; `smaller` also halves it and slows it down. */
  async limit(kbit, smaller) {
    const sender = this.senders.video;
    const parameters = sender?.getParameters();
    if (!parameters?.encodings?.length) return;
    Object.assign(parameters.encodings[0], {
      maxBitrate: kbit * 1000,
      scaleResolutionDownBy: smaller ? 2 : 1,
      maxFramerate: smaller ? 10 : 30,
    });
    await sender.setParameters(parameters).catch(() => {});
  }

  close() {
    clearTimeout(this.patience);
    this.connection.close();
  }
}
