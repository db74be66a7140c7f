/* Forms and buttons that speak HTTP, and never to Reflex: what is typed here passes no state and no log. */
import { createContext, useContext, useEffect, useRef, useState } from "react";

import { ask, backend } from "./http.jsx";

export const Refusal = createContext(null); // what the form around was told last

export function AskingForm({ onAsk, ready = true, said = null, children, ...rest }) {
  const [refused, setError] = useState(null);
  const error = refused ?? said;
  const [busy, setBusy] = useState(true); // until the page is alive: a form sent by the bare browser would leave it
  useEffect(() => setBusy(false), []);
  const form = useRef(null);
  const submit = async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form.current));
    setBusy(true);
    const answer = await onAsk(fields, form.current);
    setBusy(false);
    setError(answer.error ?? null);
  };
  useEffect(() => {
    for (const input of form.current.querySelectorAll("input")) {
      input.setAttribute("aria-invalid", String(Boolean(error) && error.field === input.name));
    }
    if (!busy && error?.field) form.current.elements[error.field]?.focus(); // what is disabled takes no focus
  }, [error, busy]);
  return (
    <Refusal.Provider value={error}>
      <form {...rest} ref={form} method="post" noValidate aria-busy={busy || !ready} onSubmit={submit}>
        <fieldset disabled={busy || !ready}>{children}</fieldset>
      </form>
    </Refusal.Provider>
  );
}

/* After success: to another page, or with `done` said here, and every password forgotten that was typed. */
export function HttpForm({ method = "POST", action, next, done, onDone, children, ...rest }) {
  const [said, setSaid] = useState(false);
  const onAsk = async (fields, form) => {
    setSaid(false);
    const answer = await ask(method, action, fields);
    if (answer.error) return answer;
    if (next) {
      // A new page, so that every socket of it carries the new cookie.
      window.location.assign(inside(new URLSearchParams(window.location.search).get("next")) ?? next);
      await new Promise(() => {}); // the form stays busy until the page is gone
    }
    for (const input of form.querySelectorAll("input[type=password]")) input.value = "";
    setSaid(true);
    onDone?.();
    return answer;
  };
  return (
    <AskingForm {...rest} onAsk={onAsk} action={action}>
      {children}
      {done && <p role="status" className="done">{said ? done : ""}</p>}
    </AskingForm>
  );
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

export function FieldError({ field, ...rest }) {
  const error = useContext(Refusal);
  const mine = error && (error.field ?? "") === (field ?? "");
  return <p {...rest} role="alert" data-code={mine ? error.code : undefined}>{mine ? error.message : ""}</p>;
}

export function SignOutButton({ next, children, ...rest }) {
  const signOut = async () => { await ask("DELETE", "/api/session"); window.location.assign(next); };
  return <button type="button" {...rest} onClick={signOut}>{children}</button>;
}

/* A link to a file that the server makes. */
export function DownloadLink({ path, children, ...rest }) {
  return <a {...rest} href={backend() + path} download>{children}</a>;
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
