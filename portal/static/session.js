// Warns before a login ends because nothing happens, and lets the reader stay with one press. Pages in other
// windows may have extended it, so the portal is asked before anything is said. Without this script the login
// ends just the same, and what is being typed is kept when the form is sent.

const box = document.querySelector("[data-session]");

class SessionWatch {
  constructor(box) {
    this.box = box;
    this.warning = Number(box.dataset.warning);
    this.words = box.querySelector("[data-session-words]");
    this.stay = box.querySelector("button");
    this.stay.addEventListener("click", () => this.extend());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    this.plan(Number(box.dataset.session), box.dataset.canStay === "yes");
  }

  plan(seconds, canStay) {
    clearTimeout(this.timer);
    this.canStay = canStay;
    this.ends = Date.now() + seconds * 1000;
    if (seconds > this.warning) {
      this.box.hidden = true;
      this.timer = setTimeout(() => this.look(), (seconds - this.warning) * 1000);
    } else this.warn();
  }

  async look() {
    try {
      const answer = await this.ask({ headers: { "X-Quiet": "1" } });
      this.plan(answer.seconds, answer.can_stay);
    } catch {
      this.timer = setTimeout(() => this.look(), 10000);
    }
  }

  async extend() {
    try {
      const body = new URLSearchParams({ csrf_token: this.box.dataset.formToken });
      const answer = await this.ask({ method: "POST", body });
      this.plan(answer.seconds, answer.can_stay);
    } catch {
      this.look();
    }
  }

  async ask(options) {
    const response = await fetch(this.box.dataset.url, { cache: "no-store", redirect: "error", ...options });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }

  /** Said when it begins and when it is over; a screen reader is not told every second. */
  warn() {
    const left = Math.ceil((this.ends - Date.now()) / 1000);
    this.box.hidden = false;
    this.stay.hidden = left <= 0 || !this.canStay;
    const { soon, last, over } = this.box.dataset;
    const words = left > 0 ? (this.canStay ? soon : last).replace("{minutes}", String(Math.max(1, Math.round(left / 60)))) : over;
    if (this.words.textContent !== words) this.words.textContent = words;
    if (left > 0) this.timer = setTimeout(() => this.look(), Math.min(left, 30) * 1000);
  }
}

if (box) new SessionWatch(box);
