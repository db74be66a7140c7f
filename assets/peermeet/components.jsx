/* React faces of the browser's half: the only file with imports that node lacks. The meeting lives beside the
   component tree, one to a page: what re-renders or reconnects never touches it. */
import {
  createContext, useContext, useEffect, useId, useLayoutEffect, useRef, useState, useSyncExternalStore,
} from "react";
import { io } from "socket.io-client";

import env from "$/env.json";
import { getBackendURL } from "$/utils/state";

import { createMeeting } from "./meeting.js";
import { fit } from "./layout.js";
import { EMOJI, TOPIC as REACTION } from "./reactions.js";
import { CHAT, find, roster } from "./room.js";

const SOURCES = ["microphone", "camera"];
const backend = () => getBackendURL(env.PING).origin;

/* The meeting of this page ------------------------------------------------------------------------------- */

const nothing = Object.freeze({
  phase: "preview", line: "offline", you: null, room: null, refusal: null, ended: null, waiting: null, asked: [],
  peers: {}, reactions: {},
  sources: { microphone: { on: false, busy: true, error: null }, camera: { on: false, busy: true, error: null } },
});
let current = null; // { code, meeting, door, ticket, hear, release timer, said, draft, refused }
const watchers = new Set();
const changed = () => watchers.forEach((watcher) => watcher());

const watch = (watcher) => { watchers.add(watcher); return () => watchers.delete(watcher); };

function useMeeting() {
  return useSyncExternalStore(
    watch,
    () => current?.meeting.snapshot() ?? nothing,
    () => nothing,
  );
}

function open(code, hear) {
  const meeting = createMeeting({
    room: code,
    device: crypto.getRandomValues(new Uint32Array(4)).reduce((word, n) => word + n.toString(36), ""),
    connect: (auth) => io(`${backend()}/meeting`, {
      path: "/rtc/", transports: ["websocket"], forceNew: true, reconnection: false, timeout: 5000, auth,
    }),
    createConnection: (configuration) => new RTCPeerConnection(configuration),
    devices: navigator.mediaDevices,
    secure: window.isSecureContext,
    getTicket: () => (mine.ticket ? take(mine) : askDoor(code)),
  });
  const mine = { code, meeting, hear, door: null, ticket: null, said: [], draft: { to: "", text: "" }, refused: null };
  meeting.subscribe(changed);
  meeting.listen((event) => {
    keep(mine, event);
    if (current?.meeting === meeting) current.hear?.(event);
  });
  current = mine;
  meeting.preview();
  changed();
  return knock(mine);
}

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

/* The first ticket is asked for while the page still comes to life: its answer says whether one may come in, and
   as whom; joining then costs one round trip less. */
const TICKET_LIFE = 50_000; // ms; the server's is sixty seconds
const early = typeof window !== "undefined" && /^\/meet\/([^/]+)/.exec(window.location.pathname)?.[1];
const askDoor = (room) => ask("POST", "/api/tickets", { room });
// The page itself has asked already if it was built for production, see browser/build.py.
let first = early && { code: early, answer: Promise.resolve(window.peermeetDoor).then((said) => said ?? askDoor(early)) };

async function knock(mine) {
  const asked = first?.code === mine.code ? first.answer : askDoor(mine.code);
  first = null;
  const { ticket, error } = await asked;
  mine.ticket = ticket && { ticket, until: Date.now() + TICKET_LIFE };
  mine.door = ticket ? "open" : error.code === "not_signed_in" ? "name" : error;
  changed();
}

function take(mine) {
  const { ticket, until } = mine.ticket;
  mine.ticket = null;
  return Date.now() < until ? Promise.resolve({ ticket }) : askDoor(mine.code);
}

const useDoor = () => useSyncExternalStore(watch, () => current?.door ?? null, () => null);

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
}

/* What Python's buttons call, see browser/actions.py */
export const toggleSource = (source) => { current?.meeting.toggle(source); };
export const leaveMeeting = () => { current?.meeting.leave(); };
export const cancelKnock = () => { leaveMeeting(); rejoinMeeting(); };
export const sendMessage = (topic, data) => { sendCommand({ type: "send_message", topic, data }); };
export const setAttributes = (attributes) => { sendCommand({ type: "set_attributes", attributes }); };
const rejoinMeeting = () => { if (current) open(current.code, current.hear); };

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

