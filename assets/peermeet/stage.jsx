/* Seeing and hearing everybody. */
import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { current, useMeeting } from "./components.jsx";
import { fit } from "./layout.js";
import { called, roster } from "./room.js";

export function Video({ stream, mirrored, ...rest }) {
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

const initials = (name) => [...name.trim()].length && name.trim().split(/\s+/).slice(0, 2).map((w) => [...w][0]).join("");
const hue = (id) => [...id].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);

function Tile({ participant, name, streams, mine, labels, reaction }) {
  const published = Object.fromEntries(participant.publications.map((p) => [p.source, p]));
  const shows = (source) => Boolean(published[source]) && !published[source].muted;
  const silenced = (participant.silenced ?? []).map(({ source }) => source);
  const video = shows("camera") ? streams.camera : null; // of others, only what is not silenced arrives here
  const speaks = shows("microphone");
  const hears = speaks && !silenced.includes("microphone");
  const away = participant.presence === "away";
  return (
    <div className="tile" role="group" aria-label={mine ? labels.you : name} data-participant={participant.id}
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
        <span title={name}>{name}</span>
        {mine && <small>{labels.you}</small>}
        {silenced.length > 0 && <small>{labels.silenced}</small>}
        {away && <small>{labels.away}</small>}
      </div>
    </div>
  );
}

export const raised = ({ attributes }) => attributes?.hand != null && attributes.hand !== false;

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
          <Tile key={p.id} participant={p} name={called(room, p)} streams={streams} mine={mine} labels={labels}
            reaction={reactions[p.id]} />
        );
      })}
      {tiles.length < 2 && children}
    </div>
  );
}
