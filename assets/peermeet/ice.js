// @ts-check
/**
 * The relays of a seat: what the server gave for its peer connections, and the next ones before these are over.
 *
 * A relay that is open outlives its credentials; only a new one needs fresh ones (a new peer, an ICE restart of
 * either side). So they are renewed while there is time, and whatever comes too late all the same, after a laptop
 * slept, asks first and waits a little.
 *
 * Where a room is relay only, nobody here learns another's address. The answer to `join` says so, and from then on what
 * the room says of its doors; an answer to `refresh_ice` may be older than that.
 */

/**
 * @typedef {{
 *   ice_servers?: RTCIceServer[], ice_expires?: number | null, relay_only?: boolean, error?: {code: string},
 * }} Given
 */

const EARLY = 0.8; // of their life: what is left is enough for several tries
const AGAIN = 5_000; // ms until the next try; without a connection, joining again brings fresh ones anyway
const PATIENCE = 2_000; // ms that others wait for fresh ones; a direct way may be found without

/**
 * @param {{
 *   ask: () => Promise<Given>,
 *   onChange: () => void,
 *   onHidden?: () => void,
 *   timers?: import("./negotiation.js").Timers,
 *   now?: () => number,
 * }} needs
 */
export function createRelays({ ask, onChange, onHidden = () => {}, timers = globalThis, now = Date.now }) {
  /** @type {RTCIceServer[] | null} */
  let servers = null; // none were given yet: who waits outside gets them with the seat
  let relayOnly = false;
  let over = Infinity;
  let closed = false;
  /** @type {Promise<void> | null} */
  let asking = null;
  /** @type {any} */
  let timer;
  /** @type {(() => void)[] | null} */
  let held = null;

  /** @returns {RTCConfiguration} */
  const configuration = () => ({ iceServers: servers ?? [], iceTransportPolicy: relayOnly ? "relay" : "all" });

  /** What an answer brought, to `join` or to `refresh_ice`. @param {Given} given */
  function take({ ice_servers, ice_expires, relay_only = false }) {
    if (closed || !ice_servers) return;
    const before = JSON.stringify(configuration());
    servers = ice_servers;
    over = ice_expires ? now() + ice_expires * 1_000 : Infinity;
    timers.clearTimeout(timer);
    if (ice_expires) timer = timers.setTimeout(renew, ice_expires * 1_000 * EARLY);
    if (JSON.stringify(configuration()) !== before) onChange();
    only(relay_only);
  }

  /**
   * By relays alone from now on, or any way. A connection that has a direct path would keep it, whatever it is told
   * (seen in Chromium 156: an ICE restart leaves it in use): `onHidden` is to begin all of them anew.
   * @param {boolean} hidden
   */
  function only(hidden) {
    if (closed || relayOnly === hidden) return;
    relayOnly = hidden;
    if (hidden) onHidden();
    else onChange();
  }

  function renew() {
    asking ??= ask()
      .then((given) => {
        take({ ...given, relay_only: relayOnly });
        if (closed || !given.error || given.error.code === "not_joined") return;
        timers.clearTimeout(timer);
        timer = timers.setTimeout(renew, AGAIN);
      })
      .finally(() => (asking = null));
    return asking;
  }

  /** Resolves, soon and in any case, when there is nothing fresher to be had. @returns {Promise<void>} */
  function fresh() {
    if (closed || (servers && now() < over)) return Promise.resolve();
    return new Promise((resolve) => {
      const enough = timers.setTimeout(resolve, PATIENCE);
      void renew().finally(() => {
        timers.clearTimeout(enough);
        resolve();
      });
    });
  }

  return {
    configuration,
    take,
    only,
    fresh,

    /**
     * Do this once there are relays, and everything after it in order: whoever opens a connection without them
     * has none for as long as it lasts.
     * @param {boolean} needed @param {() => void} work
     */
    before(needed, work) {
      if (held) return void held.push(work);
      if (!needed || servers || closed) return work();
      held = [work];
      void fresh().then(() => {
        const all = held ?? [];
        held = null;
        for (const one of all) one();
      });
    },

    close() {
      closed = true;
      timers.clearTimeout(timer);
    },
  };
}
