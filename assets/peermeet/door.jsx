/* The door from outside: coming in, waiting for an answer, and why one is outside again. */
import { useContext, useEffect, useRef, useState } from "react";

import { current, rejoinMeeting, useDoor, useMeeting } from "./components.jsx";
import { AskingForm, Refusal } from "./forms.jsx";
import { Moment } from "./moment.jsx";

export function JoinForm(props) {
  const { phase } = useMeeting();
  const { asked, refusal } = useDoor();
  const onAsk = async (fields) => {
    const { open, error } = await current.door.come(fields);
    if (open) await current.meeting.join();
    return { error };
  };
  return <AskingForm {...props} onAsk={onAsk} ready={asked} said={refusal} data-phase={phase} />;
}

const FIELDS = new Set(["name", "passcode"]); // a refusal of what was typed there stands beside it

/* Shows its children while the door is in one of these states: `name` or `passcode`, which it needs; `refused`, when
   nothing that could be typed would help, else `welcome`; or the code of a refusal. */
export function AtDoor({ when, children }) {
  const { needs, refusal } = useDoor();
  const is = [needs, refusal?.code, refusal && !FIELDS.has(refusal.field) ? "refused" : "welcome"];
  return when.some((one) => is.includes(one)) ? children : null;
}

/* Why one may not come in, and what to do next: from a table of texts by code; what it does not know, the server said.
   `at` are times that belong to a text, by code. */
export function Refused({ texts, at, ...rest }) {
  const refusal = useContext(Refusal);
  if (!refusal || FIELDS.has(refusal.field)) return <div {...rest} role="alert" />;
  const { title, when, text } = texts[refusal.code] ?? { title: refusal.message };
  const time = at[refusal.code];
  return (
    <div {...rest} role="alert" data-code={refusal.code}>
      <strong>{title}</strong>
      {when && time > 0 && <p>{when} <Moment at={time} as="full" />.</p>}
      {text && <p>{text}</p>}
    </div>
  );
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
