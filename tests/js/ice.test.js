import assert from "node:assert/strict";
import { test } from "node:test";

import { createRelays } from "../../assets/peermeet/ice.js";
import { fakeTimers, flush } from "./fakes.js";

const given = (username, changes) => ({
  ice_servers: [{ urls: "turn:relay.example", username, credential: "c" }],
  ice_expires: 600,
  relay_only: false,
  ...changes,
});
const refused = (code) => ({ error: { code, message: "" } });

/** The relays of a seat, and a server that answers when and what a test says. */
function seat() {
  const timers = fakeTimers();
  const clock = { now: 0 };
  const questions = [];
  const changes = [];
  const hidden = []; // how often all was to begin anew
  const relays = createRelays({
    ask: () => new Promise((answer) => questions.push(answer)),
    onChange: () => changes.push(user()),
    onHidden: () => hidden.push(user()),
    timers,
    now: () => clock.now,
  });
  const user = () => relays.configuration().iceServers[0]?.username;
  const pass = (seconds) => {
    clock.now += seconds * 1_000;
    return timers.pass(seconds * 1_000);
  };
  const sleep = (seconds) => (clock.now += seconds * 1_000); // of a laptop: time passes, timers do not
  const answer = async (one) => {
    questions.shift()(one);
    await flush();
  };
  const asked = () => questions.length;
  const settled = async (promise) => {
    let done = false;
    void promise.then(() => (done = true));
    await flush();
    return () => done;
  };
  return { relays, timers, user, pass, sleep, answer, asked, changes, hidden, settled };
}

test("nothing was given: nothing is there, nothing is asked", async () => {
  const { relays, pass, asked } = seat();
  assert.deepEqual(relays.configuration(), { iceServers: [], iceTransportPolicy: "all" });
  await pass(1_000);
  assert.equal(asked(), 0);
});

test("relays that do not end are never asked for again", async () => {
  const { relays, timers, user, changes } = seat();
  relays.take(given("ada", { ice_expires: null }));
  assert.deepEqual([user(), timers.waiting(), changes], ["ada", 0, ["ada"]]);
});

test("asked for at four fifths of their life, again and again", async () => {
  const { relays, pass, asked, answer, user } = seat();
  relays.take(given("1"));
  for (const next of ["2", "3", "4"]) {
    await pass(479);
    assert.equal(asked(), 0);
    await pass(1);
    assert.equal(asked(), 1);
    await answer(given(next));
    assert.equal(user(), next);
  }
});

test("a server that cannot just now is asked again until it can", async () => {
  const { relays, pass, asked, answer, user } = seat();
  relays.take(given("1"));
  await pass(480);
  for (const code of ["offline", "too_many", "unavailable"]) {
    await answer(refused(code));
    assert.equal(asked(), 0);
    await pass(5);
    assert.equal(asked(), 1);
  }
  await answer(given("2"));
  assert.equal(user(), "2");
});

test("whoever has no seat any more does not ask again", async () => {
  const { relays, pass, asked, answer, timers } = seat();
  relays.take(given("1"));
  await pass(480);
  await answer(refused("not_joined"));
  assert.equal(timers.waiting(), 0);
  assert.equal(asked(), 0);
});

test("a new seat's relays come first; the renewal counts from them", async () => {
  const { relays, pass, asked, changes } = seat();
  relays.take(given("1"));
  await pass(400);
  relays.take(given("2"));
  await pass(400);
  assert.equal(asked(), 0);
  await pass(80);
  assert.equal(asked(), 1);
  relays.take(given("2")); // the same ones: nobody needs to hear it
  assert.deepEqual(changes, ["1", "2"]);
});

test("fresh enough: an ICE restart goes on at once", async () => {
  const { relays, settled, asked, sleep } = seat();
  relays.take(given("1"));
  sleep(599);
  assert.ok((await settled(relays.fresh()))());
  assert.equal(asked(), 0);
});

