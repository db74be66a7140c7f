// @ts-check
/**
 * Commands out, events in, and the same seat after a lost socket (PROTOCOL.md). While the seat is wanted it never
 * gives up, unless the server says that there is none: then `onRefused`, once, and the end.
 *
 * One attempt: a resume key or a fresh ticket, a new socket, `join`. What is heard before the join's answer waits
 * for it, so that whoever listens always knows who they are first.
 */

/**
 * What is needed of a Socket.IO socket, made with `reconnection: false, forceNew: true`: trying again is done here.
 * @typedef {{
 *   on: (name: string, hear: (...words: any[]) => void) => void,
 *   emit: (name: string, data: object, ack: (answer: any) => void) => void,
 *   disconnect: () => void,
 * }} Socket
 */
/** @typedef {{code: string, message: string}} Refusal */
/** @typedef {{error?: Refusal}} Answer */
/** @typedef {{you: string, resume: string, protocol: number} & import("./ice.js").Given} Seat */
/**
 * May reject, or answer `unavailable` or `too_many`: asked again later. Any other error is a refusal.
 * @typedef {() => Promise<{ticket: string, error?: undefined} | {ticket?: undefined, error: Refusal}>} GetTicket
 */

const STEP = 5_000; // ms for the ticket, the connection and the join each; the server allows as much
const ANSWER = 10_000; // ms for any other command
const FAREWELL = 1_000; // ms that `leave` may take; the page has gone on already
const FIRST = 300; // ms, at most, before the first new try: a server that restarts is met by everybody at once
const LONGEST = 2_000; // ms between tries: the longest that somebody waits for nothing
const FRESH = new Set(["seat_gone", "no_ticket", "bad_ticket", "ticket_expired", "ticket_used"]);
const LATER = new Set(["too_many", "unavailable", "offline", "not_joined", "already_joined"]);

/** @type {Readonly<Answer>} */
export const OFFLINE = Object.freeze({
  error: Object.freeze({ code: "offline", message: "The connection to the server is lost." }),
});

/**
 * @param {{
 *   room: string,
 *   device: string,
 *   connect: (auth: {ticket: string} | {resume: string}) => Socket,
 *   getTicket: GetTicket,
 *   onLine: (line: "offline" | "connecting" | "online") => void,
 *   onSeated: (seat: Seat, byKey: boolean) => void,
 *   onEvent: (event: any) => void,
 *   onRefused: (refusal: Refusal) => void,
 *   timers?: import("./negotiation.js").Timers,
 *   random?: () => number,
 * }} needs
 */
