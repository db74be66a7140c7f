import assert from "node:assert/strict";
import { test } from "node:test";

import { CHAT_LINES, called, evolve, find, roster } from "../../assets/peermeet/room.js";

const ada = { id: "ada", name: "Ada", publications: [] };
const bob = { id: "bob", name: "Bob", publications: [] };
const doors = { lobby: true, locked: false, wait_for_host: false, one_device: false, chat: "meeting" };
const den = { id: "den", capacity: 16, grace: 30, participants: [ada], doors, owner: "", history: [], out: [] };
const kim = { id: "kim", name: "Kim", presence: "knocking", publications: [] };
const ids = ({ participants }) => participants.map((p) => p.id);
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
  for (const type of ["signaled", "message_sent", "mute_asked", "something_of_next_year"]) {
    assert.equal(evolve(den, { type }), den);
  }
});

test("waiting is a room with nobody else in it", () => {
  const room = { ...den, participants: [kim] };
  assert.deepEqual(evolve(null, { type: "waiting", you: "kim", room, why: "lobby" }), room);
  assert.deepEqual(roster(room), []);
});

test("who knocks is no part of the roster, and sits at its end when admitted", () => {
  const asked = evolve(den, { type: "knocked", participant: kim });
  assert.deepEqual(ids(asked), ["ada", "kim"]);
  assert.deepEqual(roster(asked), [ada]);
  const more = evolve(asked, { type: "participant_joined", participant: bob });
  const admitted = { type: "participant_joined", participant: { ...kim, presence: "online" } };
  const once = evolve(more, admitted);
  assert.deepEqual(ids(once), ["ada", "bob", "kim"]);
  assert.deepEqual(evolve(once, admitted), once);
  assert.deepEqual(ids(evolve(asked, { type: "participant_left", id: "kim", reason: "denied" })), ["ada"]);
});

test("doors and exiles are told whole", () => {
  const set = { ...doors, locked: true };
  assert.deepEqual(evolve(den, { type: "room_changed", doors: set }), { ...den, doors: set });
  const out = [{ user: "u-cem", name: "Cem", banned: false, until: null }];
  assert.deepEqual(evolve(den, { type: "exiles_changed", out }), { ...den, out });
});

const said = (id, text = "hi") => ({ type: "message_sent", by: "ada", topic: "chat", data: { text }, id, at: 7 });

test("what is said to all is kept, once, and so many lines of it", () => {
  const once = evolve(den, said("m0"));
  assert.deepEqual(once.history, [{ id: "m0", by: "ada", user: undefined, name: "Ada", text: "hi", at: 7 }]);
  assert.equal(evolve(once, said("m0")), once);
  let room = den;
  for (let i = 0; i < CHAT_LINES + 5; i += 1) room = evolve(room, said(`m${i}`));
  assert.equal(room.history.length, CHAT_LINES);
  assert.equal(room.history[0].id, "m5");
});

test("nothing else is kept", () => {
  for (const change of [
    { to: "bob" },
    { topic: "poll" },
    { by: "nobody" },
    { data: "hi" },
    { data: null },
    { data: { text: 7 } },
    { data: { text: "hi", html: "<b>" } },
  ]) {
    assert.equal(evolve(den, { ...said("m1"), ...change }), den);
  }
  const off = { ...den, doors: { ...doors, chat: "off" } };
  assert.equal(evolve(off, said("m1")), off);
});

test("a line is deleted, or all, or all when the room is set to keep nothing", () => {
  const room = evolve(evolve(den, said("m1")), said("m2"));
  const left = (event) => evolve(room, event).history.map(({ id }) => id);
  assert.deepEqual(left({ type: "message_deleted", id: "m1" }), ["m2"]);
  assert.deepEqual(left({ type: "message_deleted", id: null }), []);
  assert.deepEqual(left({ type: "room_changed", doors: { ...doors, lobby: false } }), ["m1", "m2"]);
  assert.deepEqual(left({ type: "room_changed", doors: { ...doors, chat: "off" } }), []);
});

test("the room before is never touched", () => {
  const frozen = Object.freeze({ ...den, participants: Object.freeze([Object.freeze(ada)]) });
  evolve(frozen, { type: "participant_joined", participant: bob });
  evolve(frozen, { type: "participant_changed", participant: { ...ada, name: "A" } });
  evolve(frozen, { type: "participant_left", id: "ada", reason: "left" });
  assert.deepEqual(frozen.participants, [ada]);
});

test("the tabs of one person are told apart", () => {
  const [one, two] = [{ ...ada, user: "u1" }, { ...bob, user: "u2" }];
  const room = { ...den, participants: [one, two, { ...one, id: "a2" }, { ...one, id: "a3" }] };
  assert.deepEqual(room.participants.map((p) => called(room, p)), ["Ada", "Bob", "Ada (2)", "Ada (3)"]);
  assert.equal(called(den, two), "Bob"); // who is not here has one tab
});

test("find", () => {
  assert.equal(find(den, "ada"), ada);
  assert.equal(find(den, "bob"), null);
  assert.equal(find(null, "ada"), null);
  assert.deepEqual(roster(null), []);
});