const useRefused = () => useSyncExternalStore(watch, () => current?.refused ?? null, () => null);

export function MeetingRoom({ room, onEvent, children, ...rest }) {
  const hear = useRef(null);
  hear.current = onEvent;
  const { phase } = useMeeting();
  // Reflex starts over with an empty `room` after its server was restarted; the address knows it all the time.
  const [code, setCode] = useState("");
  useEffect(() => setCode((known) => known || room || window.location.pathname.split("/")[2] || ""), [room]);
  // Reflex's view of the room may be new and empty: tell it what the tab knows.
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

/* How long one waits at the door, by a clock that ticks here. */
export function Waited(props) {
  const since = useMeeting().waiting?.since;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((now - (since ?? now)) / 1000));
  const minutes = Math.floor(seconds / 60);
  return (
    <time {...props} role="timer" dateTime={`PT${seconds}S`}>{minutes}:{String(seconds % 60).padStart(2, "0")}</time>
  );
}

/* Why it is over, from a table of texts by reason or code; what the table does not know, the server has said. */
export function Ending({ texts, children, ...rest }) {
  const { phase, ended, refusal } = useMeeting();
  const code = phase === "refused" ? refusal?.code : ended ?? "left";
  const { title, text, again } = texts[code] ?? { ...texts.refused, text: refusal?.message };
  const heading = useRef(null);
  useEffect(() => { if (code !== "left") heading.current?.focus(); }, [code]);
  return (
    <main {...rest} data-reason={code}>
      <h1 ref={heading} tabIndex={-1}>{title}</h1>
      {text && <p className="lead">{text}</p>}
      <div className="row">
        {again && <button type="button" className="button primary" id="rejoin" onClick={rejoinMeeting}>{again}</button>}
        {children}
      </div>
    </main>
  );
}

export function Line({ children }) {
  const { phase, line } = useMeeting();
  return phase === "joined" && line !== "online" ? children : null;
}

/* Seeing and hearing ---------------------------------------------------------------------------------------- */

function Video({ stream, mirrored, ...rest }) {
  const element = useRef(null);
  useLayoutEffect(() => { if (element.current.srcObject !== stream) element.current.srcObject = stream; }, [stream]);
  return <video ref={element} autoPlay playsInline muted data-mirrored={mirrored ? "" : undefined} {...rest} />;
}

function AudioSink({ stream }) {
  const element = useRef(null);
  useEffect(() => {
    element.current.srcObject = stream;
    return () => { if (element.current) element.current.srcObject = null; };
  }, [stream]);
  return <audio ref={element} autoPlay />;
}

export function Preview({ children, ...rest }) {
  const { sources } = useMeeting();
  const stream = sources.camera.on ? current?.meeting.stream(null, "camera") : null;
  return (
    <div {...rest} data-on={sources.camera.on} data-busy={sources.camera.busy}>
      {stream ? <Video stream={stream} mirrored /> : children}
    </div>
  );
}

export function LevelMeter({ label, ...rest }) {
  const { sources } = useMeeting();
  const { on } = sources.microphone;
  const element = useRef(null);
  useEffect(() => {
    const stream = on ? current?.meeting.stream(null, "microphone") : null;
    if (!stream?.getAudioTracks().length) return undefined;
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 512, smoothingTimeConstant: 0.6 });
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let frame = requestAnimationFrame(function draw() {
      analyser.getFloatTimeDomainData(samples);
      const level = Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
      element.current?.style.setProperty("--level", Math.min(1, level * 6).toFixed(2)); // speech is about 0.1
      frame = requestAnimationFrame(draw);
    });
    return () => { cancelAnimationFrame(frame); context.close(); };
  }, [on]);
  return <div role="img" aria-label={label} {...rest} ref={element} data-on={on}><i /></div>;
}

