// @ts-check
/**
 * The door of a room, from outside: asks for tickets, and remembers what has to be said with each. A passcode is
 * remembered here and nowhere else, until the page is gone.
 */

/** @typedef {{code: string, message: string, field?: string}} Refusal */
/** @typedef {{ticket?: string, error?: Refusal}} Answer */
/**
 * `asked`: there was an answer. `needs` is what has to be said before there is a ticket. `refusal` says why there is
 * none, unless the answer only asked for something that nobody has been asked for yet.
 * @typedef {Readonly<{asked: boolean, open: boolean, needs: "name" | "passcode" | null, refusal: Refusal | null}>} State
 */

const LIFE = 50_000; // ms that a ticket is kept; for the server it is good for sixty seconds
/** @type {State} */
const CLOSED = Object.freeze({ asked: false, open: false, needs: null, refusal: null });

/**
 * `first` is the answer to a question that was asked before this was here, or null if there was no such answer.
 * @param {{
 *   room: string,
 *   ask: (method: string, path: string, body: object) => Promise<any>,
 *   invitation?: string | null,
 *   first?: Promise<Answer | null> | null,
 *   onChange: () => void,
 *   now?: () => number,
 * }} needs
 */
export function createDoor({ room, ask, invitation = null, first = null, onChange, now = Date.now }) {
  let state = CLOSED;
  let passcode = "";
  let named = false; // as a guest, just now
  let turn = 0; // of two questions only the later one is heard
  /** @type {{ticket: string, until: number} | null} */
  let held = null;

  /** @param {Partial<State>} changes */
  function say(changes) {
    state = Object.freeze({ ...state, ...changes });
    onChange();
  }

  /** @returns {Promise<Answer>} */
  function request() {
    const said = { room, ...(invitation && { invitation }), ...(passcode && { passcode }) };
    return ask("POST", "/api/tickets", said);
  }

  /** Ask whether one may come in, and as whom. The ticket is kept for who goes on in time. */
  async function knock() {
    const [early, mine] = [first, ++turn];
    first = null;
    const { ticket, error } = (await early) ?? (await request());
    if (mine !== turn) return;
    if (ticket) {
      held = { ticket, until: now() + LIFE };
      return say({ asked: true, open: true, needs: null, refusal: null });
    }
    held = null;
    const wrong = error?.code === "wrong_passcode";
    const said = state.needs === "passcode" || passcode !== "";
    if (wrong) passcode = "";
    const needs = error?.code === "not_signed_in" ? "name" : wrong ? "passcode" : state.needs;
    const onlyAsks = wrong ? !said : needs === "name" && !named; // a browser without cookies forgets its guests
    say({ asked: true, open: false, needs, refusal: onlyAsks ? null : (error ?? null) });
  }

  const fresh = () => held !== null && now() < held.until;

  return {
    state: () => state,
    knock,

    /**
     * Come in, with what was asked for. Says whether one may, and what was wrong with the name; `state` says the rest.
     * @param {{name?: string, passcode?: string}} said
     * @returns {Promise<{open: boolean, error: Refusal | null}>}
     */
    async come({ name, passcode: word } = {}) {
      if (state.needs === "name") {
        const { error } = await ask("POST", "/api/guests", { name });
        if (error) return { open: false, error };
        named = true;
        say({ needs: null });
      }
      if (word) passcode = word;
      if (!fresh()) await knock();
      return { open: state.open, error: null };
    },

    /** A ticket: the one that is kept, once, or another. @returns {Promise<Answer>} */
    ticket() {
      const ticket = fresh() ? /** @type {{ticket: string}} */ (held).ticket : null;
      held = null;
      return ticket ? Promise.resolve({ ticket }) : request();
    },

    /** Come by another invitation than before, or by none. @param {string | null} another */
    async invite(another) {
      if (another === invitation) return;
      invitation = another;
      first = held = null;
      await knock();
    },
  };
}
