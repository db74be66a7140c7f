import assert from "node:assert/strict";
import { test } from "node:test";

import { createNegotiation } from "../../assets/peermeet/negotiation.js";
import { fakeConnection, fakeStream, fakeTimers, fakeTrack, flush } from "./fakes.js";

/** Two sides and the wire between them; bob is polite. What is on the wire arrives when a test says so. */
function pair() {
  const timers = fakeTimers();
  const errors = [];
  const wire = { ada: [], bob: [] }; // what is on its way to each
  const side = (me, other, polite) => {
    const pc = fakeConnection();
    const say = (signal) => wire[other].push(structuredClone(signal));
    const negotiation = createNegotiation({
      connection: pc,
      polite,
      send: (description) => say({ description }),
      onError: (error) => errors.push(error),
      timers,
    });
    pc.onicecandidate = ({ candidate }) => candidate && say({ candidates: [candidate] });
    return { pc, negotiation, add: (kind) => pc.addTrack(fakeTrack(kind), fakeStream(`${me}-${kind}`)) };
  };
  const both = { ada: side("ada", "bob", false), bob: side("bob", "ada", true) };
  /** Deliver what is on the wire to one side, or to both until nobody says anything any more. */
  async function deliver(to) {
    for (let i = 0; i < 50; i += 1) {
      await flush();
      const due = (to ? [to] : ["ada", "bob"]).flatMap((name) => wire[name].splice(0).map((signal) => [name, signal]));
      if (!due.length) return;
      for (const [name, signal] of due) void both[name].negotiation.signaled(signal);
      if (to) return flush();
    }
    throw new Error("they never stop talking");
  }
  const talking = (sender, receiver) =>
    Object.keys(sender.pc.sending()).sort().join() ===
    receiver.pc.transceivers.flatMap((t) => t.from?.id ?? []).sort().join();
  return { ...both, wire, deliver, timers, errors, talking };
}

const descriptions = (signals) => signals.filter((s) => s.description).map((s) => s.description);

test("one side offers, the other answers", async () => {
  const { ada, bob, deliver, errors } = pair();
  ada.add("video");
  await deliver();
  assert.deepEqual(Object.keys(ada.pc.sending()), ["ada-video"]);
  assert.equal(bob.pc.transceivers[0].from.id, "ada-video");
  assert.deepEqual([ada.pc.connectionState, bob.pc.connectionState], ["connected", "connected"]);
  assert.deepEqual(errors, []);
});

test("of a new pair, the polite side leaves the first offer to the other for a while", async () => {
  const { ada, bob, deliver, timers, wire } = pair();
  bob.add("video");
  await timers.pass(499);
  assert.equal(wire.ada.length, 0);
  ada.add("video");
  await deliver();
  assert.equal(bob.pc.offers, 0); // the answer carried all of it
  assert.deepEqual(Object.keys(bob.pc.sending()), ["bob-video"]);
  await timers.pass(1000);
  assert.equal(bob.pc.offers, 0);
});

test("the polite side offers by itself when the other has nothing to say", async () => {
  const { ada, bob, deliver, timers } = pair();
  bob.add("video");
  await timers.pass(500);
  await deliver();
  assert.equal(ada.pc.transceivers[0].from.id, "bob-video");
});

test("an offer is taken back only when its first candidate is there", async () => {
  const { ada, bob, deliver, timers, wire, errors } = pair();
  bob.pc.iceGatheringState = "gathering";
  ada.add("video");
  bob.add("video");
  await timers.pass(500); // both have offered
  wire.bob = wire.bob.filter((signal) => signal.description);
  await deliver("bob");
  assert.equal(bob.pc.signalingState, "have-local-offer"); // ada's offer waits
  bob.pc.iceGatheringState = "complete";
  await timers.pass(20);
  await deliver();
  assert.deepEqual([ada.pc.signalingState, bob.pc.signalingState], ["stable", "stable"]);
  assert.deepEqual(errors, []);
});

test("glare: both offer at once, the polite one gives way, and both are seen", async () => {
  const { ada, bob, deliver, errors, talking, timers } = pair();
  for (const side of [ada, bob]) {
    side.add("audio");
    side.add("video");
  }
  await timers.pass(500); // nothing is delivered yet: both have offered
  assert.deepEqual([ada.pc.offers, bob.pc.offers], [1, 1]);
  await deliver();
  assert.ok(talking(ada, bob) && talking(bob, ada));
  assert.equal(Object.keys(bob.pc.sending()).length, 2);
  assert.equal(ada.pc.transceivers.length, 2); // the sections were shared, not doubled
  assert.deepEqual(errors, []);
  assert.equal(timers.waiting(), 0);
});

