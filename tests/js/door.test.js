import assert from "node:assert/strict";
import { test } from "node:test";

import { createDoor } from "../../assets/peermeet/door.js";
import { flush } from "./fakes.js";

const refused = (code, field) => ({ error: { code, message: `${code}.`, ...(field && { field }) } });

/** A door whose server is in the test's hands: `answers` are given one after the other, to whatever is asked. */
function door(answers, settings = {}) {
  const asked = []; // path and body
  const clock = { now: 0 };
  let changes = 0;
  let serial = 0;
  const ask = async (method, path, body) => {
    asked.push([`${method} ${path}`, body]);
    const answer = answers.shift() ?? "ticket";
    return answer === "ticket" ? { ticket: `t${(serial += 1)}` } : answer;
  };
  const one = createDoor({ room: "den", ask, onChange: () => (changes += 1), now: () => clock.now, ...settings });
  const said = () => asked.filter(([what]) => what === "POST /api/tickets").map(([, body]) => body);
  return { ...one, asked, said, clock, changes: () => changes };
}

test("it opens, and the ticket is kept for who goes on in time", async () => {
  const { knock, come, ticket, state, said } = door([]);
  assert.deepEqual(state(), { asked: false, open: false, needs: null, refusal: null });
  await knock();
  assert.deepEqual(state(), { asked: true, open: true, needs: null, refusal: null });
  assert.deepEqual(await come(), { open: true, error: null });
  assert.deepEqual(await ticket(), { ticket: "t1" });
  assert.deepEqual(await ticket(), { ticket: "t2" }); // each is good once
  assert.deepEqual(said(), [{ room: "den" }, { room: "den" }]);
});

test("a ticket that was kept too long is another one, and a door may be closed by then", async () => {
  const { knock, come, ticket, state, clock } = door(["ticket", "ticket", refused("closed")]);
  await knock();
  clock.now = 50_000;
  assert.equal((await come()).open, true);
  assert.deepEqual(await ticket(), { ticket: "t2" });
  assert.equal((await come()).open, false);
  assert.equal(state().refusal.code, "closed");
});

test("the answer that was asked for earlier is taken, once; without one, it is asked now", async () => {
  const early = door([], { first: Promise.resolve({ ticket: "early" }) });
  await early.knock();
  assert.deepEqual([early.said(), await early.ticket()], [[], { ticket: "early" }]);
  await early.knock();
  assert.equal(early.said().length, 1);
  const late = door([], { first: Promise.resolve(null) });
  await late.knock();
  assert.deepEqual([late.said().length, await late.ticket()], [1, { ticket: "t1" }]);
});

test("who is nobody yet says a name, and what was wrong with it", async () => {
  const { knock, come, state, asked } = door([refused("not_signed_in"), refused("bad_name", "name"), {}, "ticket"]);
  await knock();
  assert.deepEqual(state(), { asked: true, open: false, needs: "name", refusal: null });
  const bad = await come({ name: "<b>" });
  assert.deepEqual([bad.open, bad.error.code, state().needs], [false, "bad_name", "name"]);
  assert.equal((await come({ name: "Bob" })).open, true);
  assert.deepEqual(asked.slice(1), [
    ["POST /api/guests", { name: "<b>" }],
    ["POST /api/guests", { name: "Bob" }],
    ["POST /api/tickets", { room: "den" }],
  ]);
});

test("a browser that forgets its guests is told so, not asked for ever", async () => {
  const { knock, come, state } = door([refused("not_signed_in"), {}, refused("not_signed_in")]);
  await knock();
  await come({ name: "Bob" });
  assert.equal(state().refusal.code, "not_signed_in");
});

test("a passcode is asked for first, and wrong only when one was said", async () => {
  const wrong = refused("wrong_passcode", "passcode");
  const { knock, come, state, said } = door([wrong, wrong, wrong, "ticket"]);
  await knock();
  assert.deepEqual(state(), { asked: true, open: false, needs: "passcode", refusal: null });
  await come({ passcode: "" });
  assert.equal(state().refusal.code, "wrong_passcode");
  await come({ passcode: "closed sesame" });
  assert.equal(state().refusal.code, "wrong_passcode");
  await come({ passcode: "open sesame" });
  assert.deepEqual(state(), { asked: true, open: true, needs: null, refusal: null });
  assert.deepEqual(said().map(({ passcode }) => passcode), [undefined, undefined, "closed sesame", "open sesame"]);
});

test("the right passcode goes with every later ticket, a wrong one with none", async () => {
  const wrong = refused("wrong_passcode", "passcode");
  const { knock, come, ticket, state, said } = door([wrong, "ticket", "ticket", wrong, wrong]);
  await knock();
  await come({ passcode: "open sesame" });
  await ticket();
  await ticket(); // the seat was lost
  await knock(); // the owner has set another one
  assert.deepEqual([state().open, state().needs, state().refusal.code], [false, "passcode", "wrong_passcode"]);
  await come({});
  assert.deepEqual(
    said().map(({ passcode }) => passcode),
    [undefined, "open sesame", "open sesame", "open sesame", undefined],
  );
});

test("after too many guesses the field stays, for later", async () => {
  const { knock, come, state } = door([
    refused("wrong_passcode", "passcode"),
    refused("too_many_attempts"),
    "ticket",
  ]);
  await knock();
  await come({ passcode: "1234" });
  assert.deepEqual([state().needs, state().refusal.code], ["passcode", "too_many_attempts"]);
  assert.equal((await come({ passcode: "open sesame" })).open, true);
});

test("a guest who must say a passcode is named first", async () => {
  const { knock, come, state } = door([refused("not_signed_in"), {}, refused("wrong_passcode", "passcode"), "ticket"]);
  await knock();
  assert.deepEqual(await come({ name: "Bob" }), { open: false, error: null });
  assert.deepEqual([state().needs, state().refusal], ["passcode", null]);
  assert.equal((await come({ passcode: "open sesame" })).open, true);
});

test("an invitation goes with every ticket, until one comes without", async () => {
  const { knock, ticket, invite, state, said } = door(["ticket", "ticket", refused("bad_invitation", "invitation")], {
    invitation: "token",
  });
  await knock();
  await ticket();
  await ticket();
  await knock();
  assert.equal(state().refusal.code, "bad_invitation");
  await invite(null);
  assert.deepEqual([state().open, state().refusal], [true, null]);
  assert.deepEqual(said().map(({ invitation }) => invitation), ["token", "token", "token", undefined]);
});

test("another invitation is tried at once, the same one not again", async () => {
  const { knock, invite, said } = door([], { invitation: "one" });
  await knock();
  await invite("one");
  await invite("two");
  assert.deepEqual(said().map(({ invitation }) => invitation), ["one", "two"]);
});

test("of two questions the later one is heard", async () => {
  const waiting = [];
  const { knock, invite, state, ticket } = door([], {
    invitation: "one",
    ask: () => new Promise((answer) => waiting.push(answer)),
  });
  void knock();
  void invite("two");
  await flush();
  waiting[1]({ ticket: "by two" });
  waiting[0](refused("bad_invitation", "invitation"));
  await flush();
  assert.deepEqual([state().open, state().refusal], [true, null]);
  assert.deepEqual(await ticket(), { ticket: "by two" });
});

test("a server that was away may be back", async () => {
  const { knock, come, state } = door([refused("offline"), refused("offline"), "ticket"]);
  await knock();
  assert.equal(state().refusal.code, "offline");
  assert.equal((await come()).open, false);
  assert.equal((await come()).open, true);
});
