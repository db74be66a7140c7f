/* Times in the reader's language and on the reader's clock. */
import { useEffect, useRef, useState } from "react";

import { asTyped, asMeant } from "./clock.js";

const STYLES = {
  day: { dateStyle: "medium", timeStyle: "short" }, // always with its day
  clock: { timeStyle: "short" }, // where the day is said already
  near: { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" }, // within a year
  full: { dateStyle: "full", timeStyle: "short" }, // such that nobody takes it for another
};

/* When something was or will be. */
export function Moment({ at, as, ...rest }) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  const short = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
  if (!(at > 0)) return null;
  return (
    <time {...rest} dateTime={when.toISOString()} title={when.toLocaleString()}>
      {when.toLocaleString(undefined, STYLES[as] ?? short)}
    </time>
  );
}

/* Where one types a time of one's own clock; the form around sends it as UTC. `value` is in Unix seconds, 0 is none. */
export function TimeInput({ name, value, ...rest }) {
  const input = useRef(null);
  const [typed, setTyped] = useState("");
  useEffect(() => setTyped(asTyped(value)), [value]);
  useEffect(() => {
    const { form } = input.current;
    const tell = ({ formData }) => formData.set(name, asMeant(input.current.value, input.current.validity.badInput));
    form.addEventListener("formdata", tell);
    return () => form.removeEventListener("formdata", tell);
  }, [name]);
  return (
    <input {...rest} ref={input} type="datetime-local" name={name} value={typed}
      onChange={(event) => setTyped(event.target.value)} />
  );
}
