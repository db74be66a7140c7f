import assert from "node:assert/strict";
import { test } from "node:test";

import { createPeer } from "../../assets/peermeet/peer.js";
import { fakeConnection, fakeStream, fakeTimers, fakeTrack, flush } from "./fakes.js";

/**
 * Two peers, back to back. What one signals reaches the other, unless the wire is cut, for one or both: then it is
 * lost, and who said it knows. Or it is `swallowed`, and nobody does.
 */
function pair({ candidates = 2 } = {}) {
  const timers = fakeTimers();
  const errors = [];
  const wire = { cut: false, swallows: false, answer: {} };
  const relays = { fresh: Promise.resolve() };
  const sides = {};
  const side = (me, other, polite) => {
    const pc = fakeConnection({ candidates });
    const signals = [];
    let changes = 0;
    const peer = createPeer({
      connection: pc,
      polite,
      signal: async (signal) => {
        signals.push(structuredClone(signal));
        if (wire.cut === true || wire.cut === me) return { error: { code: "offline" } };
        if (wire.answer.error || wire.swallows) return wire.answer;
        void sides[other].peer.signaled(structuredClone(signal));
        return {};
      },
      configuration: () => ({ iceServers: [{ urls: "stun:relay.example" }] }),
      fresh: () => relays.fresh,
      onChange: () => (changes += 1),
      onError: (error) => errors.push(error),
      timers,
    });
    const streams = {};
    const send = (source, kind, track = fakeTrack(kind)) => {
      streams[source] ??= fakeStream(`${me}-${source}`);
      peer.send(source, streams[source], track);
      return track;
    };
    sides[me] = { pc, peer, signals, send, streams, changes: () => changes };
  };
  side("ada", "bob", false);
  side("bob", "ada", true);
  const settle = () => timers.pass(100);
  return { ...sides, wire, relays, timers, errors, settle };
}

async function call() {
  const both = pair();
  const camera = both.ada.send("camera", "video");
  both.bob.send("microphone", "audio");
  await both.settle();
  return { ...both, camera };
}

test("both offer at once, and both see each other, by the announced stream id", async () => {
  const { ada, bob, errors } = await call();
  assert.equal(bob.peer.stream("ada-camera").id, "ada-camera");
  assert.equal(ada.peer.stream("bob-microphone").id, "bob-microphone");
  assert.equal(ada.peer.stream("bob-camera"), null);
  assert.deepEqual([ada.peer.state(), bob.peer.state()], ["connected", "connected"]);
  assert.ok(bob.changes() > 0);
  assert.deepEqual(errors, []);
});

test("off and on again: one sender, no negotiation, nothing sent meanwhile", async () => {
  const { ada, bob, camera, settle } = await call();
  const offers = ada.pc.offers + bob.pc.offers;
  ada.send("camera", "video", null);
  await settle();
  assert.deepEqual(ada.pc.sending(), {});
  ada.send("camera", "video", camera);
  await settle();
  assert.deepEqual(ada.pc.sending(), { "ada-camera": camera });
  assert.equal(ada.pc.offers + bob.pc.offers, offers);
  assert.equal(bob.peer.stream("ada-camera").id, "ada-camera");
});

test("switched faster than the connection can follow, the last word counts", async () => {
  const { ada, camera, settle } = await call();
  for (const track of [null, camera, null, camera]) ada.send("camera", "video", track);
  await settle();
  assert.deepEqual(ada.pc.sending(), { "ada-camera": camera });
  for (const track of [null, camera, null]) ada.send("camera", "video", track);
  await settle();
  assert.deepEqual(ada.pc.sending(), {});
});

test("a source that is off from the start is not added, and costs no negotiation", async () => {
  const { ada, settle } = pair();
  ada.send("camera", "video", null);
  await settle();
  assert.equal(ada.pc.transceivers.length, 0);
  assert.deepEqual(ada.signals, []);
});

test("two sources never share a sender, even if one was switched off before it was negotiated", async () => {
  const { ada, bob, wire, settle } = pair();
  wire.cut = true;
  ada.send("camera", "video");
  ada.send("camera", "video", null);
  await settle();
  const screen = ada.send("screen", "video");
  const camera = ada.send("camera", "video");
  wire.cut = false;
  ada.peer.resend();
  await settle();
  assert.deepEqual(ada.pc.sending(), { "ada-screen": screen, "ada-camera": camera });
  assert.ok(bob.peer.stream("ada-screen") && bob.peer.stream("ada-camera"));
});

test("a source taken back disappears for the other, and may come again", async () => {
  const { ada, bob, settle } = await call();
  ada.send("screen", "video");
  await settle();
  assert.ok(bob.peer.stream("ada-screen"));
  ada.peer.remove("screen");
  await settle();
  assert.equal(bob.peer.stream("ada-screen"), null);
  const screen = ada.send("screen", "video");
  await settle();
  assert.equal(ada.pc.sending()["ada-screen"], screen);
  assert.ok(bob.peer.stream("ada-screen"));
});

test("candidates are bundled, at most 24 in a signal", async () => {
  const { ada, timers } = pair({ candidates: 30 });
  ada.send("camera", "video");
  await flush();
  assert.deepEqual(ada.signals.map((s) => [s.description?.type, s.candidates?.length]), [["offer", undefined]]);
  await timers.pass(20);
  const bundles = ada.signals.filter((s) => s.candidates && !s.description).map((s) => s.candidates.length);
  assert.deepEqual(bundles, [24, 6]);
  assert.deepEqual(Object.keys(ada.signals[1].candidates[0]).sort(), [
    "candidate", "sdpMLineIndex", "sdpMid", "usernameFragment",
  ]);
});

