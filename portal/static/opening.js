// Waits for a room that is being opened: the page's own address leads on as soon as it is there.
// Without this script the page reloads itself.

const EVERY = 1000;
const LONGEST_WAIT = 10000;
let failures = 0;

async function ask() {
  try {
    // Where it leads is none of the script's business, and another site would not tell it anything.
    const response = await fetch(location.href, { redirect: "manual", cache: "no-store" });
    if (response.type === "opaqueredirect" || response.status === 404) return location.reload();
    failures = response.ok ? 0 : failures + 1;
  } catch {
    failures += 1;
  }
  setTimeout(ask, Math.min(EVERY * 2 ** failures, LONGEST_WAIT));
}

setTimeout(ask, EVERY);
