import assert from "node:assert/strict";
import { test } from "node:test";

import { createMesh } from "../../assets/peermeet/mesh.js";
import { fakeConnection, fakeStream, fakeTimers, fakeTrack } from "./fakes.js";

/** A room of meshes. `seated(...)` tells everybody the roster; signals go to whom they are for. */
function den(...names) {
  const timers = fakeTimers();
  const errors = [];
  const seats = {};
  const roster = new Map();
  for (const name of names) {
    const pcs = [];
    const seat = { pcs, broken: false, lost: [], said: [], cut: false };
    seat.mesh = createMesh({
      createConnection: (configuration) => {
        if (seat.broken) throw new Error("Cannot create so many PeerConnections");
        const pc = Object.assign(fakeConnection(), { configuration });
        pcs.push(pc);
        return pc;
      },
      configuration: () => ({ bundlePolicy: "max-bundle" }),
      signal: async (to, signal) => {
        seat.said.push({ to, ...signal });
        if (seat.cut) return { error: { code: "offline" } };
        if (seats[to].cut || !roster.has(to)) return {};
        seats[to].mesh.signaled({ by: name, ...structuredClone(signal) });
        return {};
      },
      onChange: () => (seat.changes = (seat.changes ?? 0) + 1),
      onError: (error) => errors.push(error),
      timers,
    });
    seats[name] = seat;
  }
  const settle = () => timers.pass(600); // longer than the head start of the other side's first offer
  const tellAll = async () => {
    const participants = [...roster.values()];
    for (const p of participants) seats[p.id].mesh.reconcile(p.id, participants);
    await settle();
  };
  const person = (id) => ({ id, presence: "online", publications: [] });
  const seated = (...ids) => {
    for (const id of [...roster.keys()]) if (!ids.includes(id)) roster.delete(id);
    for (const id of ids) if (!roster.has(id)) roster.set(id, person(id));
    return tellAll();
  };
  const publish = (id, source) => {
    const [stream, kind] = [fakeStream(`${id}-${source}`), source === "microphone" ? "audio" : "video"];
    const track = fakeTrack(kind);
    const p = roster.get(id) ?? person(id);
    roster.set(id, { ...p, publications: [...p.publications, { source, stream_id: stream.id, muted: false }] });
    seats[id].mesh.send(source, stream, track);
    return { stream, track };
  };
  const presence = (id, now) => {
    roster.set(id, { ...roster.get(id), presence: now });
    return tellAll();
  };
  const peers = (id) => Object.keys(seats[id].mesh.state());
  const sees = (id) => {
    const links = Object.entries(seats[id].mesh.state());
    return Object.fromEntries(links.map(([other, { streams }]) => [other, Object.keys(streams).sort().join()]));
  };
  return { seats, seated, publish, presence, peers, sees, tellAll, settle, timers, errors, roster };
}

test("everybody has one peer for everybody else, and sees what they publish", async () => {
  const { seats, seated, publish, peers, sees, errors } = den("ada", "bob", "cem", "dan");
  for (const name of ["ada", "bob", "cem", "dan"]) {
    publish(name, "camera");
    publish(name, "microphone");
  }
  await seated("ada", "bob", "cem", "dan");
  assert.deepEqual(peers("cem"), ["ada", "bob", "dan"]);
  const both = "camera,microphone";
  assert.deepEqual(sees("ada"), { bob: both, cem: both, dan: both });
  assert.deepEqual(sees("dan"), { ada: both, bob: both, cem: both });
  assert.equal(seats.ada.mesh.state().bob.state, "connected");
  assert.equal(seats.ada.mesh.stream("bob", "camera").id, "bob-camera");
  assert.equal(seats.ada.pcs[0].configuration.bundlePolicy, "max-bundle");
  assert.deepEqual(errors, []);
});

test("of a pair, exactly the greater id is polite", async () => {
  const { seats, seated, publish } = den("ada", "bob");
  publish("ada", "camera");
  publish("bob", "camera");
  await seated("ada", "bob");
  const offers = (name) => seats[name].said.filter((s) => s.description?.type === "offer").length;
  assert.deepEqual([offers("ada"), offers("bob")], [1, 0]); // a new pair's first offer is left to the other
  const answers = (name) => seats[name].said.filter((s) => s.description?.type === "answer").length;
  assert.deepEqual([answers("ada"), answers("bob")], [0, 1]);
});

