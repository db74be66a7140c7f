/* Links into a room, for its hosts: made, shown once, listed, ended. It all goes by HTTP: a token is in this page and in
   its link, and nowhere else. */
import { useEffect, useState } from "react";

import { AskingForm, CopyButton, FieldError } from "./forms.jsx";
import { ask } from "./http.jsx";
import { Menu, MenuButton, MenuItems } from "./menu.jsx";
import { Moment } from "./moment.jsx";

const HOUR = 3600; // seconds
const LIVES = { hour: HOUR, day: 24 * HOUR, week: 168 * HOUR, month: 720 * HOUR, ever: null };
// What a host may grant who is not the owner, see services/invitations.py.
const OF_HOSTS = { roles: ["member", "listener"], lives: ["hour", "day"] };
const OF_OWNERS = { roles: [...OF_HOSTS.roles, "cohost", "host"], lives: Object.keys(LIVES) };

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

export function Invitations({ room, owner, texts, ...rest }) {
  const path = `/api/rooms/${room}/invitations`;
  const [lines, setLines] = useState(null);
  const [link, setLink] = useState("");
  const [error, setError] = useState(null);
  const look = async () => {
    const answer = await ask("GET", path);
    setError(answer.error ?? null);
    if (!answer.error) setLines(answer.invitations);
  };
  useEffect(() => { if (room) void look(); }, [room]);
  const invite = async ({ role, life, uses }) => {
    const expires = LIVES[life] && new Date(Date.now() + LIVES[life] * 1000).toISOString();
    const answer = await ask("POST", path, { role, expires, uses });
    if (answer.error) return answer;
    setLink(`${window.location.origin}/meet/${room}#i=${answer.token}`);
    void look();
    return answer;
  };
  const revoke = async (id) => {
    const { error: refused } = await ask("DELETE", `${path}/${id}`, {});
    if (refused) setError(refused);
    else void look();
  };
  return (
    <div {...rest}>
      <NewInvitation {...(owner ? OF_OWNERS : OF_HOSTS)} texts={texts} onAsk={invite} />
      {link && (
        <div className="made" role="status">
          <label htmlFor="invitation-link">{texts.made}</label>
          <div className="row">
            <input id="invitation-link" readOnly value={link} onFocus={(event) => event.target.select()} />
            <CopyButton text={link} copied={texts.copied} className="button primary">{texts.copy}</CopyButton>
          </div>
        </div>
      )}
      {error && <p className="field-error form-error" role="alert" data-code={error.code}>{error.message}</p>}
      {lines?.length === 0 && <p className="muted">{texts.none}</p>}
      {lines?.length > 0 && (
        <ul className="invitations">
          {lines.map((line) => <Line key={line.id} line={line} texts={texts} path={path} onRevoke={revoke} />)}
        </ul>
      )}
    </div>
  );
}

function NewInvitation({ roles, lives, texts, onAsk }) {
  return (
    <AskingForm onAsk={onAsk} className="invite" aria-label={texts.invite}>
      <Choice name="role" label={texts.role} of={roles} texts={texts} />
      <Choice name="life" label={texts.life} of={lives} texts={texts} first={lives.includes("week") ? "week" : "day"} />
      <div className="field">
        <label htmlFor="invitation-uses">{texts.uses}</label>
        <input id="invitation-uses" name="uses" type="number" min="1" max="10000" placeholder={texts.any} />
      </div>
      <button type="submit" className="button" id="invite">{texts.invite}</button>
      {["role", "expires", "uses", ""].map((field) => <FieldError key={field} field={field} className="field-error" />)}
    </AskingForm>
  );
}

function Choice({ name, label, of, texts, first = of[0] }) {
  return (
    <div className="field">
      <label htmlFor={`invitation-${name}`}>{label}</label>
      <select id={`invitation-${name}`} name={name} defaultValue={first}>
        {of.map((one) => <option key={one} value={one}>{texts[one]}</option>)}
      </select>
    </div>
  );
}

function Line({ line, texts, path, onRevoke }) {
  const [came, setCame] = useState(null);
  const unfold = async () => {
    if (came) return setCame(null);
    const answer = await ask("GET", `${path}/${line.id}`);
    setCame(answer.came ?? []);
  };
  const { number, role, by, good, revoked, uses, used, expires } = line;
  const name = filled(texts.number, { number, role: texts[role] });
  const people = filled(uses === null ? texts.used : texts.used_of, { used, uses });
  return (
    <li data-invitation={number} data-good={good}>
      <div className="invitation">
        <div className="who">
          <span>{name}</span>
          <small className="marks">
            <Standing line={line} texts={texts} />
            <span>
              {used === 0 ? people : (
                <button type="button" className="unfold" aria-expanded={came !== null} onClick={unfold}
                  aria-label={`${name}: ${people}`}>{people}</button>
              )}
            </span>
            {by !== null && <span>{texts.by} <bdi>{by || texts.somebody}</bdi></span>}
          </small>
        </div>
        {!revoked && !(expires && expires * 1000 <= Date.now()) && (
          <Menu>
            <MenuButton className="button quiet small" aria-label={`${texts.revoke}: ${name}`}>{texts.revoke}</MenuButton>
            <MenuItems className="menu-items ask" aria-label={texts.revoke}>
              <p>{texts.revoke_ask}</p>
              <button type="button" className="button danger" onClick={() => onRevoke(line.id)}>{texts.revoke}</button>
              <button type="button" className="button">{texts.keep}</button>
            </MenuItems>
          </Menu>
        )}
      </div>
      {came && (
        <ul className="came">
          {came.map(({ name: who, first }, place) => (
            <li key={place}><bdi className="ellipsis">{who || texts.somebody}</bdi> <Moment at={first} /></li>
          ))}
        </ul>
      )}
    </li>
  );
}

/* Whether it still lets somebody in, and until when; or why not. */
function Standing({ line: { revoked, uses, used, expires }, texts }) {
  if (revoked) return <span>{texts.revoked}</span>;
  if (expires && expires * 1000 <= Date.now()) return <span>{texts.over} <Moment at={expires} as="near" /></span>;
  if (uses !== null && used >= uses) return <span>{texts.used_up}</span>;
  if (!expires) return <span className="good">{texts.endless}</span>;
  return <span className="good">{texts.ends} <Moment at={expires} as="near" /></span>;
}