test("candidates that are there in time go with the description", async () => {
  const { ada, settle, wire } = pair();
  wire.cut = true;
  ada.send("camera", "video");
  await settle();
  wire.cut = false;
  ada.peer.resend();
  await settle();
  const offer = ada.signals.findLast((s) => s.description);
  assert.equal(offer.candidates.length, 2);
});

test("an offer lost with the socket is sent again with its candidates", async () => {
  const { ada, bob, wire, settle } = pair();
  wire.cut = true;
  ada.send("camera", "video");
  await settle();
  assert.equal(bob.pc.signalingState, "stable");
  wire.cut = false;
  ada.peer.resend();
  await settle();
  assert.ok(bob.peer.stream("ada-camera"));
  assert.deepEqual([ada.peer.state(), bob.peer.state()], ["connected", "connected"]);
});

test("an answer lost with the socket is said again with its candidates", async () => {
  const { ada, bob, wire, settle } = pair();
  wire.cut = "bob"; // hears the offer, and whatever he says is lost
  ada.send("camera", "video");
  await settle();
  assert.equal(ada.pc.signalingState, "have-local-offer");
  wire.cut = false;
  ada.peer.resend(); // one sees the other online again
  bob.peer.resend(); // the other is welcomed
  await settle();
  assert.equal(ada.pc.signalingState, "stable");
  assert.deepEqual([ada.peer.state(), bob.peer.state()], ["connected", "connected"]);
  assert.equal(bob.pc.offers, 0);
});

test("candidates that were taken and lost all the same are said again", async () => {
  const { ada, bob, wire, settle } = pair();
  ada.send("camera", "video");
  await flush();
  wire.swallows = true;
  await settle();
  wire.swallows = false;
  assert.deepEqual([ada.pc.signalingState, ada.peer.state()], ["stable", "connecting"]);
  ada.peer.resend();
  bob.peer.resend();
  await settle();
  assert.deepEqual([ada.peer.state(), bob.peer.state()], ["connected", "connected"]);
});

test("candidates the server had no time for go out again", async () => {
  const { ada, bob, wire, settle, timers } = pair();
  ada.send("camera", "video");
  await flush();
  wire.answer = { error: { code: "too_many" } };
  await settle();
  wire.answer = {};
  await timers.pass(5_000);
  assert.equal(ada.peer.state(), "connected");
  assert.equal(bob.peer.state(), "connected");
});

test("failed: ICE restarts at once, with fresh relays, and the call heals without a new connection", async () => {
  const { ada, bob, settle } = await call();
  const offers = ada.pc.offers;
  ada.pc.become("failed");
  await settle();
  assert.equal(ada.pc.offers, offers + 1);
  assert.equal(ada.pc.configurations.length, 1);
  assert.deepEqual([ada.peer.state(), bob.peer.state()], ["connected", "connected"]);
  assert.ok(bob.peer.stream("ada-camera"));
});

test("a restart waits for relays that are on their way", async () => {
  const { ada, relays, settle } = await call();
  const offers = ada.pc.offers;
  let arrive;
  relays.fresh = new Promise((resolve) => (arrive = resolve));
  ada.pc.become("failed");
  await settle();
  assert.deepEqual([ada.pc.offers, ada.pc.configurations.length], [offers, 0]);
  arrive();
  await settle();
  assert.deepEqual([ada.pc.offers, ada.pc.configurations.length], [offers + 1, 1]);
  assert.equal(ada.peer.state(), "connected");
});

test("new relays are handed to a connection that stands, and nothing else happens", async () => {
  const { ada, settle } = await call();
  const said = ada.signals.length;
  ada.peer.configure();
  await settle();
  assert.deepEqual(ada.pc.configurations, [{ iceServers: [{ urls: "stun:relay.example" }] }]);
  assert.equal(ada.signals.length, said);
});

test("disconnected: a second of patience before ICE restarts", async () => {
  const { ada, timers } = await call();
  const offers = ada.pc.offers;
  ada.pc.become("disconnected");
  await timers.pass(900);
  ada.pc.become("connected"); // by itself
  await timers.pass(2_000);
  assert.equal(ada.pc.offers, offers);
  ada.pc.become("disconnected");
  await timers.pass(1_000);
  assert.equal(ada.pc.offers, offers + 1);
});

test("a restart that nobody heard is said again, not made again", async () => {
  const { ada, wire, settle } = await call();
  wire.cut = true;
  ada.pc.become("disconnected");
  await settle();
  ada.peer.restart();
  await settle();
  const offers = ada.pc.offers;
  ada.pc.become("failed");
  await settle();
  assert.equal(ada.pc.offers, offers);
  wire.cut = false;
  ada.peer.resend();
  await settle();
  assert.equal(ada.peer.state(), "connected");
  assert.equal(ada.pc.offers, offers);
});

test("a connection that was never used is not restarted", async () => {
  const { ada, settle } = pair();
  ada.peer.restart();
  ada.peer.resend();
  await settle();
  assert.deepEqual([ada.signals, ada.pc.configurations], [[], []]);
});

test("closed: silent, and whatever is asked of it does no harm", async () => {
  const { ada, errors, timers, settle, camera } = await call();
  ada.send("camera", "video", null); // under way
  ada.peer.close();
  const [said, changes] = [ada.signals.length, ada.changes()];
  ada.peer.close();
  ada.send("camera", "video", camera);
  ada.send("screen", "video");
  ada.peer.remove("camera");
  ada.peer.restart();
  ada.peer.resend();
  void ada.peer.signaled({ description: { type: "offer", sdp: "" } });
  await settle();
  await timers.pass(60_000);
  assert.equal(ada.pc.connectionState, "closed");
  assert.deepEqual([ada.signals.length, ada.changes(), errors], [said, changes, []]);
});
