/* Runs before every page of a test: remembers what the page makes, so that a test can count and look into it.
   `peermeetTest` is set by person.py: {size, refuses: {audio, video}}. */
window.pcs = [];
window.tracks = [];
window.sockets = [];

window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...words) {
    super(...words);
    window.pcs.push(this);
  }
};

window.WebSocket = class extends WebSocket {
  constructor(...words) {
    super(...words);
    window.sockets.push(this);
  }
};

if (navigator.mediaDevices) {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const { size, refuses } = window.peermeetTest;
    for (const kind of ["audio", "video"]) {
      if (wanted[kind] && refuses[kind]) throw new DOMException("so the test wants it", refuses[kind]);
    }
    const video = wanted.video && size ? { ...wanted.video, ...size } : wanted.video;
    const stream = await open({ ...wanted, video });
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}

/* The RTP streams of every connection that is not closed, by direction, kind and connection. */
window.rtp = async () => {
  const found = [];
  for (const [link, pc] of window.pcs.entries()) {
    if (pc.connectionState === "closed") continue;
    for (const report of (await pc.getStats()).values()) {
      if (!report.type.endsWith("bound-rtp") || report.type.startsWith("remote")) continue;
      found.push({
        link, direction: report.type.split("-")[0], kind: report.kind,
        bytes: report.bytesSent ?? report.bytesReceived ?? 0,
        frames: report.framesDecoded ?? report.framesEncoded ?? 0,
        dropped: report.framesDropped ?? 0, frozen: report.freezeCount ?? 0, energy: report.totalAudioEnergy ?? 0,
      });
    }
  }
  return found;
};

/* When tiles came and went, and what became of them: [{at, tiles: {name: "online" | "away"}}] on this machine's clock. */
window.watchTiles = () => {
  window.seen = [];
  const look = () => {
    const tiles = {};
    for (const tile of document.querySelectorAll(".tile")) {
      tiles[tile.getAttribute("aria-label")] = tile.dataset.away === "true" ? "away" : "online";
    }
    window.seen.push({ at: Date.now(), tiles });
  };
  look();
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
};

window.addEventListener("click", () => { window.clicked = Date.now(); }, true);
