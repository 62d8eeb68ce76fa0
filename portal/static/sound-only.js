// Sound only is switched by the clerk for everybody. The portal's pages learn it with their next look and tell
// the video system's script, which obeys the event.

/** `frame` is the element [data-call]; `value` is "true" or "false", as the portal says it. */
export function followSound(frame, value) {
  if (!frame || value === undefined || frame.dataset.soundOnly === value) return;
  frame.dataset.soundOnly = value;
  document.dispatchEvent(new CustomEvent("call:sound-only", { detail: { on: value === "true" } }));
}
