// The door: asks for its state every few seconds and shows the new face without a reload; counts the time down.
// Without this script the page reloads itself.

import { followSound } from "./sound-only.js";

const EVERY = 3000;
const EVERY_UNSEEN = 10000;
const LONGEST_WAIT = 30000;
const TOLD_MINUTES = [10, 5, 1];
const language = document.documentElement.lang || "el";

const voice = document.createElement("p");
voice.className = "visually-hidden";
voice.setAttribute("role", "status");
document.body.append(voice);

let door = document.querySelector("[data-door]");
let failures = 0;
let timer;
// Countdowns follow the portal's clock; that of the device may be wrong.
let ahead = 0;

function setClock(now) {
  ahead = Date.parse(now) - Date.now();
}

async function check() {
  clearTimeout(timer);
  try {
    const response = await fetch(door.dataset.stateUrl, { headers: { Accept: "application/json" }, cache: "no-store" });
    // The link was withdrawn or replaced: the page says so, and a call in it ends.
    if (response.status === 404) return location.reload();
    if (!response.ok) throw new Error(String(response.status));
    const news = await response.json();
    failures = 0;
    setClock(news.now);
    if ("call" in door.dataset) follow(news);
    if (news.mark !== door.dataset.mark) await show();
  } catch {
    // The line or the portal is away for a moment; the page stays as it is and asks again.
    failures += 1;
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if ("settled" in door.dataset) return;
  const calm = document.hidden ? EVERY_UNSEEN : EVERY;
  timer = setTimeout(check, Math.min(calm * 2 ** failures, LONGEST_WAIT));
}

/** What changes inside a call without leaving it. */
function follow(news) {
  followSound(door, String(news.sound_only));
  const place = door.querySelector("[data-people]");
  if (news.people && place.textContent !== news.people) tell((place.textContent = news.people));
}

async function show() {
  // A call in progress holds camera and microphone: only leaving the page lets go of them for sure.
  if ("call" in door.dataset) return location.reload();
  const response = await fetch(location.href, { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.querySelector("[data-door]");
  if (!next || response.redirected) return location.assign(response.url);
  const former = door;
  const focused = addressOf(document.activeElement);
  door.replaceWith(next);
  door = next;
  setClock(door.dataset.now);
  document.title = page.title;
  if (door.dataset.state !== former.dataset.state) greet();
  else if (focused) door.querySelector(focused)?.focus();
  if (told(door) !== told(former)) tell(told(door));
  countDown();
}

/** Another face of the door: whoever reads with the ears begins at its heading. */
function greet() {
  door.querySelector("h1")?.focus();
  if (door.dataset.state === "admitted") callAttention();
}

/** What the door says, in one piece. */
function told(face) {
  return [...face.querySelectorAll("[data-told]")].map((place) => place.textContent.trim()).join(" ");
}

/** A selector by which the focused element is found again, or null when it is outside of the door. */
function addressOf(element) {
  if (!element || !door.contains(element)) return null;
  if (element.matches("a[href]")) return `a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  return element.matches("button[value]") ? `button[value="${CSS.escape(element.value)}"]` : element.localName;
}

function tell(words) {
  voice.textContent = words.trim();
}

function callAttention() {
  if (document.hidden) {
    const title = document.title;
    document.title = `🔔 ${title}`;
    document.addEventListener("visibilitychange", () => (document.title = title), { once: true });
  }
  // Browsers let a page sound only after the person has done something on it.
  if (navigator.userActivation?.hasBeenActive) chime();
}

function chime() {
  const audio = new AudioContext();
  [660, 880].forEach((pitch, place) => {
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0.12 });
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + place * 0.25);
    tone.stop(audio.currentTime + place * 0.25 + 0.2);
    if (place) tone.onended = () => audio.close();
  });
}

/** "in 12 minutes", in the page's language. */
function inWords(milliseconds) {
  const words = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const minutes = Math.ceil(milliseconds / 60000);
  if (minutes >= 48 * 60) return words.format(Math.round(minutes / 1440), "day");
  if (minutes >= 120) return words.format(Math.round(minutes / 60), "hour");
  if (minutes > 1) return words.format(minutes, "minute");
  return words.format(Math.ceil(milliseconds / 1000), "second");
}

let lastMinute = null;

function countDown() {
  const place = door.querySelector("[data-countdown-until]");
  if (!place) return;
  const left = Date.parse(place.dataset.countdownUntil) - Date.now() - ahead;
  const words = left > 0 ? inWords(left) : "";
  const ended = left <= 0 && !place.hidden;
  place.hidden = left <= 0;
  if (place.textContent !== words) place.textContent = words;
  if (ended) return check();
  announce(Math.ceil(left / 60000), words);
}

/** Screen readers hear the time a few times only, not with every second. */
function announce(minutes, words) {
  if (!TOLD_MINUTES.includes(minutes) || lastMinute === minutes) return;
  lastMinute = minutes;
  tell(words);
}

if (door) {
  setClock(door.dataset.now);
  setInterval(countDown, 1000);
  countDown();
  plan();
  document.addEventListener("visibilitychange", () => document.hidden || check());
  // Back from a locked phone, from another page, or from a tunnel: what stands here may be old.
  addEventListener("pageshow", (event) => event.persisted && check());
  addEventListener("online", check);
  // The call inside this page says when it is over: there is news then.
  document.addEventListener("call:ended", ({ detail }) => detail.reason === "closed" && check());
}