export function SourceToggle({ source, labelOn, labelOff, children, ...rest }) {
  const { you, room, sources } = useMeeting();
  const { on, busy, error } = sources[source];
  if (find(room, you)?.role === "listener") return null; // a listener has nothing to switch
  return (
    <button type="button" {...rest} aria-pressed={on} aria-label={on ? labelOn : labelOff} title={on ? labelOn : labelOff}
      data-on={on} data-busy={busy} data-error={error ?? undefined} onClick={() => toggleSource(source)}>
      {children}
    </button>
  );
}

export function Notices({ sentences, ...rest }) {
  const { sources } = useMeeting();
  const refused = useRefused();
  const said = SOURCES.filter((source) => sources[source].error).map((source) => sources[source].error);
  const lines = [...new Set(said)].map((code) => ({ code, message: sentences[code] ?? code }));
  if (refused) lines.push(refused);
  return (
    <div {...rest} role="alert">
      {lines.map(({ code, message }) => <p key={code} data-code={code}>{message}</p>)}
    </div>
  );
}

const initials = (name) => [...name.trim()].length && name.trim().split(/\s+/).slice(0, 2).map((w) => [...w][0]).join("");
const hue = (id) => [...id].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);

function Tile({ participant, streams, mine, labels, reaction }) {
  const published = Object.fromEntries(participant.publications.map((p) => [p.source, p]));
  const shows = (source) => Boolean(published[source]) && !published[source].muted;
  const silenced = (participant.silenced ?? []).map(({ source }) => source);
  const video = shows("camera") ? streams.camera : null; // of others, only what is not silenced arrives here
  const speaks = shows("microphone");
  const hears = speaks && !silenced.includes("microphone");
  const away = participant.presence === "away";
  return (
    <div className="tile" role="group" aria-label={mine ? labels.you : participant.name} data-participant={participant.id}
      data-mine={mine} data-away={away} data-camera={shows("camera")} data-microphone={hears}
      data-silenced={silenced.join(" ") || undefined}
      style={{ "--hue": hue(participant.user) }}>
      <div className="tile-avatar" aria-hidden="true">{initials(participant.name)}</div>
      {video && <Video stream={video} mirrored={mine} />}
      {!mine && streams.microphone && <AudioSink stream={streams.microphone} />}
      {raised(participant) && <div className="tile-hand"><Hand label={labels.hand} /></div>}
      {reaction && (
        <div className="tile-reaction" key={reaction.serial} role="img" aria-label={reaction.emoji}>{reaction.emoji}</div>
      )}
      <div className="tile-name">
        <MicrophoneMark on={hears} label={labels[hears ? "microphone_on" : speaks ? "silenced" : "microphone_off"]} />
        <span title={participant.name}>{participant.name}</span>
        {mine && <small>{labels.you}</small>}
        {silenced.length > 0 && <small>{labels.silenced}</small>}
        {away && <small>{labels.away}</small>}
      </div>
    </div>
  );
}

const raised = ({ attributes }) => attributes?.hand != null && attributes.hand !== false;

// The lucide icons that a tile shows; tiles are drawn here, where Python's icons cannot reach.
function Hand({ label }) {
  return (
    <svg role="img" aria-label={label} viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor"
      strokeWidth="2" strokeLinecap="round" strokeLinejoin="round">
      <path d="M18 11V6a2 2 0 0 0-4 0" /><path d="M14 10V4a2 2 0 0 0-4 0v2" /><path d="M10 10.5V6a2 2 0 0 0-4 0v8" />
      <path d="M18 8a2 2 0 1 1 4 0v6a8 8 0 0 1-8 8h-2c-2.8 0-4.5-.86-5.99-2.34l-3.6-3.6a2 2 0 0 1 2.83-2.82L7 15" />
    </svg>
  );
}

function MicrophoneMark({ on, label }) {
  return (
    <svg className="tile-microphone" role="img" aria-label={label} data-on={on} viewBox="0 0 24 24" width="16" height="16"
      fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round">
      {on
        ? <><path d="M12 19v3" /><path d="M19 10v2a7 7 0 0 1-14 0v-2" /><rect x="9" y="2" width="6" height="13" rx="3" /></>
        : <><path d="M12 19v3" /><path d="M15 9.34V5a3 3 0 0 0-5.68-1.33" /><path d="M16.95 16.95A7 7 0 0 1 5 12v-2" />
          <path d="M18.89 13.23A7 7 0 0 0 19 12v-2" /><path d="m2 2 20 20" /><path d="M9 9v3a3 3 0 0 0 5.12 2.12" /></>}
    </svg>
  );
}

