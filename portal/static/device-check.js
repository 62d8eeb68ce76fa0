// The device check: camera, microphone, loudspeaker, line and a readable paper. Picture and sound stay on this device;
// the form at the end tells the office "passed" or "failed" and nothing else.

const LOUD_ENOUGH = 4;
const LOUD_MOMENTS = 5;
const PATIENCE = 10000;
const LINE_PATIENCE = 20000;
const SAMPLE_KILOBYTES = 128;
const LONGEST_TRIP = 500;
const LEAST_MBIT = 0.5;
const IN_APP = /FBAN|FBAV|FB_IAB|Instagram|Line\/|Viber|MicroMessenger|Snapchat|TikTok|GSA\//;
const PROBLEMS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none" };

const root = document.querySelector("[data-device-check]");
const form = document.querySelector("[data-result]");
const verdicts = {};
let streams = [];
let listening;

const find = (selector, within = root) => within.querySelector(selector);
const texts = document.querySelector("[data-texts]").content;
const text = (key) => texts.querySelector(`[data-text="${key}"]`).textContent;
const step = (name) => find(`[data-check="${name}"]`);

function judge(name, verdict, words) {
  verdicts[name] = verdict;
  const place = step(name);
  place.classList.toggle("check--passed", verdict === "passed");
  place.classList.toggle("check--failed", verdict === "failed");
  find("[data-verdict]", place).textContent = words ? text(words) : "";
  summarise();
}

function begin(name, selector = "[data-during]") {
  find(selector, step(name)).hidden = false;
}

function summarise() {
  const all = Object.values(verdicts);
  const passed = all.length === root.querySelectorAll("[data-check]").length && all.every((verdict) => verdict === "passed");
  find('[data-when="passed"]', form).hidden = !passed;
  find('[data-when="failed"]', form).hidden = !all.includes("failed");
  find("[data-status]").textContent = passed ? text("all-passed") : all.includes("failed") ? text("some-failed") : "";
}

function checkBrowser() {
  if (!window.isSecureContext) return judge("browser", "failed", "browser-insecure");
  if (!window.RTCPeerConnection || !navigator.mediaDevices?.getUserMedia) return judge("browser", "failed", "browser-failed");
  if (IN_APP.test(navigator.userAgent)) return judge("browser", "failed", "browser-in-app");
  return judge("browser", "passed", "browser-passed");
}

async function open(name, constraints) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    streams.push(stream);
    return stream;
  } catch (error) {
    judge(name, "failed", `${name}-${PROBLEMS[error.name] ?? "busy"}`);
    return null;
  }
}

async function checkCamera() {
  const stream = await open("camera", { video: { width: { ideal: 1280 }, height: { ideal: 720 } } });
  if (!stream) return;
  const preview = find("[data-preview]");
  preview.srcObject = stream;
  preview.hidden = false;
  // A mirror, as vanity wants it, would make the writing on a card unreadable.
  preview.style.transform = "none";
  find("[data-preview-hint]").hidden = true;
  judge("camera", "passed", "camera-passed");
  begin("paper");
  begin("paper", "[data-answers]");
}

async function checkMicrophone() {
  const stream = await open("microphone", { audio: true });
  if (!stream) return;
  begin("microphone");
  judge("microphone", undefined, "microphone-listening");
  const audio = new AudioContext();
  const analyser = new AnalyserNode(audio, { fftSize: 1024 });
  audio.createMediaStreamSource(stream).connect(analyser);
  listening = { audio, analyser, began: Date.now(), loud: 0, timer: setInterval(listen, 100) };
}

function listen() {
  const samples = new Float32Array(listening.analyser.fftSize);
  listening.analyser.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const level = Math.min(100, Math.sqrt(power) * 300);
  find("[data-level]").value = level;
  if (level > LOUD_ENOUGH) listening.loud += 1;
  if (listening.loud === LOUD_MOMENTS) judge("microphone", "passed", "microphone-passed");
  const silent = !verdicts.microphone && Date.now() - listening.began > PATIENCE;
  if (silent) judge("microphone", "failed", "microphone-silent");
}