test("who comes gets a peer, who goes loses it, the rest keep the very same connection", async () => {
  const { seats, seated, publish, peers } = den("ada", "bob", "cem");
  publish("ada", "camera");
  await seated("ada", "bob");
  const [withBob] = seats.ada.pcs;
  await seated("ada", "bob", "cem");
  await seated("ada", "bob", "cem"); // hearing it twice does no harm
  assert.equal(seats.ada.pcs.length, 2);
  await seated("ada", "bob");
  assert.deepEqual(peers("ada"), ["bob"]);
  assert.equal(seats.ada.pcs[1].connectionState, "closed");
  assert.equal(seats.ada.pcs[0], withBob);
  assert.equal(withBob.connectionState, "connected");
});

test("who comes later is sent what is on, and nothing that is off", async () => {
  const { seats, seated, publish, sees } = den("ada", "bob");
  const { track } = publish("ada", "camera");
  const microphone = publish("ada", "microphone");
  seats.ada.mesh.send("microphone", microphone.stream, null);
  await seated("ada", "bob");
  assert.deepEqual(seats.ada.pcs[0].sending(), { "ada-camera": track });
  assert.deepEqual(sees("bob"), { ada: "camera" });
});

test("what we send goes to everybody, and so does sending nothing", async () => {
  const { seats, seated, publish } = den("ada", "bob", "cem");
  await seated("ada", "bob", "cem");
  const { stream, track } = publish("ada", "camera");
  await seated("ada", "bob", "cem");
  for (const pc of seats.ada.pcs) assert.deepEqual(pc.sending(), { "ada-camera": track });
  seats.ada.mesh.send("camera", stream, null);
  await seated("ada", "bob", "cem");
  for (const pc of seats.ada.pcs) assert.deepEqual(pc.sending(), {});
});

test("a stream is found however late it is announced, and never without", async () => {
  const { seats, seated, sees, settle, roster, tellAll } = den("ada", "bob");
  await seated("ada", "bob");
  seats.ada.mesh.send("camera", fakeStream("s-cam"), fakeTrack("video"));
  await settle();
  assert.deepEqual(sees("bob"), { ada: "" });
  const publications = [{ source: "camera", stream_id: "s-cam", muted: false }];
  roster.set("ada", { ...roster.get("ada"), publications });
  await tellAll();
  assert.deepEqual(sees("bob"), { ada: "camera" });
});

test("a source taken back is gone for everybody, and not sent to who comes later", async () => {
  const { seats, seated, publish, sees } = den("ada", "bob", "cem");
  publish("ada", "screen");
  await seated("ada", "bob");
  seats.ada.mesh.remove("screen");
  await seated("ada", "bob", "cem");
  assert.deepEqual(sees("bob"), { ada: "", cem: "" });
  assert.deepEqual(seats.ada.pcs[1].sending(), {});
});

test("signals of nobody on the roster are nobody's", async () => {
  const { seats, seated, peers, errors } = den("ada", "bob");
  seats.ada.mesh.signaled({ by: "mallory", description: { type: "offer", sdp: "x" } });
  await seated("ada", "bob");
  seats.ada.mesh.signaled({ by: "mallory", candidates: [{ candidate: "x" }] });
  seats.ada.mesh.signaled({ by: "ada", candidates: [] });
  assert.deepEqual([peers("ada"), errors], [["bob"], []]);
});

test("an offer that nobody heard is sent again when its hearer is back online", async () => {
  const { seats, seated, publish, presence, sees } = den("ada", "bob");
  await seated("ada", "bob");
  seats.bob.cut = true;
  await presence("bob", "away");
  publish("ada", "camera");
  await presence("bob", "away");
  assert.deepEqual(sees("bob"), { ada: "" });
  seats.bob.cut = false;
  await presence("bob", "online");
  assert.deepEqual(sees("bob"), { ada: "camera" });
  assert.equal(seats.ada.pcs.length, 1);
});

