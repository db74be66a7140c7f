/** A double of the signaling server: PROTOCOL.md as far as the browser's half can tell, without any limits. */

/** @param {{capacity?: number, iceServers?: object[], iceExpires?: number | null, relayOnly?: boolean}} settings */
export function fakeServer({ capacity = 16, iceServers = [], iceExpires = null, relayOnly = false } = {}) {
  const seats = new Map(); // by participant id: {participant, resume, session}
  const tickets = new Map();
  const log = []; // {by, command} in order of arrival
  const counts = { tickets: 0, connections: 0, refusals: {} };
  let serial = 0;
  let generation = 0;

  const server = {
    seats,
    log,
    counts,
    down: false,
    iceServers,
    /** What this user asks of the HTTP side. */
    getTicket: (user) => async () => {
      if (server.down) throw new Error("no server");
      if (counts.refusals.ticket) return refusal(counts.refusals.ticket);
      counts.tickets += 1;
      const ticket = `t${(serial += 1)}`;
      tickets.set(ticket, user);
      return { ticket };
    },
    connect,
    commands: (by, ...types) => log.filter((l) => l.by === by && types.includes(l.command.type)).map((l) => l.command),
    id: (user) => [...seats.keys()].find((id) => id.startsWith(`p-${user}-`)),
    participant: (user) => seats.get(server.id(user))?.participant,
    /** One socket breaks; the seat stays. */
    cut: (user) => lose(seats.get(server.id(user))),
    /** The grace of a lost socket is over. */
    expire(user) {
      const id = server.id(user);
      seats.delete(id);
      for (const other of seats.values()) tell(other, { type: "participant_left", id, reason: "lost" });
    },
    /** The process dies: every socket breaks and every seat is forgotten. */
    die() {
      server.down = true;
      const all = [...seats.values()];
      seats.clear();
      tickets.clear();
      generation += 1;
      for (const seat of all) seat.session?.fire("disconnect", "transport close");
    },
    end() {
      const all = [...seats];
      for (const [id] of all) for (const [, seat] of all) tell(seat, { type: "participant_left", id, reason: "ended" });
      seats.clear();
    },
  };
  return server;

  function connect(auth) {
    counts.connections += 1;
    const handlers = {};
    let open = true;
    let mine = null;
    const born = generation;
    const session = {
      on: (name, fn) => void (handlers[name] = fn),
      fire: (name, ...words) => setImmediate(() => open && handlers[name]?.(...words)),
      emit(name, command, ack) {
        const copy = structuredClone(command);
        setImmediate(() => {
          if (server.down || born !== generation) return;
          const answer = take(copy);
          setImmediate(() => open && !server.down && ack(answer));
        });
      },
      disconnect() {
        if (!open) return;
        open = false;
        setImmediate(() => mine && seats.get(mine)?.session === session && lose(seats.get(mine)));
      },
    };

    function take(command) {
      if (command.type === "join") return join(command);
      if (!mine || !seats.has(mine)) return refusal("not_joined");
      log.push({ by: mine, command });
      return decide(mine, command);
    }

    function join({ device }) {
      let id = [...seats].find(([, seat]) => auth.resume && seat.resume === auth.resume)?.[0];
      if (auth.resume && !id) return refusal("seat_gone");
      id ??= `p-${session.user}-${device}`;
      mine = id;
      let seat = seats.get(id);
      if (!seat) {
        if (seats.size >= capacity) return refusal("room_full");
        const participant = { id, user: session.user, name: session.user, role: "member", guest: false,
          presence: "online", publications: [], attributes: {}, away_since: null };
        seat = { participant, resume: `k${(serial += 1)}`, session };
        for (const other of seats.values()) tell(other, { type: "participant_joined", participant });
        seats.set(id, seat);
      } else {
        seat.session = session;
        change(seat, { presence: "online" });
      }
      const participants = [...seats.values()].map((one) => one.participant);
      tell(seat, { type: "welcomed", you: id, room: { id: "den", capacity, grace: 30, participants } });
      return { you: id, resume: seat.resume, ...ice(), protocol: 1 };
    }

    const refused = server.down ? "transport" : refuse();
    const error = Object.assign(new Error("websocket error"), refused === "transport" ? {} : refused);
    session.fire(refused ? "connect_error" : "connect", error);
    return session;

    function refuse() {
      if (counts.refusals.connect) return { data: refusal(counts.refusals.connect).error };
      if (auth.resume) return null;
      session.user = tickets.get(auth.ticket);
      tickets.delete(auth.ticket);
      return session.user ? null : { data: refusal("bad_ticket").error };
    }
  }

  function decide(by, command) {
    const seat = seats.get(by);
    const { publications } = seat.participant;
    const forced = counts.refusals[command.type];
    if (forced) return refusal(forced);
    switch (command.type) {
      case "leave":
        seats.delete(by);
        for (const other of seats.values()) tell(other, { type: "participant_left", id: by, reason: "left" });
        return {};
      case "publish": {
        const { source, stream_id, muted } = command;
        const kept = publications.filter((p) => p.source !== source);
        return change(seat, { publications: [...kept, { source, stream_id, muted }] });
      }
      case "unpublish":
        return change(seat, { publications: publications.filter((p) => p.source !== command.source) });
      case "signal": {
        const { to, description, candidates } = command;
        if (!seats.has(to)) return refusal("no_such_participant");
        tell(seats.get(to), { type: "signaled", to, by, ...(description && { description }), candidates });
        return {};
      }
      case "send_message":
        for (const other of seats.values()) tell(other, { ...command, type: "message_sent", by });
        return {};
      case "refresh_ice":
        return ice();
      default:
        return refusal("unknown_command");
    }
  }

  function ice() {
    return { ice_servers: structuredClone(server.iceServers), ice_expires: iceExpires, relay_only: relayOnly };
  }

  function change(seat, changes) {
    seat.participant = { ...seat.participant, ...changes };
    for (const one of seats.values()) tell(one, { type: "participant_changed", participant: seat.participant });
    return {};
  }

  function tell(seat, event) {
    seat.session?.fire("event", structuredClone(event));
  }

  function lose(seat) {
    const { session } = seat;
    seat.session = null;
    session?.fire("disconnect", "transport close");
    change(seat, { presence: "away" });
  }

  function refusal(code) {
    return { error: { code, message: `Refused: ${code}.` } };
  }
}
