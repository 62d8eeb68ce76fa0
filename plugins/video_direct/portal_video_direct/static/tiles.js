// The pictures on the page: one tile for each person, with the name and what is switched off.

const LARGE = new Set(["citizen", "interpreter"]);

export class Tiles {
  /** `frame` holds the tiles; `text(key, values)` gives words; `remove(member)` is offered to the clerk. */
  constructor({ frame, text, moderates, remove, soundBlocked }) {
    Object.assign(this, { frame, text, moderates, remove, soundBlocked });
    this.tiles = new Map();
  }

  /** Draw or refresh a tile. `shown` is {key, name, role, picture, sound, self, mirrored, micOn, pictureOn, state}. */
  show(shown) {
    const tile = this.tiles.get(shown.key) || this.make(shown);
    this.feed(tile.querySelector("video"), shown.picture);
    this.feed(tile.querySelector("audio"), shown.sound);
    tile.dataset.state = shown.state;
    tile.dataset.picture = shown.pictureOn ? "on" : "off";
    tile.toggleAttribute("data-mirrored", Boolean(shown.mirrored));
    tile.querySelector("[data-note]").textContent = this.note(shown);
  }

  feed(player, stream) {
    if (player.srcObject !== stream) player.srcObject = stream;
    if (player.paused && stream?.getTracks().length) this.play(player);
  }

  make({ key, name, role, self }) {
    const tile = document.createElement("li");
    tile.className = "direct-tile";
    tile.dataset.guest = key;
    tile.dataset.role = role;
    tile.dataset.size = self ? "self" : this.moderates && !LARGE.has(role) ? "small" : "large";
    const video = document.createElement("video");
    video.autoplay = true;
    video.playsInline = true;
    video.muted = true;
    video.setAttribute("aria-label", this.text(self ? "ownPicture" : "pictureOf", { name }));
    // Sound has a player of its own: one that waits for a first picture would be silent without a camera.
    const audio = document.createElement("audio");
    audio.autoplay = true;
    tile.append(video, audio, this.initial(name), this.caption(name, role, self));
    if (this.moderates && ["companion", "interpreter"].includes(role)) tile.append(this.removal(key, name));
    this.frame.append(tile);
    this.tiles.set(key, tile);
    return tile;
  }

  initial(name) {
    const sign = document.createElement("span");
    sign.className = "direct-initial";
    sign.setAttribute("aria-hidden", "true");
    sign.textContent = [...name.trim()][0] || "·";
    return sign;
  }

  caption(name, role, self) {
    const caption = document.createElement("p");
    caption.className = "direct-caption";
    const who = document.createElement("span");
    who.textContent = self ? this.text("you") : `${name} · ${this.text(`role-${role}`)}`;
    const note = document.createElement("span");
    note.dataset.note = "";
    note.className = "direct-note";
    caption.append(who, note);
    return caption;
  }

  removal(key, name) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "direct-remove";
    button.textContent = this.text("remove", { name });
    button.addEventListener("click", () => this.remove({ key, name }));
    return button;
  }

  note({ micOn, pictureOn, state, self }) {
    if (!self && state !== "connected") return this.text("tileConnecting");
    const off = [micOn ? "" : this.text("tileMuted"), pictureOn ? "" : this.text("tileNoPicture")];
    return off.filter(Boolean).join(", ");
  }

  play(player) {
    player.play().catch((error) => error.name === "NotAllowedError" && this.soundBlocked());
  }

  /** Browsers that play nothing by themselves do so after a press of a button. */
  playAll() {
    for (const tile of this.tiles.values()) tile.querySelectorAll("audio, video").forEach((player) => this.play(player));
  }

  hide(key) {
    const tile = this.tiles.get(key);
    tile?.querySelectorAll("audio, video").forEach((player) => (player.srcObject = null));
    tile?.remove();
    this.tiles.delete(key);
  }

  clear() {
    for (const key of [...this.tiles.keys()]) this.hide(key);
  }
}