/** How fast the way to the portal is; the call takes another way, so it is a hint and no promise. */
async function checkLine() {
  judge("line", undefined, "line-measuring");
  try {
    await fetchSample(0); // opens the connection, which the others find open
    const trips = [await timed(fetchSample, 0), await timed(fetchSample, 0), await timed(fetchSample, 0)];
    const trip = Math.min(...trips);
    const down = speed((await timed(fetchSample, SAMPLE_KILOBYTES)) - trip);
    const up = speed((await timed(sendSample, SAMPLE_KILOBYTES)) - trip);
    const good = trip <= LONGEST_TRIP && Math.min(down, up) >= LEAST_MBIT;
    judge("line", good ? "passed" : "failed", good ? "line-passed" : "line-weak");
    find("[data-measured]").textContent = measured(trip, down, up);
  } catch {
    judge("line", "failed", "line-lost");
  }
}

async function timed(deed, kilobytes) {
  const began = performance.now();
  await deed(kilobytes);
  return performance.now() - began;
}

async function fetchSample(kilobytes) {
  const answer = await fetch(`${root.dataset.lineUrl}?kilobytes=${kilobytes}`, { cache: "no-store", signal: AbortSignal.timeout(LINE_PATIENCE) });
  if (!answer.ok) throw new Error(String(answer.status));
  await answer.arrayBuffer();
}

async function sendSample(kilobytes) {
  const body = new Uint8Array(kilobytes * 1024);
  for (let at = 0; at < body.length; at += 65536) crypto.getRandomValues(body.subarray(at, at + 65536));
  const headers = { "X-CSRFToken": find("[name=csrf_token]", form).value, "Content-Type": "application/octet-stream" };
  const answer = await fetch(root.dataset.lineUrl, { method: "POST", body, headers, signal: AbortSignal.timeout(LINE_PATIENCE) });
  if (!answer.ok) throw new Error(String(answer.status));
}

/** Megabits in a second; what was too quick to be measured counts as a millisecond. */
function speed(milliseconds) {
  return (SAMPLE_KILOBYTES * 1024 * 8) / 1000 / Math.max(milliseconds, 1);
}

function measured(trip, down, up) {
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 2 });
  const values = { trip: number.format(Math.max(trip, 1)), down: number.format(down), up: number.format(up) };
  return text("line-measured").replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function playTone() {
  const audio = new AudioContext();
  [523, 659, 784].forEach((pitch, place) => {
    const tone = new OscillatorNode(audio, { frequency: pitch });
    tone.connect(new GainNode(audio, { gain: 0.25 })).connect(audio.destination);
    tone.start(audio.currentTime + place * 0.3);
    tone.stop(audio.currentTime + place * 0.3 + 0.28);
    if (place === 2) tone.onended = () => audio.close();
  });
  begin("loudspeaker", "[data-answers]");
}

function stop() {
  clearInterval(listening?.timer);
  listening?.audio.close();
  listening = undefined;
  streams.flatMap((stream) => stream.getTracks()).forEach((track) => track.stop());
  streams = [];
}

async function start() {
  stop();
  find("[data-start]").textContent = text("start-again");
  for (const place of root.querySelectorAll("[data-check]")) judge(place.dataset.check);
  find("[data-status]").textContent = text("asking");
  checkBrowser();
  begin("loudspeaker");
  find("[data-measured]").textContent = "";
  checkLine();
  if (!navigator.mediaDevices?.getUserMedia) return;
  await checkCamera();
  await checkMicrophone();
}

root.hidden = false;
find('[data-when="failed"]', form).hidden = true;
checkBrowser(); // who must open another browser learns it before he presses anything
find("[data-start]").addEventListener("click", start);
find("[data-tone]").addEventListener("click", playTone);
for (const button of root.querySelectorAll("[data-answer]")) {
  const name = button.closest("[data-check]").dataset.check;
  button.addEventListener("click", () => judge(name, button.dataset.answer, `${name}-${button.dataset.answer}`));
}
addEventListener("pagehide", stop);
