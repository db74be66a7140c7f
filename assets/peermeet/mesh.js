// @ts-check
/**
 * One Peer for everybody else on the roster. `reconcile` alone opens or closes one, and `renew` when what a connection
 * knows is not to be used any more; who stays on the roster keeps the very same connection, whatever happened to
 * sockets and servers meanwhile.
 */
import { createPeer } from "./peer.js";

/** @typedef {import("./negotiation.js").Signal} Signal */
/** @typedef {import("./negotiation.js").Timers} Timers */
/** @typedef {import("./room.js").Participant} Participant */
/** @typedef {import("./room.js").Source} Source */

/**
 * @param {{
 *   createConnection: (configuration: RTCConfiguration) => RTCPeerConnection,
 *   configuration?: () => RTCConfiguration,
 *   fresh?: () => Promise<void>,
 *   signal: (to: string, signal: Signal) => Promise<{error?: {code: string}}>,
 *   onChange: () => void,
 *   onError?: (error: unknown) => void,
 *   timers?: Timers,
 * }} needs
 */
export function createMesh({
  createConnection,
  configuration = () => ({}),
  fresh,
  signal,
  onChange,
  onError = () => {},
  timers = globalThis,
}) {
  /** @type {Map<string, ReturnType<typeof createPeer>>} */
  const peers = new Map();
  /** @type {Map<string, Participant>} */
  let roster = new Map();
  /** @type {Map<Source, {stream: MediaStream, track: MediaStreamTrack | null}>} */
  const sending = new Map();
  /** @type {string | null} */
  let you = null;

  /** @param {string} id */
  function open(id) {
    try {
      const peer = createPeer({
        connection: createConnection(configuration()),
        polite: String(you) > id, // both sides know both ids, so they agree without a message
        signal: (message) => signal(id, message),
        configuration,
        fresh,
        onChange,
        onRenewed(message) {
          // Their page holds the same seat with a new connection: one of ours that never spoke with another.
          reopen(id);
          void peers.get(id)?.signaled(message);
          onChange();
        },
        onError,
        timers,
      });
      peers.set(id, peer);
      for (const [source, { stream, track }] of sending) peer.send(source, stream, track);
    } catch (error) {
      onError(error); // a browser has only so many connections; the others are not to suffer
    }
  }

  /** @param {string} id */
  function drop(id) {
    peers.get(id)?.close();
    peers.delete(id);
  }

  /** @param {string} id */
  function reopen(id) {
    drop(id);
    open(id);
  }

  /**
   * What may be played of somebody: what they announced, and no host has silenced, whether or not they obey.
   * @param {string} id @param {Source} source
   */
  function stream(id, source) {
    const them = roster.get(id);
    const publication = them?.publications.find((p) => p.source === source);
    if (!publication || them?.silenced?.some((s) => s.source === source)) return null;
    return peers.get(id)?.stream(publication.stream_id) ?? null;
  }

  return {
    /**
     * Make the peers those of this roster. Called after every change of it; most change nothing here.
     * @param {string} me @param {Participant[]} participants
     */
    reconcile(me, participants) {
      if (you !== me) for (const id of [...peers.keys()]) drop(id); // another seat: nobody knows us any more
      you = me;
      const before = roster;
      roster = new Map(participants.filter((p) => p.id !== me).map((p) => [p.id, p]));
      for (const id of [...peers.keys()]) if (!roster.has(id)) drop(id);
      for (const [id, { presence }] of roster) {
        const peer = peers.get(id);
        if (!peer) open(id);
        // What we said while they were away was heard by nobody.
        else if (presence === "online" && before.get(id)?.presence === "away") peer.resend();
      }
      onChange();
    },

    /**
     * From somebody who is not on the roster (yet), it is nobody's: a real peer says it again.
     * @param {Signal & {by: string}} event
     */
    signaled({ by, description, candidates }) {
      void peers.get(by)?.signaled({ description, candidates });
    },

    /**
     * Send this track as this source to everybody, now and later; null sends nothing and keeps the place.
     * @param {Source} source @param {MediaStream} stream @param {MediaStreamTrack | null} track
     */
    send(source, stream, track) {
      sending.set(source, { stream, track });
      for (const peer of peers.values()) peer.send(source, stream, track);
    },

    /** The source comes no more. @param {Source} source */
    remove(source) {
      sending.delete(source);
      for (const peer of peers.values()) peer.remove(source);
    },

    /** Our socket is back: see `peer.resend`. */
    resend() {
      for (const peer of peers.values()) peer.resend();
    },

    /** The configuration is another one now. */
    configure() {
      for (const peer of peers.values()) peer.configure();
    },

    /** Begin every connection anew. The other side does the same, or hears by our signals that we did. */
    renew() {
      for (const id of [...peers.keys()]) reopen(id);
      onChange();
    },

    restart() {
      for (const peer of peers.values()) peer.restart();
    },

    stream,

    /** How each link is and what may be played of what arrives on it: see `stream`. */
    state() {
      /** @type {Record<string, {state: RTCPeerConnectionState, streams: Partial<Record<Source, MediaStream>>}>} */
      const links = {};
      for (const [id, { publications }] of roster) {
        const peer = peers.get(id);
        if (!peer) continue;
        /** @type {Partial<Record<Source, MediaStream>>} */
        const streams = {};
        for (const { source } of publications) {
          const arrived = stream(id, source);
          if (arrived) streams[source] = arrived;
        }
        links[id] = Object.freeze({ state: peer.state(), streams: Object.freeze(streams) });
      }
      return Object.freeze(links);
    },

    close() {
      for (const id of [...peers.keys()]) drop(id);
      roster = new Map();
      sending.clear();
    },
  };
}
