// The staff's day and the panel beside a call: asks for news every few seconds and sends the panel's forms
// without a reload, which would drop the call. Without this script both are ordinary pages and forms.

import { followSound } from "./sound-only.js";

const UNSEEN_FACTOR = 3;
const FAILURES_BEFORE_TOLD = 3;

class LiveRegion {
  constructor(root) {
    this.root = root;
    this.frame = root.closest("[data-call]");
    this.title = document.title;
    this.known = new Map(this.parts(root).map((part) => [part.dataset.part, plain(part)]));
    this.news = new Set(this.newsIn(root).map((item) => item.dataset.news));
    this.failures = 0;
    this.sent = new Set();
    this.leaving = false;
    this.turn = Promise.resolve();
    this.voice = document.createElement("p");
    this.voice.className = "visually-hidden";
    this.voice.setAttribute("role", "status");
    document.body.append(this.voice);
    if ("panel" in root.dataset) root.addEventListener("submit", (event) => this.send(event));
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    document.addEventListener("call:ended", () => this.refresh());
    this.showCount(root.dataset.waiting);
    this.plan();
  }

  parts(root) {
    return [...root.querySelectorAll("[data-part]")];
  }

  newsIn(root) {
    return [...root.querySelectorAll("[data-news]")];
  }

  plan() {
    clearTimeout(this.timer);
    if (this.leaving) return;
    const seconds = Number(this.root.dataset.every) * (document.hidden ? UNSEEN_FACTOR : 1);
    this.timer = setTimeout(() => this.refresh(), seconds * 1000);
  }

  async refresh() {
    if (this.sent.size || this.leaving) return;
    try {
      this.take(await this.ask(location.href));
      this.failed(0);
    } catch {
      this.failed(this.failures + 1);
    }
    this.plan();
  }

  /**
   * Send a form as the browser would, and put what comes back in the place of its part. What is pressed meanwhile
   * waits for its turn; a button pressed twice is pressed once.
   */
  async send(event) {
    event.preventDefault();
    const pressed = event.submitter ?? event.target;
    if (this.sent.has(pressed)) return;
    this.sent.add(pressed);
    const order = orderOf(event.target, event.submitter);
    this.turn = this.turn.then(() => this.post(order));
    await this.turn;
    this.sent.delete(pressed);
    this.plan();
  }

  async post({ address, body, part }) {
    try {
      this.take(await this.ask(address, { method: "POST", body }), part);
      this.failed(0);
    } catch {
      this.failed(FAILURES_BEFORE_TOLD);
    }
  }

  /** The region as the portal sees it now, or null when the browser was sent to another page. */
  async ask(address, options = {}) {
    // Beside a call somebody is there though he presses nothing; a list that looks for news by itself is nobody.
    const quiet = this.frame || options.method ? {} : { "X-Quiet": "1" };
    const response = await fetch(address, { ...options, cache: "no-store", headers: { "X-Panel": "1", ...quiet } });
    const elsewhere = response.headers.get("X-Go");
    // The login has ended while the page looked for news: the call goes on, and the next press leads to the login.
    if (response.status === 401 && this.frame && !options.method) throw new Error("logged out");
    if (elsewhere) return this.leave(elsewhere);
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const region = page.querySelector("[data-live]");
    // The login has run out, or the day is over: the page itself explains.
    if (!region) return location.reload();
    // A form that is not done with comes back at once, with what was typed; after a deed we are redirected.
    region.toggleAttribute("data-unsaved", !response.redirected);
    return region;
  }

  /** To another page, and nothing more here: a second order to go would break the first one off. */
  leave(address) {
    this.leaving = true;
    location.assign(address);
  }

  take(region, sent = null) {
    if (!region) return;
    this.announce(region);
    for (const part of this.parts(region)) this.takePart(part, part.dataset.part === sent, region);
    if (this.frame) this.frame.dataset.identified = region.dataset.identified;
    followSound(this.frame, region.dataset.soundOnly);
    this.showCount(region.dataset.waiting);
    this.followRoom(region.dataset.mark);
  }