export function Stage({ labels, children, ...rest }) {
  const { room, you, peers, reactions } = useMeeting();
  const element = useRef(null);
  const [size, setSize] = useState(null);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([{ contentRect }]) => setSize([contentRect.width, contentRect.height]));
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  const everybody = roster(room);
  const tiles = [...everybody.filter((p) => p.id !== you), ...everybody.filter((p) => p.id === you)];
  const grid = size && fit(tiles.length, size[0], size[1]);
  return (
    <div {...rest} ref={element} style={grid && { "--columns": grid.columns, "--tile": `${grid.width}px` }}>
      {tiles.map((p) => {
        const mine = p.id === you;
        const streams = mine ? { camera: current?.meeting.stream(you, "camera") } : peers[p.id]?.streams ?? {};
        return (
          <Tile key={p.id} participant={p} streams={streams} mine={mine} labels={labels} reaction={reactions[p.id]} />
        );
      })}
      {tiles.length < 2 && children}
    </div>
  );
}

/* Asking and answering ---------------------------------------------------------------------------------------- */

/* A host asks to switch something off. Whoever is asked decides. */
export function MuteAsked({ texts, off, keep: stay, somebody, ...rest }) {
  const { asked, room } = useMeeting();
  const [first] = asked;
  const answer = (yes) => () => current?.meeting.answer(first.source, yes);
  return (
    <div {...rest} role="alert">
      {first && (
        <div className="asked" data-source={first.source}>
          <p><bdi>{find(room, first.by)?.name ?? somebody}</bdi> {texts[first.source]}</p>
          <div className="row">
            <button type="button" className="button primary" onClick={answer(true)}>{off}</button>
            <button type="button" className="button" onClick={answer(false)}>{stay}</button>
          </div>
        </div>
      )}
    </div>
  );
}

/* What a host has silenced of us: nobody plays it. */
export function Silenced({ texts, ...rest }) {
  const { you, room, sources } = useMeeting();
  const said = (find(room, you)?.silenced ?? []).filter(({ source }) => sources[source]?.on);
  return <div {...rest} role="status">{said.map(({ source }) => <p key={source}>{texts[source]}</p>)}</div>;
}

export function RaiseHand({ labelUp, labelDown, children, ...rest }) {
  const { you, room } = useMeeting();
  const me = find(room, you);
  const up = me !== null && raised(me);
  const turn = () => setAttributes({ hand: up ? null : Date.now() / 1000 }); // whose is older speaks first
  return (
    <button type="button" {...rest} aria-pressed={up} onClick={turn}>
      {children}{up ? labelDown : labelUp}
    </button>
  );
}

export function Reactions(props) {
  return (
    <div {...props}>
      {EMOJI.map((emoji) => (
        <button key={emoji} type="button" className="emoji" aria-label={emoji}
          onClick={() => sendMessage(REACTION, { emoji })}>{emoji}</button>
      ))}
    </div>
  );
}

/* A button that opens a small list of others. The browser keeps it above everything, closes it when one presses
   Escape or elsewhere, and tells who cannot see it; where it stands is for us to say. */
const Opened = createContext({ id: "", button: null, open: false, setOpen: () => {} });
const EDGE = 8; // pixels to the window's edge, and to the button

export function Menu({ children, ...rest }) {
  const id = useId();
  const button = useRef(null);
  const [open, setOpen] = useState(false);
  return <Opened.Provider value={{ id, button, open, setOpen }}><div {...rest}>{children}</div></Opened.Provider>;
}

export function MenuButton({ children, ...rest }) {
  const { id, button, open } = useContext(Opened);
  return (
    <button type="button" {...rest} ref={button} popoverTarget={id} aria-haspopup="true" aria-expanded={open}>
      {children}
    </button>
  );
}