test("an offer that was lost with our own socket is sent again after the next welcomed", async () => {
  const { seats, seated, publish, sees, settle } = den("ada", "bob");
  await seated("ada", "bob");
  seats.ada.cut = true;
  publish("ada", "camera");
  await settle();
  seats.ada.cut = false;
  await seated("ada", "bob");
  seats.ada.mesh.resend();
  await settle();
  assert.deepEqual(sees("bob"), { ada: "camera" });
});

test("a connection that cannot be made costs only that peer, and is tried again", async () => {
  const { seats, seated, peers, errors } = den("ada", "bob", "cem");
  await seated("ada", "bob");
  seats.ada.broken = true;
  await seated("ada", "bob", "cem");
  assert.deepEqual([peers("ada"), errors.length], [["bob"], 1]);
  seats.ada.broken = false;
  await seated("ada", "bob", "cem");
  assert.deepEqual(peers("ada"), ["bob", "cem"]);
});

test("one stuck connection hangs nobody else", async () => {
  const { seats, seated, publish, sees } = den("ada", "bob", "cem");
  await seated("ada", "bob", "cem");
  seats.ada.pcs[0].stuck = true;
  publish("cem", "camera");
  publish("bob", "camera");
  await seated("ada", "bob", "cem");
  assert.equal(sees("ada").cem, "camera");
});

for (const [what, ada, bob] of [
  ["both send", true, true],
  ["only the one who stayed", true, false],
  ["only the one who began anew", false, true],
]) {
  test(`the other page began anew in its seat: it is met with a new connection (${what})`, async () => {
    const { seats, seated, publish, peers, sees, settle, roster, errors } = den("ada", "bob", "cem");
    if (ada) publish("ada", "camera");
    if (bob) publish("bob", "camera");
    publish("cem", "camera");
    await seated("ada", "bob", "cem");
    const adaToCem = seats.ada.pcs[peers("ada").indexOf("cem")];
    seats.bob.mesh.close(); // and nobody hears that bob left
    roster.set("bob", { ...roster.get("bob"), publications: [] });
    if (bob) publish("bob", "camera");
    await seated("ada", "bob", "cem");
    for (const pc of [...seats.ada.pcs, ...seats.cem.pcs]) if (pc.connectionState !== "closed") pc.become("failed");
    await settle();
    assert.deepEqual(sees("ada"), { bob: bob ? "camera" : "", cem: "camera" });
    assert.deepEqual(sees("bob"), { ada: ada ? "camera" : "", cem: "camera" });
    assert.equal(seats.ada.mesh.state().bob.state, "connected");
    assert.equal(seats.bob.mesh.state().ada.state, "connected");
    assert.equal(adaToCem.connectionState, "connected");
    assert.deepEqual(errors, []);
  });
}

test("another seat is another person to everybody: all connections are new", async () => {
  const { seats, seated } = den("ada", "bob");
  await seated("ada", "bob");
  const bob = { id: "bob", presence: "online", publications: [] };
  seats.ada.mesh.reconcile("ada-again", [bob, { ...bob, id: "ada-again" }]);
  assert.equal(seats.ada.pcs[0].connectionState, "closed");
  assert.equal(seats.ada.pcs.length, 2);
});

test("closed: no peers, every connection closed", async () => {
  const { seats, seated, publish, peers } = den("ada", "bob", "cem");
  publish("ada", "camera");
  await seated("ada", "bob", "cem");
  seats.ada.mesh.close();
  assert.deepEqual(peers("ada"), []);
  assert.ok(seats.ada.pcs.every((pc) => pc.connectionState === "closed"));
});

for (const [who, renews] of [["both", ["ada", "bob"]], ["one, and the other hears it", ["bob"]]]) {
  test(`begun anew by ${who}: other connections, and the same to see`, async () => {
    const { seats, seated, publish, sees, settle, errors } = den("ada", "bob");
    for (const id of ["ada", "bob"]) publish(id, "camera");
    await seated("ada", "bob");
    for (const id of renews) seats[id].mesh.renew();
    assert.equal(seats.bob.pcs[0].connectionState, "closed");
    await settle();
    for (const [id, other] of [["ada", "bob"], ["bob", "ada"]]) {
      assert.deepEqual(seats[id].pcs.map((pc) => pc.connectionState), ["closed", "connected"]);
      assert.deepEqual(sees(id), { [other]: "camera" });
    }
    assert.deepEqual(errors, []);
  });
}
