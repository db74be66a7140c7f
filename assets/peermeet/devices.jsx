/* One's own camera and microphone: how they look and sound, what switches them, and what is wrong with them. */
import { useEffect, useRef } from "react";

import { current, toggleSource, useMeeting, useRefused } from "./components.jsx";
import { find } from "./room.js";
import { Video } from "./stage.jsx";

const SOURCES = ["microphone", "camera"];

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