test("glare with different sources: what was taken back is offered again", async () => {
  const { ada, bob, deliver, errors, timers } = pair();
  ada.add("audio");
  bob.add("video");
  await timers.pass(500);
  await deliver();
  assert.deepEqual(Object.keys(ada.pc.sending()), ["ada-audio"]);
  assert.deepEqual(Object.keys(bob.pc.sending()), ["bob-video"]);
  assert.ok(ada.pc.transceivers.some((t) => t.from?.id === "bob-video"));
  assert.deepEqual(errors, []);
});

test("glare while a call is on, with candidates of the ignored offer", async () => {
  const { ada, bob, deliver, errors } = pair();
  ada.add("audio");
  await deliver();
  ada.add("video");
  bob.pc.restartIce(); // an offer with new candidates, which ada is going to ignore
  await flush();
  const before = ada.pc.received.length;
  await deliver("ada");
  assert.equal(ada.pc.received.length, before);
  await deliver();
  assert.equal(ada.pc.signalingState, "stable");
  assert.deepEqual(Object.keys(ada.pc.sending()).sort(), ["ada-audio", "ada-video"]);
  assert.deepEqual(errors, []);
});

test("candidates that come with an ignored offer are ignored with it, whosever they are", async () => {
  const { ada, bob, wire, deliver } = pair();
  bob.add("audio");
  await deliver();
  ada.add("video");
  bob.add("video");
  await flush();
  const [description] = descriptions(wire.ada.splice(0));
  const before = ada.pc.received.length;
  ada.pc.addIceCandidate = async (candidate) => void ada.pc.received.push(candidate);
  await ada.negotiation.signaled({ description, candidates: [{ candidate: "candidate:0", sdpMid: "0" }] });
  assert.equal(ada.pc.received.length, before);
});

test("an ignored offer does not spoil the candidates of the answer after it", async () => {
  const { ada, bob, wire, deliver, errors } = pair();
  ada.add("audio");
  bob.add("audio");
  await flush();
  await deliver("ada"); // ada ignores bob's offer
  await deliver("bob"); // bob takes ada's
  await flush();
  const [answer] = descriptions(wire.ada);
  const fragment = /a=ice-ufrag:(\S+)/.exec(answer.sdp)[1];
  const candidate = { candidate: "candidate:9", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: fragment };
  await ada.negotiation.signaled({ description: answer, candidates: [candidate] });
  assert.equal(ada.pc.received.at(-1).candidate, "candidate:9");
  assert.deepEqual(errors, []);
});

test("renegotiation in both directions, one after the other", async () => {
  const { ada, bob, deliver, talking, errors } = pair();
  for (const [side, kind] of [[ada, "audio"], [bob, "audio"], [bob, "video"], [ada, "video"]]) {
    side.add(kind);
    await deliver();
  }
  assert.ok(talking(ada, bob) && talking(bob, ada));
  assert.equal(ada.pc.transceivers.length, 2);
  assert.deepEqual(errors, []);
});

test("signals are applied one at a time, in order of arrival", async () => {
  const { ada, bob, wire, errors } = pair();
  ada.add("audio");
  await flush();
  const signals = wire.bob.splice(0);
  assert.ok(signals.length >= 2);
  await Promise.all(signals.map((signal) => bob.negotiation.signaled(signal))); // none waited for the one before
  assert.equal(bob.pc.received.length, 2);
  assert.deepEqual(errors, []);
});

test("late candidates are taken, those of nobody's offer are not", async () => {
  const { ada, bob, wire, deliver, errors } = pair();
  ada.add("audio");
  await flush();
  const [offer, ...candidates] = wire.bob.splice(0);
  await bob.negotiation.signaled(candidates[0]); // before any description
  assert.equal(bob.pc.received.length, 0);
  await bob.negotiation.signaled(offer);
  await deliver();
  await bob.negotiation.signaled(candidates[1]); // long after
  assert.equal(bob.pc.received.length, 1);
  const old = { ...candidates[1].candidates[0], usernameFragment: "of-another-generation" };
  await bob.negotiation.signaled({ candidates: [old] });
  assert.equal(bob.pc.received.length, 1);
  assert.deepEqual(errors, []);
});