export function createSignaling({
  room,
  device,
  connect,
  getTicket,
  onLine,
  onSeated,
  onEvent,
  onRefused,
  timers = globalThis,
  random = Math.random,
}) {
  /** @type {"offline" | "connecting" | "online"} */
  let line = "offline";
  let wanted = false;
  /** @type {string | null} */
  let resume = null;
  let everSeated = false;
  let staleTickets = 0; // in a row
  let tries = 0;
  let turn = 0; // what an older attempt still says is not heard
  /** @type {Socket | null} */
  let socket = null;
  let joining = false;
  /** @type {Socket | null} */
  let parting = null; // left while its join was on its way
  let pausing = false;
  /** @type {any} */
  let timer; // the deadline of the step under way, or the pause before the next attempt
  /** @type {Set<(answer: Answer) => void>} */
  const pending = new Set();

  /** @param {"offline" | "connecting" | "online"} now */
  function say(now) {
    if (line === now) return;
    line = now;
    onLine(now);
  }

  /** @param {number} ms @param {() => void} then */
  function within(ms, then) {
    timers.clearTimeout(timer);
    timer = timers.setTimeout(then, ms);
  }

  async function attempt() {
    const mine = ++turn;
    const current = () => mine === turn;
    pausing = false;
    within(STEP, again);
    try {
      let auth;
      if (resume) {
        auth = { resume };
      } else {
        const { ticket, error } = await getTicket();
        if (!current()) return;
        if (error) return refused(error);
        if (!ticket) return again(LONGEST); // an error page of something in between
        auth = { ticket };
      }
      within(STEP, again);
      listen(connect(auth), current);
    } catch {
      if (current()) again();
    }
  }

  /** @param {Socket} now @param {() => boolean} current */
  function listen(now, current) {
    /** @type {object[] | null} */
    let held = [];
    socket = now;
    now.on("connect", () => {
      if (!current()) return;
      within(STEP, again);
      joining = true;
      now.emit("command", { type: "join", room, device }, (answer) => {
        if (parting === now && answer?.you) return farewell(now);
        if (!current() || !joining) return;
        joining = false;
        if (!answer?.you) return refused(answer?.error ?? OFFLINE.error);
        timers.clearTimeout(timer);
        const byKey = resume !== null; // else the server had no seat of ours any more
        [resume, everSeated, staleTickets, tries] = [answer.resume, true, 0, 0];
        onSeated(answer, byKey);
        say("online");
        const early = held ?? [];
        held = null;
        for (const event of early) if (current()) onEvent(event);
      });
    });
    now.on("event", (event) => {
      if (!current()) return;
      if (held) held.push(event);
      else onEvent(event);
    });
    // A refusal of the server has data; a broken network has none.
    now.on("connect_error", (error) => {
      if (current()) error?.data?.code ? refused(error.data) : again();
    });
    now.on("disconnect", () => {
      if (current()) again();
    });
  }

  /** @param {Refusal} refusal */
  function refused(refusal) {
    if (FRESH.has(refusal.code)) {
      const byKey = resume !== null;
      resume = null;
      if (byKey || staleTickets++ === 0) return again(0);
      if (everSeated) return again();
    } else if (LATER.has(refusal.code)) {
      return again(LONGEST);
    }
    wanted = false;
    hangUp();
    onRefused({ code: refusal.code, message: refusal.message });
    say("offline");
  }

  /** Drop what there is and try once more after a pause. @param {number} [pause] */
  function again(pause = delay()) {
    hangUp();
    say("connecting");
    if (!wanted) return; // somebody who heard the line break left
    pausing = true;
    within(pause, attempt);
  }

  function delay() {
    const most = tries === 0 ? FIRST : Math.min(LONGEST, FIRST * 2 ** Math.min(tries, 8));
    const least = tries === 0 ? 0 : FIRST;
    tries += 1;
    return least + random() * (most - least);
  }

  function hangUp() {
    turn += 1;
    timers.clearTimeout(timer);
    pausing = joining = false;
    socket?.disconnect();
    socket = null;
    for (const settle of [...pending]) settle(OFFLINE);
  }

  /** @param {Socket} last */
  function farewell(last) {
    const part = () => last.disconnect();
    last.emit("command", { type: "leave" }, part); // first the seat, then the socket: else it counts as lost
    timers.setTimeout(part, FAREWELL);
  }

  function close() {
    wanted = false;
    hangUp();
    say("offline");
  }

  return {
    open() {
      if (wanted) return;
      wanted = true;
      say("connecting");
      void attempt();
    },

    /**
     * Ask for something. Always answered: `{}`, or an error, whose code is `offline` when nobody could be asked.
     * @param {{type: string, [field: string]: any}} command
     * @returns {Promise<Answer>}
     */
    send(command) {
      const now = socket;
      if (line !== "online" || !now) return Promise.resolve(OFFLINE);
      return new Promise((resolve) => {
        /** @param {Answer} answer */
        const settle = (answer) => {
          pending.delete(settle);
          timers.clearTimeout(deadline);
          resolve(answer ?? {});
        };
        const deadline = timers.setTimeout(() => settle(OFFLINE), ANSWER);
        pending.add(settle);
        now.emit("command", command, settle);
      });
    },

    /** Give the seat up. Nothing is heard any more from now on. */
    leave() {
      const last = socket;
      if (last && (line === "online" || joining)) {
        socket = null; // not to be hung up before it has said so
        if (joining) {
          parting = last;
          timers.setTimeout(() => last.disconnect(), STEP);
        } else {
          farewell(last);
        }
      }
      close();
    },

    close,

    /** The network is back, or the user is impatient. */
    poke() {
      if (!wanted || !pausing) return;
      tries = 0;
      void attempt();
    },
  };
}
