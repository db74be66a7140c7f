import assert from "node:assert/strict";
import { test } from "node:test";

import { createMesh } from "../../assets/peermeet/mesh.js";
import { fakeConnection, fakeStream, fakeTimers, fakeTrack, flush } from "./fakes.js";

/** Chance that is the same in every run. @param {number} seed */
function chance(seed) {
  let state = seed;
  const random = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
  const pick = (all) => all[Math.floor(random() * all.length)];
  return { random, pick, whole: (most) => Math.floor(random() * most) };
}

/** Ada, her mesh with Bob, who means well, and Mallory, who says anything at all. */
function room(more = ["bob", "mallory"]) {
  const timers = fakeTimers();
  const meshes = {};
  const pcs = { ada: [], bob: [] };
  const errors = [];
  const heard = []; // by Mallory
  for (const me of ["ada", "bob"]) {
    meshes[me] = createMesh({
      createConnection() {
        const pc = fakeConnection();
        pcs[me].push(pc);
        return pc;
      },
      async signal(to, signal) {
        if (to === "mallory") heard.push(signal);
        else meshes[to].signaled({ by: me, ...structuredClone(signal) });
        return {};
      },
      onChange() {},
      onError: (error) => errors.push(error),
      timers,
    });
  }
  const people = ["ada", ...more].map((id) => ({ id, presence: "online", publications: [] }));
  const begin = async () => {
    meshes.ada.reconcile("ada", people);
    meshes.bob.reconcile("bob", people.filter(({ id }) => id !== "mallory"));
    for (const me of ["ada", "bob"]) meshes[me].send("camera", fakeStream(`${me}-camera`), fakeTrack("video"));
    await timers.pass(1_000);
  };
  const says = (signal) => meshes.ada.signaled({ by: "mallory", ...signal });
  const talking = () =>
    pcs.ada.some((pc) => pc.transceivers.some((t) => t.from?.id === "bob-camera")) &&
    pcs.bob.some((pc) => pc.transceivers.some((t) => t.from?.id === "ada-camera"));
  return { ada: meshes.ada, pcs, errors, heard, timers, begin, says, talking };
}

const LINES = [
  "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 0 X 0", "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:u1", "a=ice-ufrag:", "a=fingerprint:sha-256 F1", "a=fingerprint:sha-256", "a=candidate:1 1 udp 1 10.0.0.1 22 typ host",
  "a=mid:0", "a=mid:__proto__", "a=msid:x y", "[]", "[{}]", '[{"mid":"0","kind":"video","direction":"sendrecv","stream":"s"}]',
  "[1,null]", "{", "\u0000", "\ud800", "💥", "$&$1$`", "a=ice-ufrag:$&",
];
const ENDS = ["\r\n", "\n", "\r", "", "\u2028"];

/** A description or candidates as the server lets them pass, and as no server would. @param {ReturnType<typeof chance>} c */
function anything(c) {
  const word = () => c.pick([...LINES, "x".repeat(c.whole(2_000)), "", "candidate:", String(c.random())]);
  const sdp = () => Array.from({ length: c.whole(30) }, () => word() + c.pick(ENDS)).join("");
  const odd = () => c.pick([null, undefined, 0, 1, true, [], {}, "", "x", word(), NaN, [[]], { length: 3 }]);
  const candidate = () => c.pick([
    { candidate: word() },
    { candidate: word(), sdpMid: word(), sdpMLineIndex: c.whole(300), usernameFragment: word() },
    { candidate: odd(), sdpMid: odd(), sdpMLineIndex: odd(), usernameFragment: odd() },
    odd(),
  ]);
  const description = () => c.pick([
    { type: c.pick(["offer", "answer", "pranswer", "rollback"]), sdp: sdp() },
    { type: c.pick(["offer", "answer"]), sdp: odd() },
    { type: odd(), sdp: sdp() },
    { type: c.pick(["offer", "answer"]) },
    odd(),
  ]);
  return c.pick([
    { description: description() },
    { candidates: Array.from({ length: c.whole(40) }, candidate) },
    { description: description(), candidates: Array.from({ length: c.whole(5) }, candidate) },
    { description: odd(), candidates: odd() },
  ]);
}

/** Run something, and see that not one promise was rejected into the void. @param {() => Promise<void>} work */
async function quietly(work) {
  const lost = [];
  const note = (reason) => lost.push(reason);
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  try {
    await work();
    await flush();
  } finally {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
  }
  assert.deepEqual(lost, []);
}

