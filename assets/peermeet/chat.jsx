/* Where one writes. What is typed stays in the browser until it is sent, and after it could not be sent. */
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { current, useMeeting } from "./components.jsx";
import { CHAT, called, roster } from "./room.js";

export function Composer({ to, chosen, placeholder, labelTo, labelEverybody, labelGone, labelSend, longest, children, ...rest }) {
  const { you, room } = useMeeting();
  const others = roster(room).filter((p) => p.id !== you);
  const mine = current;
  const area = useRef(null);
  const [addressee, setAddressee] = useState(() => mine?.draft.to ?? "");
  const [names] = useState(() => new Map());
  const [error, setError] = useState("");
  for (const p of others) names.set(p.id, called(room, p));
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
          {others.map(({ id }) => <option key={id} value={id}>{names.get(id)}</option>)}
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
