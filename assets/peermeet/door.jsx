/* The door from outside: coming in, waiting for an answer, and why one is outside again. */
import { useEffect, useRef, useState } from "react";

import { current, knock, rejoinMeeting, useDoor, useMeeting } from "./components.jsx";
import { AskingForm } from "./forms.jsx";
import { ask } from "./http.jsx";

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