export function MenuItems({ children, ...rest }) {
  const { id, button, open, setOpen } = useContext(Opened);
  const element = useRef(null);
  const place = () => {
    const list = element.current;
    if (!list || !button.current) return;
    const [from, { offsetWidth: width, offsetHeight: height }] = [button.current.getBoundingClientRect(), list];
    const above = from.bottom + EDGE + height > window.innerHeight;
    const left = Math.min(Math.max(EDGE, from.right - width), window.innerWidth - width - EDGE);
    const top = above ? from.top - EDGE - height : from.bottom + EDGE;
    Object.assign(list.style, { left: `${Math.max(EDGE, left)}px`, top: `${Math.max(EDGE, top)}px`, opacity: 1 });
  };
  useEffect(() => {
    if (!open) {
      element.current.style.opacity = 0; // until it has its place
      return undefined;
    }
    place();
    element.current.querySelector("button:not(:disabled)")?.focus();
    window.addEventListener("resize", place);
    return () => window.removeEventListener("resize", place);
  }, [open]);
  const move = (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...element.current.querySelectorAll("button:not(:disabled)")];
    if (!step || !all.length) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  };
  const choose = (event) => { if (event.target.closest("button")) element.current.hidePopover(); };
  return (
    <div {...rest} ref={element} id={id} popover="auto" role="group" onKeyDown={move} onClick={choose}
      onToggle={(event) => setOpen(event.newState === "open")}>
      {children}
    </div>
  );
}

/* Chat --------------------------------------------------------------------------------------------------------- */

/* When something was said, in the reader's language and on the reader's clock. */
export function Moment({ at, ...rest }) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  const short = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
  if (!(at > 0)) return null;
  return (
    <time {...rest} dateTime={when.toISOString()} title={when.toLocaleString()}>
      {when.toLocaleString(undefined, short)}
    </time>
  );
}

/* Where one writes. What is typed stays in the browser until it is sent, and after it could not be sent. */
export function Composer({ to, chosen, placeholder, labelTo, labelEverybody, labelGone, labelSend, longest, children, ...rest }) {
  const { you, room } = useMeeting();
  const others = roster(room).filter((p) => p.id !== you);
  const mine = current;
  const area = useRef(null);
  const [addressee, setAddressee] = useState(() => mine?.draft.to ?? "");
  const [names] = useState(() => new Map());
  const [error, setError] = useState("");
  for (const { id, name } of others) names.set(id, name);
  const choose = (id) => {
    if (mine) mine.draft.to = id;
    setAddressee(id);
    setError("");
  };
  useEffect(() => { // chosen elsewhere: `chosen` counts how often
    if (!chosen || mine?.draft.chosen === chosen) return;
    if (mine) mine.draft.chosen = chosen;
    choose(to);
    area.current?.focus();
  }, [chosen]);
  const grow = () => { // for browsers without field-sizing
    const { style } = area.current;
    style.height = "auto";
    style.height = `${area.current.scrollHeight + 2}px`;
  };
  useLayoutEffect(grow, []);
  const write = (text) => {
    area.current.value = mine.draft.text = text;
    grow();
  };
  const send = async () => {
    const text = area.current.value;
    if (!text.trim() || !mine) return;
    if (addressee && !others.some(({ id }) => id === addressee)) return setError(labelGone);
    write("");
    setError("");
    const message = { type: "send_message", topic: CHAT, data: { text }, ...(addressee && { to: addressee }) };
    const answer = await mine.meeting.command(message);
    if (!answer.error) return;
    setError(answer.error.message);
    if (area.current) write(text + (area.current.value && `\n${area.current.value}`));
    else mine.draft.text = text;
  };
  const press = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const gone = addressee && !others.some(({ id }) => id === addressee);
  return (
    <form {...rest} data-private={addressee ? "" : undefined} onSubmit={(event) => { event.preventDefault(); send(); }}>
      <label className="chat-to">
        <span>{labelTo}</span>
        <select value={addressee} onChange={(event) => choose(event.target.value)}>
          <option value="">{labelEverybody}</option>
          {others.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          {gone && <option value={addressee}>{names.get(addressee) ?? "–"}</option>}
        </select>
      </label>
      <p className="field-error" role="alert">{error}</p>
      <div className="chat-write">
        <textarea ref={area} rows={1} maxLength={longest} placeholder={placeholder} aria-label={placeholder}
          defaultValue={mine?.draft.text ?? ""} onKeyDown={press}
          onInput={(event) => { if (mine) mine.draft.text = event.target.value; grow(); }} />
        <button type="submit" className="button primary" aria-label={labelSend} title={labelSend}>{children}</button>
      </div>
    </form>
  );
}

/* Forms and buttons that speak HTTP ------------------------------------------------------------------------- */

async function ask(method, path, body) {
  try {
    const response = await fetch(backend() + path, {
      method, credentials: "include", body: body && JSON.stringify(body),
      headers: { "X-PeerMeet": "page", ...(body && { "Content-Type": "application/json" }) },
    });
    return await response.json();
  } catch {
    return { error: { code: "offline", message: "The server cannot be reached. Check your connection and try again." } };
  }
}

const Refused = createContext(null);

function AskingForm({ onAsk, ready = true, said = null, children, ...rest }) {
  const [refused, setError] = useState(null);
  const error = refused ?? said;
  const [busy, setBusy] = useState(true); // until the page is alive: a form sent by the bare browser would leave it
  useEffect(() => setBusy(false), []);
  const form = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    const answer = await onAsk(fields);
    setBusy(false);
    setError(answer.error ?? null);
  };
  useEffect(() => {
    for (const input of form.current.querySelectorAll("input")) {
      input.setAttribute("aria-invalid", String(Boolean(error) && error.field === input.name));
    }
    if (error?.field) form.current.elements[error.field]?.focus();
  }, [error]);
  return (
    <Refused.Provider value={error}>
      <form {...rest} ref={form} method="post" noValidate aria-busy={busy || !ready} onSubmit={submit}>
        <fieldset disabled={busy || !ready}>{children}</fieldset>
      </form>
    </Refused.Provider>
  );
}

