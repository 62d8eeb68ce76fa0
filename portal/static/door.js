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

async function check() {
  clearTimeout(timer);
  try {
    const response = await fetch(door.dataset.stateUrl, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    const { state, sound_only: soundOnly } = await response.json();
    failures = 0;
    if ("call" in door.dataset) followSound(door, String(soundOnly));
    if (state !== door.dataset.state) await show();
  } catch {
    // The line or the portal is away for a moment; the page stays as it is and asks again.
    failures += 1;
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  const calm = document.hidden ? EVERY_UNSEEN : EVERY;
  timer = setTimeout(check, Math.min(calm * 2 ** failures, LONGEST_WAIT));
}

async function show() {
  // A call in progress holds camera and microphone: only leaving the page lets go of them for sure.
  if ("call" in door.dataset) return location.reload();
  const response = await fetch(location.href, { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.querySelector("[data-door]");
  if (!next || response.redirected) return location.assign(response.url);
  door.replaceWith(next);
  door = next;
  document.title = page.title;
  door.querySelector("h1")?.focus();
  tell(door.querySelector(".lead")?.textContent ?? "");
  if (door.dataset.state === "admitted") callAttention();
  countDown();
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

let told = null;

function countDown() {
  const place = door.querySelector("[data-countdown-until]");
  if (!place) return;
  const left = Date.parse(place.dataset.countdownUntil) - Date.now();
  const words = left > 0 ? inWords(left) : "";
  const ended = left <= 0 && !place.hidden;
  place.hidden = left <= 0;
  if (place.textContent !== words) place.textContent = words;
  if (ended) return check();
  announce(Math.ceil(left / 60000), words);
}

/** Screen readers hear the time a few times only, not with every second. */
function announce(minutes, words) {
  if (!TOLD_MINUTES.includes(minutes) || told === minutes) return;
  told = minutes;
  tell(words);
}

if (door) {
  setInterval(countDown, 1000);
  countDown();
  plan();
  document.addEventListener("visibilitychange", () => document.hidden || check());
  // The call inside this page says when it is over: there is news then.
  document.addEventListener("call:ended", ({ detail }) => detail.reason === "closed" && check());
}
