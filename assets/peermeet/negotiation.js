// @ts-check
/**
 * Perfect negotiation for one pair (W3C WebRTC, section 10.7). Nobody is the initiator: both may offer at any
 * time, and when two offers cross, the polite side takes its own back.
 *
 * Everything of a pair happens one at a time, in order of arrival, in a promise chain of its own: an operation
 * on a closed RTCPeerConnection never settles, and must not hang anybody else. What was sent can be lost with a
 * socket, so an offer is sent again until it is answered; byte for byte, so that the other side knows it.
 *
 * A connection is known by its DTLS fingerprint. When the other side has begun anew, ours can never speak with it:
 * `onRenewed` hands the signal back, for a new connection.
 */

/** @typedef {{setTimeout: (fn: () => void, ms: number) => any, clearTimeout: (timer: any) => void}} Timers */
/** @typedef {{description?: RTCSessionDescriptionInit, candidates?: RTCIceCandidateInit[]}} Signal */

// ms that the polite side of a new pair leaves the first offer to the other: two round trips of a slow network. Both
// see each other at the same moment, and of two offers that cross one is wasted.
const HEAD_START = 500;
const GATHERED = 500; // ms at the most until a first candidate; a host's own come within 20
const GLANCE = 20; // ms between two looks for it
const PATIENCE = 5_000; // ms for one operation; a busy machine needs one, a stuck connection never ends
const AGAIN = [4_000, 8_000, 16_000]; // ms until an unanswered offer goes out again; an answer takes two round trips
// Candidates of the other side that are tried between two ICE restarts. Each is an address that our browser knocks at, so
// whoever is in the call could have it look around in our own network. A machine with six interfaces has twenty-four.
const MOST = 50;

/**
 * @param {{
 *   connection: RTCPeerConnection,
 *   polite: boolean,
 *   send: (description: RTCSessionDescriptionInit) => void,
 *   onRenewed?: (signal: Signal) => void,
 *   onError: (error: unknown) => void,
 *   timers?: Timers,
 * }} needs
 */
