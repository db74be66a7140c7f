// @ts-check
/**
 * The browser's half of one meeting, from trying the camera to hanging up. Composition root: it hands each part
 * what it needs and keeps three promises.
 *
 *   - A source is announced (`publish`) before its track goes to anybody.
 *   - Never more open than before: only `preview`, `set` and `toggle` open a microphone or camera. A host may ask that
 *     one be switched off, or make somebody a listener; nobody can switch another's on.
 *   - A lost socket closes no peer connection, and neither does a server that forgot its rooms; `participant_left`,
 *     a roster without the peer, or the user does. A room that becomes relay only has all begin anew.
 *
 * A meeting is used once: after `leave`, a refusal or being sent away, make a new one (with a new `device`).
 */
import { createCapture } from "./capture.js";
import { createRelays } from "./ice.js";
import { createMesh } from "./mesh.js";
import { createReactions, TOPIC } from "./reactions.js";
import { evolve, find, roster } from "./room.js";
import { createSignaling, OFFLINE } from "./signaling.js";
import { createSources, SOURCES } from "./sources.js";

/** @typedef {import("./room.js").Source} Source */
/** @typedef {import("./signaling.js").Answer} Answer */
/**
 * `phase` is where the user is, `line` how the socket is: connecting whenever the seat is wanted and not online.
 * `waiting` says for what one waits at the door and since when; who was in the call before, after the server forgot it,
 * stays in it meanwhile. `ended` is the reason of one's own `participant_left`.
 * @typedef {{
 *   phase: "preview" | "joining" | "waiting" | "joined" | "left" | "refused",
 *   line: "offline" | "connecting" | "online",
 *   you: string | null,
 *   room: import("./room.js").Room | null,
 *   refusal: {code: string, message: string} | null,
 *   ended: string | null,
 *   waiting: Readonly<{why: "lobby" | "host" | "full", since: number}> | null,
 *   asked: readonly Readonly<{source: Source, by: string}>[],
 *   reactions: Readonly<Record<string, import("./reactions.js").Reaction>>,
 *   sources: Record<string, import("./sources.js").SourceState>,
 *   peers: Record<string, {state: RTCPeerConnectionState, streams: Partial<Record<Source, MediaStream>>}>,
 * }} Snapshot
 */

const AGAIN = 1_000; // ms until an announcement is made again that the server could not take now
const PASSING = new Set(["too_many", "unavailable"]);

/**
 * @param {{
 *   room: string,
 *   device: string,
 *   connect: (auth: {ticket: string} | {resume: string}) => import("./signaling.js").Socket,
 *   createConnection: (configuration: RTCConfiguration) => RTCPeerConnection,
 *   devices: Pick<MediaDevices, "getUserMedia"> | undefined,
 *   secure: boolean,
 *   getTicket: import("./signaling.js").GetTicket,
 *   constraints?: {audio?: MediaTrackConstraints, video?: MediaTrackConstraints},
 *   createStream?: () => MediaStream,
 *   onError?: (error: unknown) => void,
 *   timers?: import("./negotiation.js").Timers,
 *   random?: () => number,
 *   now?: () => number,
 * }} needs
 */
