// @ts-check
/**
 * The meeting as everybody sees it: the same `evolve` as `core/room.py`, for the browser's half.
 * Pure, and a doubled event does no harm, because a change carries the participant whole.
 */

/** @typedef {"camera" | "microphone" | "screen"} Source */
/** @typedef {{source: Source, stream_id: string, muted: boolean}} Publication */
/**
 * @typedef {{id: string, user: string, name: string, role: string, guest: boolean, presence: "online" | "away",
 *   publications: Publication[], attributes: Record<string, any>, away_since: number | null}} Participant
 */
/** @typedef {{id: string, capacity: number, grace: number, participants: Participant[]}} Room */
/** @typedef {{type: string, [field: string]: any}} Event */

/**
 * Return the room after an event. Before the first `welcomed` there is no room, and nothing else makes one.
 * @template {Room | null} R
 * @param {R} room
 * @param {Event} event
 * @returns {R}
 */
export function evolve(room, event) {
  if (event.type === "welcomed") return event.room;
  if (!room) return room;
  const { participants } = room;
  switch (event.type) {
    case "participant_joined":
    case "participant_changed": {
      const p = event.participant;
      return find(room, p.id)
        ? { ...room, participants: participants.map((q) => (q.id === p.id ? p : q)) }
        : { ...room, participants: [...participants, p] };
    }
    case "participant_left":
      return { ...room, participants: participants.filter((p) => p.id !== event.id) };
    default:
      return room;
  }
}

/**
 * Return who sits here under that id, or null.
 * @param {Room | null} room
 * @param {string | null} id
 * @returns {Participant | null}
 */
export function find(room, id) {
  return room?.participants.find((p) => p.id === id) ?? null;
}