export function createNegotiation({
  connection,
  polite,
  send,
  onRenewed = () => {},
  onError,
  timers = globalThis,
}) {
  let closed = false;
  let chain = Promise.resolve();
  // The chain alone keeps these three true to the specification; they matter when its patience has run out.
  let makingOffer = false;
  let answerPending = false;
  let ignoringOffer = false;
  /** @type {RTCSessionDescriptionInit | null} */
  let offered = null; // ours, as it was sent, while it waits for an answer
  /** @type {{offer: string, answer: RTCSessionDescriptionInit} | null} */
  let answered = null; // the last offer we took and what we said
  let lastAnswer = ""; // the last answer we took
  let generation = ""; // of the other side's candidates
  let tried = 0; // of that generation
  let tries = 0;
  /** @type {any} */
  let waiting;
  /** @type {any} */
  let headStart;

  const unanswered = () => connection.signalingState === "have-local-offer";

  /** @param {() => Promise<void>} work */
  function inTurn(work) {
    chain = chain
      .then(() => (closed ? undefined : bounded(work())))
      .catch((error) => {
        if (!closed) onError(error);
      });
    return chain;
  }

  /** @param {Promise<void>} work */
  function bounded(work) {
    /** @type {any} */
    let timer;
    const enough = new Promise((_, reject) => {
      timer = timers.setTimeout(() => reject(new Error("The peer connection does not answer.")), PATIENCE);
    });
    return Promise.race([work, enough]).finally(() => timers.clearTimeout(timer));
  }

  connection.onnegotiationneeded = () => {
    if (polite && !connection.localDescription) headStart ??= timers.setTimeout(() => inTurn(offer), HEAD_START);
    else void inTurn(offer);
  };

  async function offer() {
    if (connection.signalingState !== "stable") return; // the browser asks again when it is
    makingOffer = true;
    try {
      await connection.setLocalDescription();
    } finally {
      makingOffer = false;
    }
    if (closed || !unanswered()) return;
    offered = plain(connection.localDescription);
    tries = 0;
    sendOffer();
  }

  function sendOffer() {
    if (!offered) return;
    send(offered);
    timers.clearTimeout(waiting);
    waiting = timers.setTimeout(resend, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
  }

  function resend() {
    return inTurn(async () => {
      if (unanswered()) sendOffer();
    });
  }

  function offerIsOver() {
    offered = null;
    timers.clearTimeout(headStart);
    timers.clearTimeout(waiting);
  }

  /** @param {RTCSessionDescriptionInit} description */
  async function takeAnswer(description) {
    ignoringOffer = false;
    if (!unanswered() || answerPending || description.sdp === lastAnswer) return; // stale
    answerPending = true;
    try {
      await connection.setRemoteDescription(description);
    } finally {
      answerPending = false;
    }
    lastAnswer = description.sdp ?? "";
    offerIsOver();
  }

  /** @param {RTCSessionDescriptionInit} description */
  async function takeOffer(description) {
    const ready = !makingOffer && (connection.signalingState === "stable" || answerPending);
    ignoringOffer = !ready && !polite;
    if (ignoringOffer) return;
    if (ready && answered && description.sdp === answered.offer) {
      send(answered.answer); // it was lost; taking the offer again would make another one
      return;
    }
    if (unanswered()) await firstCandidate();
    await connection.setRemoteDescription(description); // takes our own offer back, if there is one
    offerIsOver();
    await connection.setLocalDescription();
    if (closed) return;
    answered = { offer: description.sdp ?? "", answer: plain(connection.localDescription) };
    send(answered.answer);
  }

  /**
   * Chromium (seen in 156) never gathers for the answer if the offer is taken back before its first candidate was
   * there, and the pair would stay without a link for good.
   */
  async function firstCandidate() {
    for (let waited = 0; waited < GATHERED && connection.iceGatheringState !== "complete"; waited += GLANCE) {
      if (connection.localDescription?.sdp.includes("a=candidate:")) return;
      await new Promise((resolve) => timers.setTimeout(() => resolve(undefined), GLANCE));
    }
  }

  /** @param {RTCIceCandidateInit} candidate */
  async function takeCandidate(candidate) {
    const remote = connection.remoteDescription;
    const fragment = candidate.usernameFragment;
    // Of an offer we ignored or never got, or of an older generation: it came whole again with the next one.
    if (!remote || (fragment && !remote.sdp.includes(`a=ice-ufrag:${fragment}`))) return;
    if ((tried += 1) > MOST) return;
    try {
      await connection.addIceCandidate(candidate);
    } catch (error) {
      if (!ignoringOffer && !closed) onError(error);
    }
  }

  /** A description with no more candidates in it than are tried. @param {RTCSessionDescriptionInit} description */
  function counted({ type, sdp = "" }) {
    let found = 0;
    const few = sdp.replace(/^a=candidate:.*\r?\n?/gm, (line) => ((found += 1) > MOST ? "" : line));
    const fragment = /^a=ice-ufrag:(.*)$/m.exec(sdp)?.[1] ?? "";
    if (fragment !== generation) [generation, tried] = [fragment, Math.min(found, MOST)];
    return { type, sdp: few };
  }

  /** @param {Signal} signal */
  async function take({ description, candidates = [] }) {
    const known = fingerprint(connection.currentRemoteDescription);
    const print = fingerprint(description);
    if (known && print && known !== print) return onRenewed({ description, candidates });
    if (description) description = counted(description);
    if (description?.type === "offer") await takeOffer(description);
    if (description?.type === "answer") await takeAnswer(description);
    if (description && ignoringOffer) return; // its candidates are of no use either
    for (const candidate of candidates) await takeCandidate(candidate);
  }

  return {
    /** @param {Signal} signal */
    signaled: (signal) => inTurn(() => take(signal)),

    /** Say an unanswered offer once more: it, or its answer, may have been lost with a socket. */
    resend,

    close() {
      closed = true;
      offerIsOver();
      connection.onnegotiationneeded = null;
    },
  };
}

/** @param {RTCSessionDescriptionInit | null} [description] */
function fingerprint(description) {
  return /^a=fingerprint:.*$/m.exec(description?.sdp ?? "")?.[0].trimEnd();
}

/**
 * @param {RTCSessionDescription | null} description
 * @returns {RTCSessionDescriptionInit}
 */
function plain(description) {
  return { type: description?.type ?? "offer", sdp: description?.sdp ?? "" };
}
