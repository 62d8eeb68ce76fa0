// Talks to the portal: asks what the others said, and says things in order, through short troubles of the line.

const FAST = 400;
const CALM = 2000;
const LONGEST_WAIT = 8000;
const SILENCE = 10000;

export class Signalling {
  /** `hear(message)`, `removed(keys)`, `trouble(isThere)` and `end(reason)` are called as things happen. */
  constructor({ url, token, session, hear, removed, trouble, end }) {
    Object.assign(this, { url, token, session, hear, removed, trouble, end });
    this.sleepers = new Set();
    this.after = 0;
    this.hurried = true;
    this.running = false;
    this.failures = 0;
    this.queue = Promise.resolve();
  }

  /** Say hello and begin to listen from there on; what was said before is none of this page's business. */
  async start(data) {
    this.running = true;
    const answer = await this.say("hello", { data });
    if (answer) this.after = answer.number;
    this.listen();
  }

  stop() {
    this.running = false;
  }

  /** Listen more often while connections are being made. */
  hurry(hurried) {
    this.hurried = hurried;
  }

  /** Say one thing; resolves with the portal's answer, or null when the call is over. */
  say(kind, { to = null, data = {} } = {}) {
    return this.enqueue({ kind, session: this.session, to, data });
  }

  /** The clerk ends somebody's part. */
  remove(guest) {
    return this.enqueue({ kind: "remove", guest });
  }

  /** Ask now, as when the line is back or the page is looked at again. */
  wake() {
    for (const rise of this.sleepers) rise();
  }

  /** The page is going away: one last word, not waited for. */
  leave() {
    this.stop();
    const body = JSON.stringify({ kind: "bye", session: this.session });
    fetch(this.url, { method: "POST", headers: this.headers(), body, keepalive: true }).catch(() => {});
  }

  enqueue(body) {
    const sent = this.queue.then(() => this.deliver(JSON.stringify(body)));
    this.queue = sent.catch(() => {});
    return sent;
  }

  async deliver(body) {
    while (this.running) {
      const answer = await this.ask(this.url, { method: "POST", body });
      if (answer) return this.noticeRestart(answer);
      if (this.running) await this.pause();
    }
    return null;
  }

  async listen() {
    while (this.running) {
      const query = new URLSearchParams({ after: this.after, session: this.session });
      const answer = await this.ask(`${this.url}?${query}`, {});
      if (answer && this.running) this.take(answer);
      await this.pause();
    }
  }

  take(answer) {
    if (answer.token) this.token = answer.token;
    this.removed(answer.removed);
    for (const message of answer.messages) {
      this.after = Math.max(this.after, message.number);
      if (this.running) this.hear(message);
    }
  }

  /** A number below what was heard means that the portal's store began anew: listen from its beginning. */
  noticeRestart(answer) {
    if (answer.number && answer.number < this.after) this.after = 0;
    return answer;
  }

  /** One request; null when it should be tried again. */
  async ask(url, options) {
    try {
      // After a change of network a question may hang for minutes on the line that is gone.
      const signal = AbortSignal.timeout(SILENCE);
      const response = await fetch(url, { ...options, headers: this.headers(), cache: "no-store", signal });
      if (response.ok) return this.wentWell(await response.json());
      if (response.status < 500 && response.status !== 429) return await this.refused(response);
    } catch {
      // No line at the moment; the next try follows.
    }
    this.failures += 1;
    if (this.failures === 3) this.trouble(true);
    return null;
  }

  wentWell(answer) {
    if (this.failures >= 3) this.trouble(false);
    this.failures = 0;
    return answer;
  }

  async refused(response) {
    const { error } = await response.json().catch(() => ({ error: "expired" }));
    if (this.running) {
      this.stop();
      this.end(error);
    }
    return null;
  }

  headers() {
    return { "X-Call-Token": this.token, "Content-Type": "application/json" };
  }

  pause() {
    const normal = this.hurried ? FAST : CALM;
    const wait = this.failures ? Math.min(normal * 2 ** this.failures, LONGEST_WAIT) : normal;
    return new Promise((resolve) => {
      const rise = () => this.sleepers.delete(rise) && resolve();
      this.sleepers.add(rise);
      setTimeout(rise, wait);
    });
  }
}
