// Keeps the voice clear on a poor line: pictures are sent smaller, and tried in full size again later.

const EVERY = 5000;
const FIRST_RETRY = 30000;
const MUCH_LOSS = 0.1;

export class Line {
  /** `peers()` are the connections, `told(isPoor)` is called when the judgement changes. */
  constructor({ peers, uploadKbit, poorKbit, told }) {
    Object.assign(this, { peers, uploadKbit, poorKbit, told });
    this.poor = false;
    this.doubts = 0;
    this.retryAfter = FIRST_RETRY;
    this.timer = setInterval(() => this.judge(), EVERY);
  }

  /** Every connection gets an equal share. */
  async apply() {
    const peers = this.peers();
    const share = this.poor ? this.poorKbit : Math.floor(this.uploadKbit / Math.max(peers.length, 1));
    await Promise.all(peers.map((peer) => peer.limit(share, this.poor)));
  }

  async judge() {
    const connected = this.peers().filter((peer) => peer.state === "connected");
    const lines = await Promise.all(connected.map(measure));
    const losing = lines.some(({ loss }) => loss > MUCH_LOSS);
    const tight = losing || lines.some(({ kbit }) => kbit < this.poorKbit);
    this.doubts = tight ? this.doubts + 1 : 0;
    if (!this.poor && this.doubts >= 2) this.change(true);
    else if (this.poor && !losing && Date.now() - this.since > this.retryAfter) this.change(false);
    await this.apply();
  }

  change(poor) {
    if (poor && this.since && Date.now() - this.since < 2 * FIRST_RETRY) this.retryAfter *= 2;
    this.poor = poor;
    this.since = Date.now();
    this.doubts = 0;
    this.told(poor);
  }

  stop() {
    clearInterval(this.timer);
  }
}

/** What this connection may send, as far as the browser tells it, and which part of it gets lost. */
async function measure(peer) {
  const found = { kbit: Infinity, loss: 0 };
  for (const report of (await peer.connection.getStats()).values()) {
    if (report.type === "candidate-pair" && report.nominated && report.availableOutgoingBitrate) {
      found.kbit = report.availableOutgoingBitrate / 1000;
    }
    if (report.type === "remote-inbound-rtp") found.loss = Math.max(found.loss, report.fractionLost || 0);
  }
  return found;
}
