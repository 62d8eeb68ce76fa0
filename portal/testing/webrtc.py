"""What arrives in a call, asked of the browsers' own statistics: for tests of video systems.

A page needs `WATCH` as an init script before it loads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

WATCH = """
const Real = RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Real {
  constructor(...given) { super(...given); window.connections.push(this); }
};
"""
_RECEIVED = """async () => {
  let frames = 0, sound = 0, bytes = 0, lines = 0;
  for (const connection of window.connections) {
    if (connection.connectionState !== "connected") continue;
    lines += 1;
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") frames += report.framesDecoded;
      else { sound += report.totalAudioEnergy; bytes += report.bytesReceived; }
    }
  }
  return { frames, sound, bytes, lines };
}"""
_WAYS = """async () => {
  const kinds = [];
  for (const connection of window.connections) {
    if (connection.connectionState !== "connected") continue;
    const reports = await connection.getStats();
    for (const pair of reports.values()) {
      if (pair.type !== "candidate-pair" || !pair.nominated || pair.state !== "succeeded") continue;
      kinds.push([reports.get(pair.localCandidateId), reports.get(pair.remoteCandidateId)]
        .map((candidate) => candidate.candidateType).join("-"));
    }
  }
  return kinds;
}"""
_SENT = """async () => {
  const bytes = async () => [...(await window.connections.at(-1).getStats()).values()]
    .filter(({ type, kind }) => type === "outbound-rtp" && kind === "video")
    .reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  const before = await bytes();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return ((await bytes()) - before) * 8 / 1000;
}"""


def wait_until(told: Callable[[], bool], seconds: float = 60) -> float:
    """How long it took until ``told`` was true."""
    began = time.monotonic()
    while not told():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        time.sleep(0.1)
    return time.monotonic() - began


def pass_time(page: Page, seconds: int) -> None:
    """The page's clock jumps ahead, as if so long had passed; its timers go on as before."""
    page.evaluate(
        "(ahead) => { const now = Date.now; Date.now = () => now.call(Date) + ahead; }", seconds * 1000
    )


def received(page: Page) -> dict[str, float]:
    result: dict[str, float] = page.evaluate(_RECEIVED)
    return result


def sees_and_hears(page: Page, lines: int = 1) -> None:
    """Frames are decoded and sound has energy, and both go on growing."""
    wait_until(lambda: received(page)["lines"] == lines and received(page)["frames"] > 5)
    before = received(page)
    wait_until(lambda: received(page)["frames"] > before["frames"] + 5 * lines)
    wait_until(
        lambda: received(page)["bytes"] > before["bytes"] and received(page)["sound"] > before["sound"]
    )


def sent_kbit(page: Page) -> float:
    """What the page's picture takes of the line, measured over a second."""
    return float(page.evaluate(_SENT))


def ways(page: Page) -> set[str]:
    """How the page is connected, from its side and the other's, like ``host-srflx`` or ``relay-relay``."""
    return set(page.evaluate(_WAYS))
