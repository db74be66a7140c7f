/* Asking and answering: what hosts ask of us, hands and reactions. */
import { current, sendMessage, setAttributes, useMeeting } from "./components.jsx";
import { EMOJI, TOPIC as REACTION } from "./reactions.js";
import { find } from "./room.js";
import { raised } from "./stage.jsx";

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
