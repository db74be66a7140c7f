// @ts-check
/** What people react with, and for how long it shows. A moment: whoever comes later does not see it. */

export const TOPIC = "reaction";
export const EMOJI = Object.freeze(["👍", "👏", "❤️", "😂", "😮", "🎉"]); // and nothing else, whatever is sent
const SHOWN = 4_000; // ms: long enough to look up from a page and see whose it is

/** @typedef {Readonly<{emoji: string, serial: number}>} Reaction one person's last; each has another serial */

/**
 * @param {{onChange: () => void, timers?: import("./negotiation.js").Timers}} needs
 */
export function createReactions({ onChange, timers = globalThis }) {
  /** @type {Map<string, {reaction: Reaction, timer: any}>} */
  const shown = new Map();
  let serial = 0;

  /** @param {string} id */
  function forget(id) {
    timers.clearTimeout(shown.get(id)?.timer);
    shown.delete(id);
  }

  return {
    /** @param {string} by @param {any} data */
    take(by, data) {
      const emoji = data?.emoji;
      if (!EMOJI.includes(emoji)) return;
      forget(by);
      const timer = timers.setTimeout(() => {
        shown.delete(by);
        onChange();
      }, SHOWN);
      shown.set(by, { reaction: Object.freeze({ emoji, serial: (serial += 1) }), timer });
      onChange();
    },

    /** @returns {Readonly<Record<string, Reaction>>} by participant */
    state: () => Object.freeze(Object.fromEntries([...shown].map(([id, { reaction }]) => [id, reaction]))),

    close() {
      for (const id of [...shown.keys()]) forget(id);
    },
  };
}