export function createMeeting({
  room: roomId,
  device,
  connect,
  createConnection,
  devices,
  secure,
  getTicket,
  constraints,
  createStream = () => new MediaStream(),
  onError = (error) => console.warn("peermeet:", error),
  timers = globalThis,
  random = Math.random,
  now = Date.now,
}) {
  /** @type {Snapshot["phase"]} */
  let phase = "preview";
  /** @type {Snapshot["line"]} */
  let line = "offline";
  /** @type {string | null} */
  let you = null;
  /** @type {Snapshot["room"]} */
  let room = null;
  /** @type {Snapshot["refusal"]} */
  let refusal = null;
  /** @type {string | null} */
  let ended = null;
  /** @type {Snapshot["waiting"]} */
  let waiting = null;
  /** @type {Snapshot["asked"]} */
  let asked = []; // what hosts would have us switch off, and we have not answered yet
  let listening = false; // as a listener: we publish nothing
  /** @type {Promise<void> | null} */
  let joining = null;
  /** @type {() => void} */
  let joinSettled = () => {};
  let forgotten = false; // this seat is a new one, perhaps because the server forgot all of them
  /** @type {Map<string, any>} */
  const missing = new Map(); // who was here before that and is not back: by id, until when they may be
  let over = false; // left, refused or ended: whatever opens after this is closed at once

  /** @type {Set<Source>} */
  const promised = new Set(); // what was ever announced

  const sources = createSources({
    capture: createCapture({ devices, secure, constraints }),
    createStream,
    onChange: touch,
    onSwitch(source, stream, track) {
      if (!track) answered(source);
      void publish(source); // emitted before the next line gives the track to anybody
      mesh.send(source, stream, track);
    },
  });
  const mesh = createMesh({
    createConnection,
    // One port and one handshake for all of a pair's tracks; every browser of the last years can do it.
    configuration: () => ({ bundlePolicy: "max-bundle", ...relays.configuration() }),
    fresh: () => relays.fresh(),
    signal: (to, signal) => signaling.send({ type: "signal", to, ...signal }),
    onChange: touch,
    onError,
    timers,
  });
  const relays = createRelays({
    ask: () => signaling.send({ type: "refresh_ice" }),
    onChange: () => mesh.configure(),
    onHidden: () => mesh.renew(),
    timers,
  });
  const reactions = createReactions({ onChange: touch, timers });
  const signaling = createSignaling({
    room: roomId,
    device,
    connect,
    getTicket,
    timers,
    random,
    onLine: (is) => {
      line = is;
      touch();
    },
    onSeated: (answer, byKey) => {
      forgotten = !byKey && you === answer.you;
      you = answer.you;
      relays.take(answer);
    },
    onEvent: (event) => relays.before(event.type === "welcomed", () => hear(event)),
    onRefused: (error) => {
      refusal = error;
      finish("refused");
    },
  });

  // ---- what is heard

  /** @param {import("./room.js").Event} event */
  function hear(event) {
    if (over) return;
    if (event.type === "signaled") return mesh.signaled(/** @type {any} */ (event));
    if (event.type === "waiting") return atTheDoor(event);
    const before = room;
    room = evolve(room, event);
    if (before && room && event.type === "welcomed") room = withMissing(before, room);
    if (room?.doors) relays.only(room.doors.relay_only);
    found(event.type === "participant_left" ? event.id : event.participant?.id);
    if (event.type === "participant_left" && event.id === you) {
      ended = event.reason;
      finish("left", signaling.close);
    } else if (event.type === "message_sent") {
      if (event.topic === TOPIC && find(room, event.by)) reactions.take(event.by, event.data);
      if (room !== before) touch();
    } else if (event.type === "mute_asked") {
      ask(event.source, event.by);
    } else if (room && you) {
      obey();
      if (event.type === "welcomed") seated(event.you);
      mesh.reconcile(you, roster(room));
      if (event.type === "welcomed") mesh.resend();
    }
    tell(listeners, event);
  }

  /**
   * We knock. Who sat here before a server forgot all of its rooms goes on with the call: nobody has ended it.
   * @param {import("./room.js").Event} event
   */
  function atTheDoor(event) {
    waiting = Object.freeze({ why: event.why, since: waiting?.since ?? now() });
    if (phase !== "joined") {
      you = event.you;
      phase = "waiting";
      joinSettled();
      touch();
      tell(listeners, event);
    } else {
      touch();
    }
  }

  /** A listener sends nothing; to speak again is for them to decide. */
  function obey() {
    const before = listening;
    listening = find(room, you)?.role === "listener";
    if (before || !listening) return;
    promised.clear(); // the room has taken them back
    for (const source of SOURCES) void sources.set(source, false);
  }

  /** @param {Source} source @param {string} by */
  function ask(source, by) {
    if (!SOURCES.includes(source) || !sources.isOn(source)) return;
    asked = Object.freeze([...asked.filter((a) => a.source !== source), Object.freeze({ source, by })]);
    touch();
  }

  /** @param {Source} source */
  function answered(source) {
    asked = Object.freeze(asked.filter((a) => a.source !== source));
  }

  /**
   * The message that begins is the message that repairs: what the room says of us is compared with what is so.
   * @param {string} id
   */
  function seated(id) {
    you = id;
    phase = "joined";
    waiting = null;
    joinSettled();
    const said = find(room, you)?.publications ?? [];
    for (const source of SOURCES) {
      const publication = said.find((p) => p.source === source);
      const on = sources.isOn(source);
      const asSaid = publication?.stream_id === sources.stream(source)?.id && publication?.muted === !on;
      if (on || promised.has(source)) void (asSaid || publish(source));
      else if (publication) void signaling.send({ type: "unpublish", source });
    }
  }

  /**
   * A server that was started again knows only those who are back already. The call has never stopped, so the others
   * count as away, for as long as a seat is kept, while the connection to them stands.
   * @param {import("./room.js").Room} before @param {import("./room.js").Room} told
   */
  function withMissing(before, told) {
    const links = mesh.state();
    const gone = roster(before).filter(({ id }) => !find(told, id));
    const kept = gone.filter(({ id }) => missing.has(id) || (forgotten && links[id]?.state === "connected"));
    for (const { id } of told.participants) found(id);
    for (const { id } of kept) {
      if (missing.has(id)) continue;
      const giveUp = () => hear({ type: "participant_left", id, reason: "lost" });
      missing.set(id, timers.setTimeout(giveUp, told.grace * 1_000));
    }
    const away = kept.map((p) => ({ ...p, presence: /** @type {const} */ ("away") }));
    return { ...told, participants: [...told.participants, ...away] };
  }

  /** @param {string | undefined} id */
  function found(id) {
    if (id === undefined || !missing.has(id)) return;
    timers.clearTimeout(missing.get(id));
    missing.delete(id);
  }

  // ---- what we send

  /** @param {Source} source */
  async function publish(source) {
    const [on, stream] = [sources.isOn(source), sources.stream(source)];
    if (phase !== "joined" || waiting || listening || !stream || !(on || promised.has(source))) return;
    promised.add(source);
    const { error } = await signaling.send({ type: "publish", source, stream_id: stream.id, muted: !on });
    if (!error || over || error.code === "offline") return; // the next `welcomed` says it again
    if (PASSING.has(error.code)) timers.setTimeout(() => void publish(source), AGAIN);
    else if (sources.isOn(source)) sources.fail(source, error.code);
  }

  /** @param {"left" | "refused"} last @param {() => void} [hangUp] */
  function finish(last, hangUp) {
    if (over) return;
    over = true;
    phase = last;
    waiting = null;
    asked = [];
    hangUp?.();
    for (const id of [...missing.keys()]) found(id);
    mesh.close();
    relays.close();
    reactions.close();
    sources.close();
    joinSettled();
    touch();
  }

  // ---- what the page sees

  /** @type {Set<() => void>} */
  const subscribers = new Set();
  /** @type {Set<(event: import("./room.js").Event) => void>} */
  const listeners = new Set();
  /** @type {Snapshot | null} */
  let current = null;

  function touch() {
    current = null;
    tell(subscribers);
  }

  /** @param {Set<(...words: any[]) => void>} all @param {any[]} words */
  function tell(all, ...words) {
    for (const one of [...all]) {
      try {
        one(...words);
      } catch (error) {
        onError(error); // a page that throws costs nobody the call
      }
    }
  }

  /** @returns {Snapshot} */
  function build() {
    const own = { phase, line, you, room, refusal, ended, waiting, asked, sources: sources.state() };
    return Object.freeze({ ...own, peers: mesh.state(), reactions: reactions.state() });
  }

  /** @param {Source} source @param {boolean} on */
  const set = (source, on) => sources.set(source, on && !listening);

  return {
    /** What is so: a new object after each change and the same one between changes. */
    snapshot: () => (current ??= build()),

    /** @param {() => void} subscriber */
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => void subscribers.delete(subscriber);
    },

    /**
     * Every event from the server except `signaled`, after the snapshot shows it.
     * @param {(event: import("./room.js").Event) => void} listener
     */
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** Open what is wanted (both, unless `set` said otherwise before). Doing it twice does no harm. */
    preview: () => (phase === "preview" ? sources.open() : Promise.resolve()),

    /** Switch a source on or off, before the call or in it. Never throws; `snapshot` says what came of it. */
    set,
    /** @param {Source} source */
    toggle: (source) => (listening ? set(source, false) : sources.toggle(source)),

    /** A host has asked to switch a source off: do so, or keep it as it is. @param {Source} source @param {boolean} off */
    answer(source, off) {
      answered(source);
      touch();
      return off ? set(source, false) : Promise.resolve();
    },

    /** Take a seat. Resolves when seated, waiting at the door, refused or left; `snapshot` says which. */
    join() {
      if (phase === "preview") {
        phase = "joining";
        joining = new Promise((resolve) => (joinSettled = resolve));
        signaling.open();
        touch();
      }
      return joining ?? Promise.resolve();
    },

    /** Hang up: the seat is given up, every connection closed, every track stopped. */
    leave: () => finish("left", signaling.leave),

    /**
     * @param {{type: string, [field: string]: any}} command
     * @returns {Promise<Answer>}
     */
    command: (command) => (over ? Promise.resolve(OFFLINE) : signaling.send(command)),

    /**
     * The stream of a participant's source; your own with your id, or with null before you have one.
     * @param {string | null} id @param {Source} source
     * @returns {MediaStream | null}
     */
    stream: (id, source) => (id === null || id === you ? sources.stream(source) : mesh.stream(id, source)),

    /** The network changed: try the socket at once and look for new ways to everybody. */
    poke() {
      if (over) return;
      signaling.poke();
      mesh.restart();
    },
  };
}