test("too late after a sleep: an ICE restart waits for fresh ones, and two ask once", async () => {
  const { relays, settled, asked, answer, sleep, user } = seat();
  relays.take(given("1"));
  sleep(600);
  const [one, two] = [await settled(relays.fresh()), await settled(relays.fresh())];
  assert.deepEqual([one(), two(), asked()], [false, false, 1]);
  await answer(given("2"));
  assert.deepEqual([one(), two(), user()], [true, true, "2"]);
});

test("no answer: the restart does not wait for ever", async () => {
  const { relays, settled, pass, sleep } = seat();
  relays.take(given("1"));
  sleep(600);
  const waits = await settled(relays.fresh());
  await pass(1.9);
  assert.equal(waits(), false);
  await pass(0.1);
  assert.equal(waits(), true);
});

test("offline: the restart goes on with what there is", async () => {
  const { relays, settled, answer, sleep, user } = seat();
  relays.take(given("1"));
  sleep(600);
  const waits = await settled(relays.fresh());
  await answer(refused("offline"));
  assert.deepEqual([waits(), user()], [true, "1"]);
});

test("admitted from outside: the roster is heard once there are relays, and all that follows after it", async () => {
  const { relays, answer, user } = seat();
  relays.take({}); // the answer to somebody who waits outside
  const heard = [];
  const hear = (event) => relays.before(event === "welcomed", () => heard.push([event, user()]));
  hear("waiting");
  hear("welcomed");
  hear("joined");
  await flush();
  assert.deepEqual(heard, [["waiting", undefined]]);
  await answer(given("1"));
  hear("left");
  assert.deepEqual(heard.slice(1), [["welcomed", "1"], ["joined", "1"], ["left", "1"]]);
});

test("relays alone, or any way, as the room says", () => {
  const { relays } = seat();
  relays.take(given("1", { relay_only: true }));
  assert.equal(relays.configuration().iceTransportPolicy, "relay");
  relays.take(given("1", { relay_only: undefined }));
  assert.equal(relays.configuration().iceTransportPolicy, "all");
});

test("a room that becomes relay only: all begins anew, and once", () => {
  const { relays, changes, hidden } = seat();
  const policy = () => relays.configuration().iceTransportPolicy;
  relays.take(given("1"));
  relays.only(false);
  assert.deepEqual([policy(), changes, hidden], ["all", ["1"], []]);
  relays.only(true);
  relays.only(true);
  assert.deepEqual([policy(), changes, hidden], ["relay", ["1"], ["1"]]);
  relays.only(false); // nothing needs to begin anew for that
  assert.deepEqual([policy(), changes, hidden], ["all", ["1", "1"], ["1"]]);
  relays.close();
  relays.only(true);
  assert.deepEqual([policy(), hidden], ["all", ["1"]]);
});

test("who comes back to a room that is relay only by now begins anew", () => {
  const { relays, hidden } = seat();
  relays.take(given("1"));
  relays.take(given("2", { relay_only: true }));
  assert.deepEqual([relays.configuration().iceTransportPolicy, hidden], ["relay", ["2"]]);
});

test("an answer that is older than what the room says brings relays, and changes nothing else", async () => {
  const { relays, pass, answer, user, hidden } = seat();
  relays.take(given("1"));
  await pass(480);
  relays.only(true);
  await answer(given("2", { relay_only: false }));
  assert.deepEqual([user(), relays.configuration().iceTransportPolicy, hidden], ["2", "relay", ["1"]]);
});

test("closed: nothing waits, nothing is asked, and late answers change nothing", async () => {
  const { relays, pass, answer, timers, user, settled, sleep, asked } = seat();
  relays.take(given("1"));
  await pass(480);
  relays.close();
  await answer(given("2"));
  assert.deepEqual([user(), timers.waiting()], ["1", 0]);
  sleep(600);
  assert.ok((await settled(relays.fresh()))());
  assert.equal(asked(), 0);
});
