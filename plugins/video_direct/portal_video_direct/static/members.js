// Who else is in the call. Turns what is heard into connections, and forgets people who are gone.

import { Peer } from "./peer.js";

const GONE_AFTER = 35000;
const YOUNG = 5000;
const HOPELESS_AFTER = 20000;

export class Members {
  /**
   * `me` is {key, session}; `say` speaks to the others; `rtc`, `pictures()` and `tracks()` go into connections;
   * `joined`, `left` and `changed` are called with the member.
   */
  constructor({ me, say, rtc, pictures, tracks, joined, left, changed }) {
    Object.assign(this, { me, say, rtc, pictures, tracks, joined, left, changed });
    this.all = new Map();
  }

  get peers() {
    return [...this.all.values()].map((member) => member.peer).filter(Boolean);
  }

  get settled() {
    return this.peers.length === this.all.size && this.peers.every((peer) => peer.state === "connected");
  }

  hear(message) {
    let member = this.all.get(message.from);
    if (message.kind === "bye") {
      if (member?.session === message.session) this.drop(member);
      return;
    }
    if (member && member.session !== message.session) {
      if (message.kind !== "hello") return;
      // The same person with a newly loaded page.
      this.drop(member, true);
      member = null;
    }
    member ||= this.add(message);
    member.seenAt = Date.now();
    this.take(member, message);
  }

  take(member, { kind, data }) {
    if (kind === "description" || kind === "candidate") {
      if (data.session === this.me.session) this.negotiate(member, kind, data);
      return;
    }
    member.media = data.media || member.media;
    if (kind === "hello") this.sayHere(member);
    if (data.start && member.leads && Date.now() - member.peer.madeAt > YOUNG) this.connect(member);
    this.changed(member);
  }

  add({ from, name, role, session, kind }) {
    // The greater key leads: both sides come to the same answer without asking.
    const member = { key: from, name, role, session, leads: this.me.key > from, media: {}, peer: null };
    this.all.set(from, member);
    this.joined(member);
    if (member.leads) this.connect(member);
    else if (kind !== "hello") this.sayHere(member);
    return member;
  }

  sayHere(member) {
    this.say("here", { to: member.key, data: { start: !member.leads && !member.peer, media: this.myMedia } });
  }

  /** A new connection. Its line number tells late words about an older one apart. */
  connect(member, line = crypto.getRandomValues(new Uint32Array(1))[0]) {
    member.peer?.close();
    member.line = line;
    member.peer = new Peer({
      leads: member.leads,
      rtc: this.rtc,
      pictures: this.pictures(),
      tracks: this.tracks,
      send: (kind, data) =>
        this.say(kind, { to: member.key, data: { ...JSON.parse(JSON.stringify(data)), line, session: member.session } }),
      changed: () => this.changed(member),
    });
  }

  negotiate(member, kind, data) {
    if (data.line !== member.line) {
      const begins = kind === "description" && data.description.type === "offer";
      if (member.leads || !begins) return;
      this.connect(member, data.line);
    }
    member.peer.receive(kind, data);
  }

  /** Take people out whose page has fallen silent and whose connection is gone too. */
  forgetSilent() {
    for (const member of this.all.values()) {
      const silent = Date.now() - member.seenAt > GONE_AFTER;
      if (silent && member.peer?.state !== "connected") this.drop(member);
    }
  }

  /** Where looking for a new way does not help, the leading side begins the connection anew. */
  renewHopeless() {
    for (const member of this.all.values()) {
      if (member.leads && member.peer.deadFor > HOPELESS_AFTER) this.connect(member);
    }
  }

  remove(keys) {
    for (const key of keys) {
      if (this.all.has(key)) this.drop(this.all.get(key));
    }
  }

  drop(member, returns = false) {
    member.peer?.close();
    this.all.delete(member.key);
    this.left(member, returns);
  }

  close() {
    for (const member of [...this.all.values()]) member.peer?.close();
    this.all.clear();
  }
}