test("ten thousand signals that are none hurt nobody", { timeout: 60_000 }, async () => {
  const { ada, pcs, errors, timers, begin, says, talking } = room();
  await quietly(async () => {
    await begin();
    assert.ok(talking());
    const c = chance(4_711);
    for (let n = 0; n < 10_000; n += 1) {
      says(anything(c));
      if (n % 500 === 0) await timers.pass(50);
    }
    await timers.pass(60_000);
    assert.ok(errors.length > 100); // they were looked at
    assert.ok(talking());
    assert.equal(ada.state().bob.state, "connected");
    assert.equal(pcs.bob.length, 1); // Bob's connection was not touched
  });
});

test("who talked nonsense may still be met", async () => {
  const { heard, pcs, timers, begin, says } = room(["mallory"]);
  await quietly(async () => {
    await begin();
    const c = chance(42);
    for (let n = 0; n < 500; n += 1) says(anything(c));
    await timers.pass(60_000);
    const theirs = fakeConnection();
    theirs.onicecandidate = ({ candidate }) => candidate && says({ candidates: [candidate] });
    theirs.addTrack(fakeTrack("video"), fakeStream("mallory-camera"));
    const offer = heard.findLast(({ description }) => description?.type === "offer");
    await theirs.setRemoteDescription(offer.description);
    await theirs.setLocalDescription();
    says({ description: { ...theirs.localDescription } });
    await timers.pass(1_000);
    assert.ok(pcs.ada.some((pc) => pc.transceivers.some((t) => t.from?.id === "mallory-camera")));
  });
});

const lines = (from, to) =>
  Array.from({ length: to - from }, (_, n) => `candidate:${n} 1 udp 1 192.168.0.${from + n} 445 typ host`);

/** Mallory's half of a pair, up to the answer that Ada takes. */
async function answered(bound) {
  const { heard, says, timers, begin, pcs } = bound;
  await begin();
  const theirs = fakeConnection({ candidates: 0 });
  const answer = async () => {
    const { description } = heard.findLast((signal) => signal.description?.type === "offer");
    await theirs.setRemoteDescription(description);
    await theirs.setLocalDescription();
    return { ...theirs.localDescription };
  };
  const fragment = () => /a=ice-ufrag:(\S+)/.exec(theirs.localDescription.sdp)[1];
  const knocks = async (all) => {
    for (const candidate of all) says({ candidates: [{ candidate, usernameFragment: fragment() }] });
    await timers.pass(100);
  };
  return { theirs, answer, knocks, tried: () => pcs.ada[0].received.length };
}

test("of what one other names, so many addresses are tried and no more", async () => {
  const bound = room(["mallory"]);
  const { answer, knocks, tried } = await answered(bound);
  bound.says({ description: await answer() });
  await knocks(lines(0, 254));
  assert.equal(tried(), 50);
  await knocks(lines(0, 10));
  assert.equal(tried(), 50);
});

test("a restart brings new ones", async () => {
  const bound = room(["mallory"]);
  const { theirs, answer, knocks, tried } = await answered(bound);
  bound.says({ description: await answer() });
  await knocks(lines(0, 60));
  bound.pcs.ada[0].restartIce();
  await bound.timers.pass(1_000);
  theirs.restartIce();
  bound.says({ description: await answer() });
  await bound.timers.pass(100);
  await knocks(lines(0, 60));
  assert.equal(tried(), 100);
});

test("those that stand in the description are counted with the others", async () => {
  const bound = room(["mallory"]);
  const { answer, knocks, tried } = await answered(bound);
  const { type, sdp } = await answer();
  const [head, last] = [sdp.split("\n").slice(0, -1), sdp.split("\n").at(-1)];
  const more = lines(0, 80).map((line) => `a=${line}`);
  bound.says({ description: { type, sdp: [...head, ...more, last].join("\n") } });
  await bound.timers.pass(100);
  const taken = bound.pcs.ada[0].remoteDescription.sdp;
  assert.equal(taken.match(/^a=candidate:/gm).length, 50);
  assert.ok(taken.startsWith(head.join("\n")) && taken.endsWith(last));
  await knocks(lines(0, 80));
  assert.equal(tried(), 0);
});
