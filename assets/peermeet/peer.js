// @ts-check
/**
 * One RTCPeerConnection for one other participant: what we send, what arrives, and getting well again.
 *
 * A source has one sender for good. Switching it off is `replaceTrack(null)`: nothing is uploaded and nothing is
 * negotiated. A source that was never sent to this peer is added, and that is negotiated.
 */
import { createNegotiation } from "./negotiation.js";

/** @typedef {import("./negotiation.js").Signal} Signal */
/** @typedef {import("./negotiation.js").Timers} Timers */
/** @typedef {import("./room.js").Source} Source */

const BUNDLE = 20; // ms; a host's own candidates all come within this, so they are one signal instead of six
const MOST = 24; // candidates in one signal: the protocol's bound
const BUSY = 1_000; // ms until candidates go out again that the server had no time for
const DISCONNECTED = 1_000; // ms; most losses of a path heal by themselves before

/**
 * @param {{
 *   connection: RTCPeerConnection,
 *   polite: boolean,
 *   signal: (signal: Signal) => Promise<{error?: {code: string}}>,
 *   configuration?: () => RTCConfiguration,
 *   fresh?: () => Promise<void>,
 *   onChange: () => void,
 *   onRenewed?: (signal: Signal) => void,
 *   onError: (error: unknown) => void,
 *   timers?: Timers,
 * }} needs
 */
export function createPeer({
  connection,
  polite,
  signal,
  configuration,
  fresh = () => Promise.resolve(),
  onChange,
  onRenewed,
  onError,
  timers = globalThis,
}) {
  /** @type {Map<Source, RTCRtpSender>} */
  const senders = new Map();
  /** @type {Map<string, MediaStream>} */
  const streams = new Map();
  let closed = false;

  // ---- signals out

  /** @type {RTCIceCandidateInit[]} */
  let gathered = []; // all of this generation, so that they can be said again
  let told = 0; // how many of them were sent
  /** @type {any} */
  let bundling;

  const negotiation = createNegotiation({ connection, polite, send: post, onRenewed, onError, timers });

  connection.onicecandidate = ({ candidate }) => {
    if (!candidate) return; // the end of gathering; nobody needs to hear it
    const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    if (gathered.length && gathered[0].usernameFragment !== usernameFragment) {
      gathered = [];
      told = 0;
    }
    gathered.push({ candidate: line, sdpMid, sdpMLineIndex, usernameFragment });
    bundling ??= timers.setTimeout(post, BUNDLE);
  };

  /**
   * Send a description at once, with whatever candidates are there in time; or the candidates alone.
   * @param {RTCSessionDescriptionInit} [description]
   */
  function post(description) {
    timers.clearTimeout(bundling);
    bundling = undefined;
    // Until the link stands, a description brings all of its own: they may have been lost, or heard too early.
    const ours = `a=ice-ufrag:${gathered[0]?.usernameFragment}`;
    if (connection.connectionState !== "connected" && description?.sdp?.includes(ours)) told = 0;
    while (!closed && (description || told < gathered.length)) {
      const [from, generation] = [told, gathered];
      const candidates = gathered.slice(told, told + MOST);
      told += candidates.length;
      signal({ ...(description && { description }), ...(candidates.length && { candidates }) }).then((answer) => {
        if (!answer.error || generation !== gathered || !candidates.length) return;
        told = Math.min(told, from);
        if (answer.error.code === "too_many") bundling ??= timers.setTimeout(post, BUSY);
      }, onError);
      description = undefined;
    }
  }

  // ---- what arrives

  connection.ontrack = ({ streams: arrived }) => {
    for (const stream of arrived) {
      streams.set(stream.id, stream);
      stream.onremovetrack = () => {
        if (stream.getTracks().length === 0) streams.delete(stream.id);
        onChange();
      };
    }
    onChange();
  };

  // ---- getting well again

  let restarting = false;
  /** @type {any} */
  let patience;

  connection.onconnectionstatechange = () => {
    const state = connection.connectionState;
    timers.clearTimeout(patience);
    if (state === "connected") restarting = false;
    if (state === "failed") restart();
    if (state === "disconnected") patience = timers.setTimeout(restart, DISCONNECTED);
    onChange();
  };

  function restart() {
    if (closed || connection.connectionState === "new") return;
    if (restarting && connection.signalingState === "have-local-offer") {
      void negotiation.resend(); // the restart is under way, nobody has answered it yet
      return;
    }
    restarting = true;
    void fresh().then(() => {
      configure();
      attempt(() => connection.restartIce());
    });
  }

  /**
   * Credentials of a relay may be new. They serve whatever gathers next, also when the other side restarts ICE; the
   * browser makes the next offer such a restart too (JSEP, setConfiguration), which interrupts nothing.
   */
  function configure() {
    if (configuration && !closed) attempt(() => connection.setConfiguration(configuration()));
  }

  /** @param {() => void} work */
  function attempt(work) {
    try {
      work();
    } catch (error) {
      if (!closed) onError(error);
    }
  }

  /** @param {MediaStreamTrack} track @param {MediaStream} stream */
  function add(track, stream) {
    // `addTrack` takes over any sender that is idle and has never sent, even one that is another source's.
    const idle = [...senders.values()].some((sender) => sender.track === null);
    return idle
      ? connection.addTransceiver(track, { streams: [stream] }).sender
      : connection.addTrack(track, stream);
  }

  return {
    /** @param {Signal} signal */
    signaled: (signal) => negotiation.signaled(signal),

    state: () => connection.connectionState,

    /** @param {string} id */
    stream: (id) => streams.get(id) ?? null,

    /**
     * Send this track as this source from now on, or nothing.
     * @param {Source} source @param {MediaStream} stream @param {MediaStreamTrack | null} track
     */
    send(source, stream, track) {
      const sender = senders.get(source);
      // Never compare with `sender.track`: it changes late, and off and on again would end as off.
      if (sender) attempt(() => void sender.replaceTrack(track).catch((error) => closed || onError(error)));
      else if (track) attempt(() => senders.set(source, add(track, stream)));
    },

    /** @param {Source} source */
    remove(source) {
      const sender = senders.get(source);
      senders.delete(source);
      if (sender) attempt(() => connection.removeTrack(sender));
    },

    restart,
    configure,

    /** Somebody's socket is back: say again what may have been lost. */
    resend() {
      if (connection.connectionState !== "connected") told = 0;
      void negotiation.resend().then(() => post());
    },

    close() {
      if (closed) return;
      closed = true;
      negotiation.close();
      timers.clearTimeout(bundling);
      timers.clearTimeout(patience);
      connection.onicecandidate = connection.ontrack = connection.onconnectionstatechange = null;
      for (const stream of streams.values()) stream.onremovetrack = null;
      attempt(() => connection.close());
    },
  };
}
