// The booking form: tells how long the chosen time is still held. Without this script the page
// shows the same as plain text, as of when it was loaded.

const box = document.querySelector("[data-hold]");

if (box) {
  const words = box.querySelector("[data-hold-words]");
  const end = Date.parse(box.dataset.holdUntil);
  let shown = null;

  const tell = () => {
    const minutes = Math.max(0, Math.floor((end - Date.now()) / 60000));
    if (minutes === shown) return;
    shown = minutes;
    words.textContent =
      minutes < 2 ? box.dataset.holdLast : box.dataset.holdText.replace("{minutes}", String(minutes));
    box.classList.toggle("hold--short", minutes < 2);
  };

  tell();
  setInterval(tell, 5000);
}
