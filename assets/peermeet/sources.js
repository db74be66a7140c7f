// @ts-check
/**
 * Our own camera and microphone: what is wanted, what is on, and the one stream each of them always comes on.
 *
 * Nothing is opened here but by `open` and `set`, and what is granted late is worth what is wanted by then: a track
 * that nobody wants any more is stopped before anybody sees it.
 */

/** @typedef {import("./room.js").Source} Source */
/** @typedef {{on: boolean, busy: boolean, error: string | null}} SourceState */

/** @type {Source[]} */
export const SOURCES = ["microphone", "camera"];

/**
 * `onSwitch` is told before a track that goes off is stopped: from then on nobody may send it.
 * @param {{
 *   capture: ReturnType<typeof import("./capture.js").createCapture>,
 *   createStream: () => MediaStream,
 *   onChange: () => void,
 *   onSwitch: (source: Source, stream: MediaStream, track: MediaStreamTrack | null) => void,
 * }} needs
 */
export function createSources({ capture, createStream, onChange, onSwitch }) {
  /** @type {Record<string, ReturnType<typeof newSource>>} */
  const own = { microphone: newSource(), camera: newSource() };
  let over = false;

  /**
   * Make these what they are wanted to be. Only opening takes time.
   * @param {Source[]} sources
   */
  async function apply(sources) {
    const idle = sources.filter((source) => !own[source].busy && own[source].wanted !== own[source].on);
    const opening = idle.filter((source) => own[source].wanted && !own[source].track);
    for (const source of opening) own[source].busy = true;
    if (opening.length) onChange();
    const found = opening.length ? await capture.open(opening) : {};
    for (const source of opening) {
      const { track, code } = found[source];
      const mine = own[source];
      mine.busy = false;
      if (track && mine.wanted) hold(source, track);
      else track?.stop();
      if (code && mine.wanted) Object.assign(mine, { wanted: false, error: code });
    }
    if (over) return;
    for (const source of idle) switchTo(source, own[source].wanted);
    onChange();
  }

  /** @param {Source} source @param {boolean} on */
  function switchTo(source, on) {
    const mine = own[source];
    if (mine.on === on || !mine.stream) return;
    mine.on = on;
    if (on && mine.track) mine.track.enabled = true;
    onSwitch(source, mine.stream, on ? mine.track : null);
    if (on) return;
    // The camera's light goes out; the microphone stays open, silent and unsent, so that unmuting takes no time.
    if (source === "microphone" && mine.track) mine.track.enabled = false;
    else release(source);
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  function hold(source, track) {
    const mine = own[source];
    mine.track = track;
    mine.stream ??= createStream(); // the same for the life of the meeting: its id is what was announced
    mine.stream.addTrack(track);
    track.onended = () => {
      release(source);
      if (mine.on) fail(source, `${source}_lost`);
      onChange();
    };
  }

  /** @param {Source} source */
  function release(source) {
    const mine = own[source];
    if (!mine.track) return;
    mine.track.onended = null;
    mine.track.stop();
    mine.stream?.removeTrack(mine.track);
    mine.track = null;
  }

  /**
   * Off, because it is impossible.
   * @param {Source} source @param {string} code
   */
  function fail(source, code) {
    Object.assign(own[source], { wanted: false, error: code });
    void apply([source]);
  }

  /** @param {Source} source @param {boolean} on */
  function set(source, on) {
    const mine = own[source];
    if (!mine || over) return Promise.resolve();
    mine.wanted = Boolean(on);
    mine.error = null;
    onChange();
    return apply([source]);
  }

  return {
    /** Open all that is wanted, with one question to the user. */
    open: () => (over ? Promise.resolve() : apply(SOURCES)),

    set,

    /** @param {Source} source */
    toggle: (source) => set(source, !(own[source]?.busy ? own[source].wanted : own[source]?.on)),

    fail,

    /** @param {Source} source */
    isOn: (source) => own[source].on,

    /** @param {Source} source @returns {MediaStream | null} */
    stream: (source) => own[source]?.stream ?? null,

    /** @returns {Record<string, SourceState>} */
    state() {
      const states = SOURCES.map((source) => {
        const { on, busy, error } = own[source];
        return [source, Object.freeze({ on, busy, error })];
      });
      return Object.freeze(Object.fromEntries(states));
    },

    close() {
      over = true;
      for (const source of SOURCES) {
        release(source);
        // Not wanted: what is granted after this is stopped at once.
        Object.assign(own[source], { wanted: false, on: false, busy: false, error: null });
      }
    },
  };
}

function newSource() {
  return {
    wanted: true, // both are wanted at first, but only `open` or `set` open anything
    on: false,
    busy: false,
    /** @type {string | null} */
    error: null,
    /** @type {MediaStreamTrack | null} */
    track: null,
    /** @type {MediaStream | null} */
    stream: null,
  };
}
