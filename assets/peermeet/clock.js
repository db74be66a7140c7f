// @ts-check
/** Between a time and what stands in a `datetime-local` input, which knows no zone: the reader's clock. */

const TWO = /** @param {number} n */ (n) => String(n).padStart(2, "0");

/** @param {number} seconds Unix time, 0 for none @returns {string} `2026-05-03T14:30`, or "" */
export function asTyped(seconds) {
  if (!(seconds > 0)) return "";
  const at = new Date(seconds * 1000);
  const day = [String(at.getFullYear()).padStart(4, "0"), TWO(at.getMonth() + 1), TWO(at.getDate())].join("-");
  return `${day}T${TWO(at.getHours())}:${TWO(at.getMinutes())}`;
}

/**
 * What is sent for it. Half a time is none that the server would take, and nothing it would take for "none".
 * @param {string} typed @param {boolean} [half]
 * @returns {string} ISO 8601 in UTC, or ""
 */
export function asMeant(typed, half = false) {
  if (half) return "?";
  if (!typed) return "";
  const at = new Date(typed); // without a zone it is local time (ECMA-262, Date Time String Format)
  return Number.isNaN(at.getTime()) ? "?" : at.toISOString();
}
