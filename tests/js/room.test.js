import assert from "node:assert/strict";
import { test } from "node:test";

import { evolve, find } from "../../assets/peermeet/room.js";

const ada = { id: "ada", name: "Ada", publications: [] };
const bob = { id: "bob", name: "Bob", publications: [] };
const den = { id: "den", capacity: 16, grace: 30, participants: [ada] };
const welcomed = { type: "welcomed", you: "ada", room: den };

test("welcomed is the whole room, whatever was known before", () => {
  assert.deepEqual(evolve(null, welcomed), den);
  assert.deepEqual(evolve({ ...den, participants: [bob] }, welcomed), den);
});

test("before the first welcomed there is no room", () => {
  assert.equal(evolve(null, { type: "participant_joined", participant: bob }), null);
});

test("who joins comes last, and hearing it twice changes nothing", () => {
  const joined = { type: "participant_joined", participant: bob };
  const once = evolve(den, joined);
  assert.deepEqual(once.participants.map((p) => p.id), ["ada", "bob"]);
  assert.deepEqual(evolve(once, joined), once);
});

test("a change replaces the participant whole, in place", () => {
  const both = { ...den, participants: [ada, bob] };
  const changed = { type: "participant_changed", participant: { ...ada, name: "Ada L." } };
  assert.deepEqual(evolve(both, changed).participants, [{ ...ada, name: "Ada L." }, bob]);
});

test("a change of somebody unknown seats them", () => {
  const changed = { type: "participant_changed", participant: bob };
  assert.deepEqual(evolve(den, changed).participants, [ada, bob]);
});

test("who left is gone; leaving twice or unknown does no harm", () => {
  const left = { type: "participant_left", id: "ada", reason: "left" };
  const empty = evolve(den, left);
  assert.deepEqual(empty.participants, []);
  assert.deepEqual(evolve(empty, left), empty);
});

test("signals, messages and what is not known yet leave the room as it is", () => {
  for (const type of ["signaled", "message_sent", "something_of_next_year"]) {
    assert.equal(evolve(den, { type }), den);
  }
});

test("the room before is never touched", () => {
  const frozen = Object.freeze({ ...den, participants: Object.freeze([Object.freeze(ada)]) });
  evolve(frozen, { type: "participant_joined", participant: bob });
  evolve(frozen, { type: "participant_changed", participant: { ...ada, name: "A" } });
  evolve(frozen, { type: "participant_left", id: "ada", reason: "left" });
  assert.deepEqual(frozen.participants, [ada]);
});

test("find", () => {
  assert.equal(find(den, "ada"), ada);
  assert.equal(find(den, "bob"), null);
  assert.equal(find(null, "ada"), null);
});