  takePart(next, wasSent, region) {
    const name = next.dataset.part;
    const part = this.root.querySelector(`[data-part="${name}"]`);
    const text = plain(next);
    if (!wasSent && (this.known.get(name) === text || isBusy(part))) return;
    // A message stays until the next one takes its place.
    if (name === "messages" && !next.children.length) return;
    this.known.set(name, text);
    if (!wasSent) keepOpen(part, next);
    const focused = part.contains(document.activeElement) ? addressOf(document.activeElement) : null;
    part.replaceChildren(...next.childNodes);
    part.toggleAttribute("data-unsaved", wasSent && "unsaved" in region.dataset);
    if (wasSent) (part.querySelector("[aria-invalid]") ?? part.querySelector("h2, summary"))?.focus();
    else if (focused) part.querySelector(focused)?.focus();
  }

  /** Who has come since the last look is said aloud, once. */
  announce(region) {
    const items = this.newsIn(region);
    const words = items.filter((item) => !this.news.has(item.dataset.news)).map((item) => item.dataset.words);
    this.news = new Set(items.map((item) => item.dataset.news));
    if (words.length) this.voice.textContent = words.join(" ");
  }

  /** How many wait stands in the title of the window too, for a clerk who works in another one. */
  showCount(count) {
    if (count !== undefined) document.title = Number(count) ? `(${count}) ${this.title}` : this.title;
  }

  /** Another room needs the page anew; what is being written is never thrown away for it. */
  followRoom(mark) {
    if (!this.frame || this.frame.dataset.mark === mark) return;
    if (this.parts(this.root).some(isBusy)) this.root.querySelector("[data-stale]").hidden = false;
    else location.reload();
  }

  failed(count) {
    this.failures = count;
    this.root.querySelector("[data-lost]").hidden = count < FAILURES_BEFORE_TOLD;
  }
}

/** The part as the portal wrote it, without the form tokens, which are new each time. */
function plain(part) {
  return part.innerHTML.replace(/(name="csrf_token" value=")[^"]*/g, "$1");
}

/** What pressing `button` in the form says, and to whom. */
function orderOf(form, button) {
  const body = new URLSearchParams(new FormData(form));
  // The button that was pressed says something too, as when the browser sends the form itself.
  if (button?.name) body.append(button.name, button.value);
  const address = button?.getAttribute("formaction") || form.getAttribute("action");
  return { address, body, part: form.closest("[data-part]").dataset.part };
}

/** Somebody writes here, or there is something that the portal has not accepted yet. */
function isBusy(part) {
  if ("unsaved" in part.dataset) return true;
  const fields = [...part.querySelectorAll("input:not([type=hidden]), select, textarea")];
  return fields.some((field) => field === document.activeElement || isChanged(field));
}

/** What the reader has unfolded stays unfolded. */
function keepOpen(old, next) {
  for (const box of old.querySelectorAll("details[id]")) {
    const same = next.querySelector(`#${CSS.escape(box.id)}`);
    if (same) same.open = box.open;
  }
}

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return isChosenAnew(field);
  return field.value !== field.defaultValue;
}

function isChosenAnew(select) {
  const byDefault = [...select.options].findIndex((option) => option.defaultSelected);
  return select.selectedIndex !== Math.max(byDefault, 0);
}

/** A selector by which the focused link or button is found again in the new part. */
function addressOf(element) {
  const form = element.closest("form");
  if (element.matches("a")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  if (form) return `form[action="${CSS.escape(form.getAttribute("action"))}"] button`;
  return element.closest("[id]") === null ? null : `#${CSS.escape(element.closest("[id]").id)} > ${element.localName}`;
}

for (const root of document.querySelectorAll("[data-live]")) new LiveRegion(root);
