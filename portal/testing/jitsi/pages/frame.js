// The page in the frame: enters the room with its token, opens camera and microphone, obeys commands, tells events.

const parts = location.hash.slice(1).split("&").map((part) => part.split("="));
const told = Object.fromEntries(parts.map(([key, value]) => [key, JSON.parse(decodeURIComponent(value))]));
const config = {};
for (const [path, value] of Object.entries(told)) {
  if (!path.startsWith("config.")) continue;
  const keys = path.split(".").slice(1);
  const last = keys.pop();
  keys.reduce((place, key) => (place[key] ??= {}), config)[last] = value;
}
const state = document.body.dataset;
let me = null;
let tracks = {};

function fire(event, data = {}) {
  parent.postMessage({ event, data }, "*");
}

async function post(path, body = {}) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/stand-in/${path}`, options);
  return answer.json();
}

async function open(kind, event) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ [kind]: true });
    [tracks[kind]] = stream.getTracks();
  } catch ({ name, message }) {
    fire(event, { type: name, message });
  }
  state[kind] = tracks[kind] ? "on" : "off";
}

function drawToolbar(buttons) {
  document.querySelector("#toolbar").replaceChildren(
    ...buttons.map((name) => {
      const button = document.createElement("button");
      button.textContent = name;
      button.addEventListener("click", () => obey[{ hangup: "hangup", camera: "toggleVideo" }[name]]?.());
      return button;
    }),
  );
}

function closeCamera() {
  tracks.video?.stop();
  tracks.video = null;
  state.video = "off";
}

const obey = {
  async hangup() {
    if (me) await post(`${me.id}/leave`);
    state.left = "yes";
    me = null;
    fire("videoConferenceLeft", {});
    fire("readyToClose", {});
  },
  async toggleVideo() {
    if (tracks.video) closeCamera();
    else await open("video", "cameraError");
    fire("videoMuteStatusChanged", { muted: !tracks.video });
  },
  setAudioOnly: (on) => (state.audioOnly = String(on)),
  setLowBandwidthMode: (on) => (state.audioOnly = String(on)),
  overwriteConfig: ({ toolbarButtons }) => drawToolbar(toolbarButtons),
  muteEveryone: () => post(`${me.id}/mute`),
  toggleModeration: (on, kind) => (state.moderation = `${kind} ${on}`),
  startRecording: () => post(`${me.id}/record`),
};

addEventListener("message", async ({ data }) => {
  if (data.question) parent.postMessage({ question: data.question, answer: !tracks.video }, "*");
  else if (data.command) obey[data.command](...data.values);
});

async function hearNews() {
  if (!me) return;
  const { gone, news, people } = await (await fetch(`/stand-in/${me.id}/news`)).json();
  if (!me) return;
  if (gone) {
    fire("errorOccurred", { error: { type: "CONFERENCE", name: "conference.destroyed", isFatal: true } });
    return;
  }
  document.querySelector("#people").textContent = people.join(", ");
  for (const { event, data } of news) {
    if (event === "stand-in.mute") tracks.video && obey.toggleVideo();
    else fire(event, data);
  }
  setTimeout(hearNews, 100);
}

async function start() {
  state.lang = new URLSearchParams(location.search).get("lang");
  drawToolbar(config.toolbarButtons ?? []);
  const answer = await post("join", { room: location.pathname.slice(1), jwt: told.jwt, config });
  if (answer.error) return fire("errorOccurred", { error: answer.error });
  me = answer;
  state.role = me.role;
  state.audioOnly = String(config.startAudioOnly === true || config.startLowBandwidthMode === true);
  await open("audio", "micError");
  if (!config.startWithVideoMuted) await open("video", "cameraError");
  fire("videoConferenceJoined", { roomName: location.pathname.slice(1), id: me.id, displayName: me.name });
  fire("participantRoleChanged", { id: me.id, role: me.role });
  fire("videoMuteStatusChanged", { muted: !tracks.video });
  hearNews();
}

addEventListener("pagehide", () => me && navigator.sendBeacon(`/stand-in/${me.id}/leave`));
start();
