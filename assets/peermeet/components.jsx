/* The meeting of this page, beside the component tree, one to a page: what re-renders or reconnects never touches it.
   React's faces of all else stand in the other .jsx files, which alone import what node lacks. */
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { io } from "socket.io-client";

import { createDoor } from "./door.js";
import "./early.js";
import { ask, backend } from "./http.jsx";
import { createMeeting } from "./meeting.js";
import { CHAT } from "./room.js";

const nothing = Object.freeze({
  phase: "preview", line: "offline", you: null, room: null, refusal: null, ended: null, waiting: null, asked: [],
  peers: {}, reactions: {},
  sources: { microphone: { on: false, busy: true, error: null }, camera: { on: false, busy: true, error: null } },
});
export let current = null; // { code, meeting, door, hear, release timer, said, draft, refused }
const watchers = new Set();
const changed = () => watchers.forEach((watcher) => watcher());

const watch = (watcher) => { watchers.add(watcher); return () => watchers.delete(watcher); };

export function useMeeting() {
  return useSyncExternalStore(
    watch,
    () => current?.meeting.snapshot() ?? nothing,
    () => nothing,
  );
}

function open(code, hear, door = atDoor(code)) {
  const meeting = createMeeting({
    room: code,
    device: crypto.getRandomValues(new Uint32Array(4)).reduce((word, n) => word + n.toString(36), ""),
    connect: (auth) => io(`${backend()}/meeting`, {
      path: "/rtc/", transports: ["websocket"], forceNew: true, reconnection: false, timeout: 5000, auth,
    }),
    createConnection: (configuration) => new RTCPeerConnection(configuration),
    devices: navigator.mediaDevices,
    secure: window.isSecureContext,
    getTicket: door.ticket,
  });
  const mine = { code, meeting, hear, door, said: [], draft: { to: "", text: "" }, refused: null };
  meeting.subscribe(changed);
  meeting.listen((event) => {
    keep(mine, event);
    if (current?.meeting === meeting) current.hear?.(event);
  });
  current = mine;
  meeting.preview();
  changed();
  void door.knock();
}

/* The first ticket is asked for while the page still comes to life: its answer says whether one may come in, and as
   whom; joining then costs one round trip less. */
let early = globalThis.peermeetEarly;

function atDoor(room) {
  const first = early.room === room ? early.answer : null;
  early = { ...early, answer: null };
  return createDoor({ room, ask, invitation: early.invitation(room), first, onChange: changed });
}

/* What Python's button calls at the door. */
export const withoutInvitation = () => {
  if (!current) return;
  early.forget(current.code);
  void current.door.invite(null);
};

/* What was said and stands in no room's history: to us alone, or where nothing is kept. Reflex's view of it may be lost. */
const KEPT = 200;

function keep(mine, event) {
  const { room } = mine.meeting.snapshot();
  if (event.type === "message_sent" && event.topic === CHAT && (event.to || room?.doors?.chat === "off")) {
    mine.said = [...mine.said, event].slice(-KEPT);
  } else if (event.type === "message_deleted" && event.id == null) {
    mine.said = mine.said.filter(({ to }) => to);
  }
}

const nowhere = Object.freeze({ asked: false, open: false, needs: null, refusal: null });

export const useDoor = () => useSyncExternalStore(watch, () => current?.door.state() ?? nowhere, () => nowhere);

function enter(code, hear) {
  if (current?.code === code) {
    clearTimeout(current.release); // the same page mounted again: a reconnect, a new version of its Python
    current.hear = hear;
  } else {
    current?.meeting.leave();
    open(code, hear);
  }
  const mine = current;
  return () => {
    mine.release = setTimeout(() => { mine.meeting.leave(); if (current === mine) { current = null; changed(); } }, 1000);
  };
}

if (typeof window !== "undefined") {
  window.addEventListener("pagehide", () => current?.meeting.leave());
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  window.addEventListener("online", () => current?.meeting.poke());
  // Another link to the room that is open: early.js has it already.
  window.addEventListener("hashchange", () => void current?.door.invite(early.invitation(current.code)));
}

/* What Python's buttons call, see browser/actions.py */
export const toggleSource = (source) => { current?.meeting.toggle(source); };
export const leaveMeeting = () => { current?.meeting.leave(); };
export const cancelKnock = () => { leaveMeeting(); rejoinMeeting(); };
export const sendMessage = (topic, data) => { sendCommand({ type: "send_message", topic, data }); };
export const setAttributes = (attributes) => { sendCommand({ type: "set_attributes", attributes }); };
export const rejoinMeeting = () => { if (current) open(current.code, current.hear, current.door); };

const REFUSED = 6_000; // ms that a refusal shows

/* Ask the room for something; a refusal is shown for a while. */
export async function sendCommand(command) {
  const mine = current;
  const { error } = (await mine?.meeting.command(command)) ?? {};
  if (!error) return;
  mine.refused = error;
  changed();
  setTimeout(() => { if (mine.refused === error) { mine.refused = null; changed(); } }, REFUSED);
}

export const useRefused = () => useSyncExternalStore(watch, () => current?.refused ?? null, () => null);

export function MeetingRoom({ room, onEvent, children, ...rest }) {
  const hear = useRef(null);
  hear.current = onEvent;
  const { phase } = useMeeting();
  // Reflex may start over with an empty `room`, or begin with the one that this tab was in before; the address knows it.
  const [code, setCode] = useState("");
  useEffect(() => setCode(early.here() ?? ""), [room]);
  // And its view of the room may be new and empty: tell it what the tab knows.
  useEffect(() => {
    const { phase: now, you, room: seated } = current?.meeting.snapshot() ?? nothing;
    if (!room || now !== "joined") return;
    hear.current?.({ type: "welcomed", you, room: seated });
    for (const event of current.said) hear.current?.({ ...event, again: true });
  }, [room]);
  useEffect(() => (code ? enter(code, (event) => hear.current?.(event)) : undefined), [code]);
  return <div {...rest} data-phase={phase}>{children}</div>;
}

export function When({ phases, waiting, children }) {
  const { phase, waiting: now } = useMeeting();
  return phases.includes(phase) && (!waiting || waiting.includes(now?.why)) ? children : null;
}

export function Line({ children }) {
  const { phase, line } = useMeeting();
  return phase === "joined" && line !== "online" ? children : null;
}
