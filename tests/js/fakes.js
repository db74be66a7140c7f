/**
 * Doubles of what a browser has: only the methods the code needs, but those as the specifications say. The peer
 * connection keeps signaling states, rollback, the order of operations and `negotiationneeded` (W3C WebRTC 4.4).
 */

let serial = 0;
const unique = (word) => `${word}${++serial}`;
const failure = (name) => Object.assign(new Error(name), { name });
const forever = () => new Promise(() => {});

/** Let everything happen that is about to, without any time passing. */
export async function flush() {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes only when a test says so. */
export function fakeTimers() {
  const waiting = new Map();
  let now = 0;
  return {
    setTimeout(fn, ms) {
      waiting.set(++serial, { at: now + ms, fn });
      return serial;
    },
    clearTimeout: (id) => void waiting.delete(id),
    waiting: () => waiting.size,
    async pass(ms) {
      const end = now + ms;
      await flush();
      for (;;) {
        const due = [...waiting].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
        if (!due) break;
        waiting.delete(due[0]);
        now = due[1].at;
        due[1].fn();
        await flush();
      }
      now = end;
    },
  };
}

export function fakeTrack(kind) {
  return {
    id: unique("track"),
    kind,
    enabled: true,
    readyState: "live",
    onended: null,
    stop() {
      this.readyState = "ended"; // without the event: that is for tracks that end by themselves
    },
    unplug() {
      this.readyState = "ended";
      this.onended?.();
    },
  };
}

export function fakeStream(id = unique("stream")) {
  const tracks = new Set();
  return {
    id,
    onremovetrack: null,
    addTrack: (track) => void tracks.add(track),
    removeTrack: (track) => void tracks.delete(track),
    getTracks: () => [...tracks],
  };
}

const sends = (direction) => direction === "sendrecv" || direction === "sendonly";
const receives = (direction) => direction === "sendrecv" || direction === "recvonly";
const direct = (send, receive) => (send ? (receive ? "sendrecv" : "sendonly") : receive ? "recvonly" : "inactive");
const reverse = (direction) => direct(receives(direction), sends(direction));
const fragmentOf = (sdp) => /a=ice-ufrag:(\S+)/.exec(sdp)[1];
const printOf = (sdp) => /a=fingerprint:sha-256 (\S+)/.exec(sdp)[1];
const sectionsOf = (sdp) => JSON.parse(sdp.split("\n").at(-1));

const ends = new Map(); // every connection by its fingerprint, to know when two of them have found each other

/** @param {{candidates?: number}} options how many candidates each gathering finds */
export function fakeConnection({ candidates = 2 } = {}) {
  const transceivers = [];
  const streams = new Map();
  const local = { current: null, pending: null };
  const remote = { current: null, pending: null };
  let state = "stable";
  let closed = false;
  let operations = Promise.resolve();
  let busy = 0;
  let needed = false;
  let fragment = null;
  let gatheredFor = null;
  let restart = false;
  let again = false; // asked for while an offer was out: its credentials are to be replaced as well
  let version = 0;
  const print = unique("F");
  ends.set(print, { ready, found });

  const pc = {
    onnegotiationneeded: null,
    onicecandidate: null,
    ontrack: null,
    onconnectionstatechange: null,
    connectionState: "new",
    iceGatheringState: "complete",
    stuck: false, // a test's way to make every operation hang
    received: [], // candidates that were taken
    offers: 0,
    configurations: [],
    get signalingState() {
      return closed ? "closed" : state;
    },
    get localDescription() {
      return local.pending ?? local.current;
    },
    get remoteDescription() {
      return remote.pending ?? remote.current;
    },
    get currentRemoteDescription() {
      return remote.current;
    },
    /** What really goes out, by stream id. */
    sending: () =>
      Object.fromEntries(
        transceivers.filter((t) => sends(t.current) && t.sender.track).map((t) => [t.stream.id, t.sender.track]),
      ),
    transceivers,

    addTrack(track, stream) {
      if (closed) throw failure("InvalidStateError");
      if (transceivers.some((t) => t.sender.track === track)) throw failure("InvalidAccessError");
      let t = transceivers.find((one) => one.kind === track.kind && !one.sender.track && !one.everSent);
      if (t) Object.assign(t, { direction: direct(true, receives(t.direction)), stream });
      else t = make(track.kind, { direction: "sendrecv", stream, byAddTrack: true });
      t.sender.track = track;
      update();
      return t.sender;
    },
    addTransceiver(track, { streams: [stream] }) {
      const t = make(track.kind, { direction: "sendrecv", stream });
      t.sender.track = track;
      update();
      return t;
    },
    removeTrack(sender) {
      const t = transceivers.find((one) => one.sender === sender);
      sender.track = null;
      t.direction = direct(false, receives(t.direction));
      update();
    },
    setConfiguration: (configuration) => void pc.configurations.push(configuration),
    restartIce() {
      restart = fragment !== null;
      again = state === "have-local-offer";
      update();
    },
    setLocalDescription: () =>
      operate(() => {
        if (state === "have-remote-offer") return answer();
        return offer();
      }),
    setRemoteDescription: (description) =>
      operate(() => {
        if (description.type === "offer") return takeOffer(description);
        return takeAnswer(description);
      }),
    addIceCandidate: (candidate) =>
      operate(() => {
        const known = [remote.pending, remote.current].filter(Boolean).map((d) => fragmentOf(d.sdp));
        if (!known.length) throw failure("InvalidStateError");
        if (!known.includes(candidate.usernameFragment)) throw failure("OperationError");
        pc.received.push(candidate);
        connect();
      }),
    close() {
      closed = true;
      pc.connectionState = "closed";
    },

    /** The network's doing. */
    become(now) {
      if (closed || pc.connectionState === now) return;
      pc.connectionState = now;
      pc.onconnectionstatechange?.();
    },
  };
  return pc;

  function make(kind, { direction, stream = null, byAddTrack = false }) {
    const sender = {
      track: null,
      replaceTrack: (track) => operate(() => void (sender.track = track)),
    };
    const t = { kind, mid: null, direction, stream, byAddTrack, sender, current: null, settled: false };
    t.incoming = fakeTrack(kind);
    transceivers.push(t);
    return t;
  }

  // Operations happen one after another; one that waits when the connection closes never settles.
  function operate(work) {
    if (closed) return Promise.reject(failure("InvalidStateError"));
    busy += 1;
    const result = operations.then(async () => {
      await null;
      if (closed || pc.stuck) await forever();
      return work();
    });
    const after = () => {
      busy -= 1;
      update();
    };
    operations = result.then(after, after);
    return result;
  }

  function update() {
    if (busy) return; // again when the last operation is done
    queueMicrotask(() => {
      if (closed || busy || state !== "stable") return;
      const differs = (t) =>
        !t.settled || t.described.direction !== t.direction || t.described.stream !== t.stream?.id;
      if (!restart && !transceivers.some(differs)) return void (needed = false);
      if (needed) return;
      needed = true;
      pc.onnegotiationneeded?.();
    });
  }

  function describe(type, sections) {
    version += 1;
    const lines = ["v=0", `o=- ${version}`, `a=ice-ufrag:${fragment}`, `a=fingerprint:sha-256 ${print}`];
    return { type, sdp: [...lines, JSON.stringify(sections)].join("\n") };
  }

  function offer() {
    if (state !== "stable" && state !== "have-local-offer") throw failure("InvalidStateError");
    if (!fragment || restart) fragment = unique("u");
    let mid = Math.max(-1, ...transceivers.map((t) => Number(t.mid ?? -1)));
    for (const t of transceivers) {
      t.mid ??= String((mid += 1));
      t.said = { direction: t.direction, stream: t.stream?.id };
    }
    const ordered = [...transceivers].sort((a, b) => a.mid - b.mid);
    local.pending = describe("offer", ordered.map(({ mid: m, kind, said }) => ({ mid: m, kind, ...said })));
    pc.offers += 1;
    state = "have-local-offer";
    gather();
  }

  function rollBack() {
    for (const t of transceivers) if (!t.settled) t.mid = null;
    local.pending = null;
    state = "stable";
  }

  function takeOffer(description) {
    if (state === "have-local-offer") rollBack();
    if (state !== "stable") throw failure("InvalidStateError");
    if (remote.current && printOf(remote.current.sdp) !== printOf(description.sdp)) throw failure("OperationError");
    for (const section of sectionsOf(description.sdp)) {
      const t =
        transceivers.find((one) => one.mid === section.mid) ??
        transceivers.find((one) => one.mid === null && one.byAddTrack && one.kind === section.kind) ??
        make(section.kind, { direction: "recvonly" });
      t.mid = section.mid;
      receive(t, section);
    }
    remote.pending = description;
    state = "have-remote-offer";
  }

  function answer() {
    const restarted = remote.current && fragmentOf(remote.current.sdp) !== fragmentOf(remote.pending.sdp);
    if (!fragment || restarted) fragment = unique("u");
    const sections = sectionsOf(remote.pending.sdp).map((section) => {
      const t = transceivers.find((one) => one.mid === section.mid);
      const theirs = reverse(section.direction);
      const current = direct(sends(t.direction) && sends(theirs), receives(t.direction) && receives(theirs));
      settle(t, current, { direction: t.direction, stream: t.stream?.id });
      return { mid: t.mid, kind: t.kind, direction: current, stream: t.stream?.id };
    });
    if (restarted) restart = false;
    becomeStable(describe("answer", sections), remote.pending);
    gather();
  }

  function takeAnswer(description) {
    if (state !== "have-local-offer") throw failure("InvalidStateError");
    const sections = sectionsOf(description.sdp);
    if (sections.length !== sectionsOf(local.pending.sdp).length) throw failure("InvalidAccessError");
    for (const section of sections) {
      const t = transceivers.find((one) => one.mid === section.mid);
      settle(t, reverse(section.direction), t.said);
      receive(t, section);
    }
    [restart, again] = [again, false];
    becomeStable(local.pending, description);
  }

  function settle(t, current, described) {
    Object.assign(t, { settled: true, current, described, everSent: t.everSent || sends(current) });
  }

  function becomeStable(ours, theirs) {
    [local.current, local.pending, remote.current, remote.pending] = [ours, null, theirs, null];
    state = "stable";
    needed = false;
    if (pc.connectionState === "new") pc.become("connecting");
    connect();
  }

  function receive(t, section) {
    const stream = sends(section.direction) ? section.stream : null;
    if (t.from?.id === (stream ?? undefined)) return;
    if (t.from) {
      t.from.removeTrack(t.incoming);
      t.from.onremovetrack?.();
    }
    t.from = null;
    if (!stream) return;
    if (!streams.has(stream)) streams.set(stream, fakeStream(stream));
    t.from = streams.get(stream);
    t.from.addTrack(t.incoming);
    pc.ontrack?.({ track: t.incoming, streams: [t.from] });
  }

  function gather() {
    if (gatheredFor === fragment || !transceivers.length) return;
    const generation = (gatheredFor = fragment);
    setImmediate(() => {
      for (let i = 0; i < candidates && !closed && generation === fragment; i += 1) {
        const candidate = { candidate: `candidate:${i}`, sdpMid: "0", sdpMLineIndex: 0 };
        pc.onicecandidate?.({ candidate: { ...candidate, usernameFragment: generation } });
      }
      if (!closed) pc.onicecandidate?.({ candidate: null });
    });
  }

  // Two are connected when each has taken the other's present description and some of its candidates.
  function ready(other) {
    const theirs = !closed && state === "stable" && remote.current?.sdp;
    if (!theirs || (other && printOf(theirs) !== other)) return null;
    return pc.received.some((c) => c.usernameFragment === fragmentOf(theirs)) ? printOf(theirs) : null;
  }

  function connect() {
    const other = ends.get(ready());
    if (!other?.ready(print)) return;
    found();
    other.found();
  }

  function found() {
    queueMicrotask(() => pc.become("connected"));
  }
}

/**
 * `devices.getUserMedia` with what the user and the machine do as a table: by kind, true, or the name of an error.
 * `hold()` leaves the question to the user open until the function it returns is called.
 */
export function fakeDevices(answers = { audio: true, video: true }) {
  const tracks = [];
  const asked = [];
  let gate = Promise.resolve();
  return {
    answers,
    asked,
    tracks,
    live: () => tracks.filter((t) => t.readyState === "live").map((t) => t.kind),
    hold() {
      let open;
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
    async getUserMedia(request) {
      asked.push(request);
      await gate;
      const kinds = ["audio", "video"].filter((kind) => request[kind]);
      for (const kind of kinds) {
        const answer = typeof answers[kind] === "function" ? answers[kind](request[kind]) : answers[kind];
        if (answer !== true) throw failure(answer);
      }
      const stream = fakeStream();
      for (const kind of kinds) {
        const track = fakeTrack(kind);
        tracks.push(track);
        stream.addTrack(track);
      }
      return stream;
    },
  };
}