test("a stale answer is ignored", async () => {
  const { ada, bob, wire, deliver, errors } = pair();
  ada.add("audio");
  await deliver("bob");
  const stale = structuredClone(wire.ada);
  await deliver();
  for (const signal of stale) await ada.negotiation.signaled(signal);
  assert.equal(ada.pc.signalingState, "stable");
  ada.add("video"); // and it answers no newer offer either
  await flush();
  for (const signal of stale) await ada.negotiation.signaled(signal);
  assert.equal(ada.pc.signalingState, "have-local-offer");
  await deliver();
  assert.equal(Object.keys(ada.pc.sending()).length, 2);
  assert.deepEqual([bob.pc.signalingState, errors], ["stable", []]);
});

test("an offer lost on its way is sent again, ever more rarely, until it is answered", async () => {
  const { ada, bob, wire, deliver, timers } = pair();
  ada.add("audio");
  await flush();
  const [first] = descriptions(wire.bob.splice(0));
  await timers.pass(4_000);
  assert.deepEqual(descriptions(wire.bob.splice(0)), [first]);
  await timers.pass(4_000);
  assert.deepEqual(wire.bob, []);
  await timers.pass(4_000);
  await deliver();
  assert.equal(bob.pc.transceivers[0].from.id, "ada-audio");
  assert.equal(timers.waiting(), 0);
});

test("when the answer was lost, the same offer gets the same answer", async () => {
  const { ada, bob, wire, deliver, errors } = pair();
  ada.add("audio");
  await deliver("bob");
  const [answer] = descriptions(wire.ada.splice(0));
  await ada.negotiation.resend();
  await deliver("bob");
  assert.deepEqual(descriptions(wire.ada), [answer]);
  await deliver();
  assert.equal(ada.pc.signalingState, "stable");
  await ada.negotiation.resend(); // nothing is unanswered now
  assert.deepEqual(wire.bob, []);
  assert.deepEqual([bob.pc.signalingState, errors], ["stable", []]);
});

test("a lost answer and an offer of the polite side cross: both are seen in the end", async () => {
  const { ada, bob, wire, deliver, errors } = pair();
  ada.add("audio");
  await deliver("bob");
  wire.ada.length = 0; // the answer is lost
  bob.add("video");
  await deliver("ada"); // ignored: ada's own offer is still out
  await ada.negotiation.resend();
  await deliver();
  assert.deepEqual(Object.keys(bob.pc.sending()), ["bob-video"]);
  assert.ok(ada.pc.transceivers.some((t) => t.from?.id === "bob-video"));
  assert.deepEqual(errors, []);
});

test("a stuck connection is reported after its patience, and hangs nobody else", async () => {
  const { ada, bob, errors, timers } = pair();
  const other = pair();
  bob.pc.stuck = true;
  const [offer] = await (async () => {
    const donor = pair();
    donor.ada.add("audio");
    await flush();
    return descriptions(donor.wire.bob);
  })();
  let settled = false;
  bob.negotiation.signaled({ description: offer }).then(() => (settled = true));
  other.ada.add("audio");
  await other.deliver();
  assert.equal(other.bob.pc.transceivers[0].from.id, "ada-audio");
  assert.equal(settled, false);
  await timers.pass(5_000);
  assert.equal(settled, true);
  assert.equal(errors.length, 1);
  assert.equal(ada.pc.signalingState, "stable");
});

test("after closing nothing is said, nothing is reported, nothing waits", async () => {
  const { ada, bob, wire, timers, errors } = pair();
  ada.add("audio");
  await flush();
  const signals = wire.bob.splice(0);
  void bob.negotiation.signaled(signals[0]); // still under way when it closes
  bob.negotiation.close();
  bob.pc.close();
  ada.negotiation.close();
  ada.pc.close();
  for (const signal of signals) void bob.negotiation.signaled(signal);
  await timers.pass(60_000);
  assert.deepEqual([wire.ada, wire.bob, errors], [[], [], []]);
  assert.equal(timers.waiting(), 0);
});

test("what a browser refuses is reported, and the next signal is heard", async () => {
  const { ada, bob, wire, errors, deliver } = pair();
  await bob.negotiation.signaled({ description: { type: "offer", sdp: "a=ice-ufrag:x\nnonsense" } });
  assert.equal(errors.length, 1);
  ada.add("audio");
  await deliver();
  assert.equal(bob.pc.transceivers[0].from.id, "ada-audio");
  assert.deepEqual(wire.ada, []);
});