export function HttpForm({ action, next, ...rest }) {
  const onAsk = async (fields) => {
    const answer = await ask("POST", action, fields);
    if (!answer.error) {
      // A new page, so that every socket of it carries the new cookie.
      window.location.assign(inside(new URLSearchParams(window.location.search).get("next")) ?? next);
      await new Promise(() => {}); // the form stays busy until the page is gone
    }
    return answer;
  };
  return <AskingForm {...rest} onAsk={onAsk} action={action} />;
}

// Where one wanted to go, if it is a page of ours: judged as the browser will read it, tabs and all.
function inside(path) {
  try {
    const { origin, pathname, search, hash } = new URL(path ?? "", window.location.origin);
    return path && origin === window.location.origin && pathname.startsWith("/") ? pathname + search + hash : null;
  } catch {
    return null;
  }
}

export function JoinForm(props) {
  const { phase } = useMeeting();
  const door = useDoor();
  const onAsk = async (fields) => {
    if (door === "name") {
      const answer = await ask("POST", "/api/guests", { name: fields.name });
      if (answer.error) return answer;
      current.door = "open";
    }
    if (door?.code) { // a server that was away may be back
      await knock(current);
      if (current.door !== "open") return { error: current.door === "name" ? null : current.door };
    }
    await current.meeting.join();
    return {};
  };
  return <AskingForm {...props} onAsk={onAsk} ready={door !== null} said={door?.code ? door : null} data-phase={phase} />;
}

export function NeedsName({ children }) {
  return useDoor() === "name" ? children : null;
}

export function FieldError({ field, ...rest }) {
  const error = useContext(Refused);
  const mine = error && (error.field ?? "") === (field ?? "");
  return <p {...rest} role="alert" data-code={mine ? error.code : undefined}>{mine ? error.message : ""}</p>;
}

export function SignOutButton({ next, children, ...rest }) {
  const signOut = async () => { await ask("DELETE", "/api/session"); window.location.assign(next); };
  return <button type="button" {...rest} onClick={signOut}>{children}</button>;
}

export function CopyButton({ path, text, copied, children, ...rest }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    const timer = done && setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    await write(text ?? new URL(path, window.location.origin).href);
    setDone(true);
  };
  return (
    <button type="button" {...rest} data-copied={done} onClick={copy}>
      {children}<span role="status">{done ? copied : ""}</span>
    </button>
  );
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // an insecure page has no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  return undefined;
}
