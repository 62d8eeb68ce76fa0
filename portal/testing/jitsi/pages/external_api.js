// A stand-in for the script that a Jitsi server serves: the same constructor, commands and events, our own words.

(() => {
  const commands = COMMANDS_OF_THIS_SERVER;
  let count = 0;

  function flat(values, prefix = "") {
    return Object.entries(values).flatMap(([key, value]) =>
      value && typeof value === "object" && !Array.isArray(value)
        ? flat(value, `${prefix}${key}.`)
        : [[`${prefix}${key}`, value]],
    );
  }

  class JitsiMeetExternalAPI {
    constructor(host, { roomName, jwt, lang, configOverwrite = {}, parentNode, width, height, noSSL }) {
      this.heard = new Map();
      this.asked = new Map();
      const hash = [["jitsi_meet_external_api_id", count], ["jwt", jwt]];
      for (const [key, value] of flat(configOverwrite)) hash.push([`config.${key}`, value]);
      const written = hash.map(([key, value]) => `${key}=${encodeURIComponent(JSON.stringify(value))}`);
      this.frame = document.createElement("iframe");
      // What the real one asks for, as far as browsers know it.
      this.frame.allow = "autoplay; camera; clipboard-write; display-capture; microphone; screen-wake-lock; fullscreen";
      this.frame.name = this.frame.id = `jitsiConferenceFrame${count++}`;
      this.frame.src = `${noSSL ? "http" : "https"}://${host}/${roomName}?jwt=${jwt}&lang=${lang}#${written.join("&")}`;
      this.frame.style.width = width;
      this.frame.style.height = height;
      this.listen = (event) => event.source === this.frame.contentWindow && this.hear(event.data);
      addEventListener("message", this.listen);
      parentNode.appendChild(this.frame);
    }

    hear({ event, data, question, answer }) {
      if (question) this.asked.get(question)?.(answer);
      else for (const listener of this.heard.get(event) ?? []) listener(data);
    }

    getIFrame() {
      return this.frame;
    }

    getSupportedCommands() {
      return commands;
    }

    addListener(event, listener) {
      this.heard.set(event, [...(this.heard.get(event) ?? []), listener]);
    }

    executeCommand(command, ...values) {
      if (!commands.includes(command)) return console.error(`Not supported command name: ${command}`);
      this.frame.contentWindow?.postMessage({ command, values }, "*");
    }

    isVideoMuted() {
      const question = Math.random();
      this.frame.contentWindow.postMessage({ question }, "*");
      return new Promise((resolve) => this.asked.set(question, resolve));
    }

    dispose() {
      removeEventListener("message", this.listen);
      this.frame.remove();
    }
  }

  window.JitsiMeetExternalAPI = JitsiMeetExternalAPI;
})();
