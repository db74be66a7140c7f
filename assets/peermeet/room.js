// @ts-check
/**
 * The meeting as everybody sees it: the same `evolve` as `core/room.py`, for the browser's half.
 * Pure, and a doubled event does no harm, because a change carries the participant whole.
 */

/** @typedef {"camera" | "microphone" | "screen"} Source */
/** @typedef {"host" | "cohost" | "member" | "listener"} Role */
/** @typedef {{source: Source, stream_id: string, muted: boolean}} Publication */
/** @typedef {{source: Source, until: number | null}} Silence */
/**
 * @typedef {{id: string, user: string, name: string, role: Role, guest: boolean,
 *   presence: "knocking" | "online" | "away", publications: Publication[], attributes: Record<string, any>,
 *   away_since: number | null, invited: boolean, silenced: Silence[]}} Participant
 */
/** @typedef {{id: string, by: string, user: string, name: string, text: string, at: number}} Message */
/**
 * @typedef {{lobby: boolean, locked: boolean, wait_for_host: boolean, one_device: boolean,
 *   chat: "off" | "meeting" | "forever", relay_only: boolean}} Doors
 */
/** @typedef {{user: string, name: string, banned: boolean, until: number | null}} Exile */
/**
 * @typedef {{id: string, capacity: number, grace: number, participants: Participant[], doors: Doors, owner: string,
 *   history: Message[], out: Exile[]}} Room
 */
/** @typedef {{type: string, [field: string]: any}} Event */

export const CHAT = "chat"; // the topic of messages that are kept for latecomers
export const CHAT_LINES = 200; // of them, as `core/commands.py` says

/**
 * Return the room after an event. Before the first `welcomed` or `waiting` there is no room, and nothing else makes
 * one.
 * @template {Room | null} R
 * @param {R} room
 * @param {Event} event
 * @returns {R}
 */
export function evolve(room, event) {
  if (event.type === "welcomed" || event.type === "waiting") return event.room;
  if (!room) return room;
  const { participants } = room;
  switch (event.type) {
    case "participant_joined": {
      const p = event.participant;
      if (find(room, p.id)?.presence !== "knocking") return { ...room, participants: withOne(participants, p) };
      // Who knocked sits at the end of the roster.
      return { ...room, participants: [...participants.filter((q) => q.id !== p.id), p] };
    }
    case "knocked":
    case "participant_changed":
      return { ...room, participants: withOne(participants, event.participant) };
    case "participant_left":
      return { ...room, participants: participants.filter((p) => p.id !== event.id) };
    case "room_changed":
      return { ...room, doors: event.doors, history: event.doors.chat === "off" ? [] : room.history };
    case "exiles_changed":
      return { ...room, out: event.out };
    case "message_sent":
      return said(room, event);
    case "message_deleted":
      return { ...room, history: room.history.filter(({ id }) => event.id != null && id !== event.id) };
    default:
      return room;
  }
}

/** @param {Participant[]} participants @param {Participant} p */
function withOne(participants, p) {
  return participants.some((q) => q.id === p.id)
    ? participants.map((q) => (q.id === p.id ? p : q))
    : [...participants, p];
}

/**
 * A line more in the history, if it is one of the chat and for all.
 * @template {Room} R
 * @param {R} room
 * @param {Event} event
 * @returns {R}
 */
function said(room, { topic, to, data, by, id = "", at = 0 }) {
  const author = find(room, by);
  const kept = topic === CHAT && to == null && isLine(data) && author && room.doors.chat !== "off";
  if (!kept || room.history.some((line) => line.id === id)) return room;
  const line = { id, by, user: author.user, name: author.name, text: data.text, at };
  return { ...room, history: [...room.history, line].slice(-CHAT_LINES) };
}

/** @param {any} data */
function isLine(data) {
  return typeof data?.text === "string" && Object.keys(data).length === 1;
}

/**
 * Return those seated, in order of arrival. Only they have a connection: a host's room holds those too who knock.
 * @param {Room | null} room
 */
export function roster(room) {
  return room?.participants.filter((p) => p.presence !== "knocking") ?? [];
}

/**
 * Return how somebody is called here: by their name, and in their second tab by that as well.
 * @param {Room | null} room
 * @param {Participant} p
 */
export function called(room, p) {
  const place = roster(room).filter(({ user }) => user === p.user).findIndex(({ id }) => id === p.id) + 1;
  return place > 1 ? `${p.name} (${place})` : p.name;
}

/**
 * Return who sits or knocks here under that id, or null.
 * @param {Room | null} room
 * @param {string | null} id
 * @returns {Participant | null}
 */
export function find(room, id) {
  return room?.participants.find((p) => p.id === id) ?? null;
}
