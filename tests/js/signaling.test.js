import assert from "node:assert/strict";
import { test } from "node:test";

import { createSignaling } from "../../assets/peermeet/signaling.js";
import { fakeTimers, flush } from "./fakes.js";

/** One signaling, and the sockets it makes: a test plays the server on them by hand. */
function line({ tickets = () => ({ ticket: "t" }), random = () => 0.5 } = {}) {
  const timers = fakeTimers();
  const sockets = [];
  const told = { lines: [], seats: [], events: [], refusals: [] };
  let asked = 0;
  const signaling = createSignaling({
    room: "den",
    device: "page-of-ada",
    connect(auth) {
      const handlers = {};
      const socket = {
        auth,
        sent: [],
        open: true,
        on: (name, fn) => void (handlers[name] = fn),
        emit: (name, data, ack) => void socket.sent.push({ name, data, ack }),
        disconnect: () => void (socket.open = false),
        hears: (name, ...words) => handlers[name]?.(...words),
        joins(answer = seat()) {
          socket.hears("connect");
          socket.sent[0].ack(answer);
        },
      };
      sockets.push(socket);
      return socket;
    },
    getTicket: async () => {
      asked += 1;
      return tickets(asked);
    },
    onLine: (now) => told.lines.push(now),
    onSeated: (answer) => told.seats.push(answer.you),
    onEvent: (event) => told.events.push(event.type),
    onRefused: (refusal) => told.refusals.push(refusal.code),
    timers,
    random,
  });
  return { signaling, sockets, told, timers, asked: () => asked, last: () => sockets.at(-1) };
}

const seat = (changes) => ({ you: "ada", resume: "key", ice_servers: [], protocol: 1, ...changes });
const refused = (code) => Object.assign(new Error(code), { data: { code, message: `Refused: ${code}.` } });
const broken = () => new Error("websocket error");

async function online(options) {
  const all = line(options);
  all.signaling.open();
  await flush();
  all.last().joins();
  return all;
}

test("a ticket, a socket, and join is the first command", async () => {
  const { signaling, told, last } = line();
  signaling.open();
  await flush();
  assert.deepEqual(last().auth, { ticket: "t" });
  assert.deepEqual(last().sent, []);
  last().hears("connect");
  const { name, data } = last().sent[0];
  assert.deepEqual([name, data], ["command", { type: "join", room: "den", device: "page-of-ada" }]);
  last().sent[0].ack(seat());
  assert.deepEqual([told.lines, told.seats], [["connecting", "online"], ["ada"]]);
});

test("events wait for the join's answer, and keep their order", async () => {
  const { signaling, told, last } = line();
  signaling.open();
  await flush();
  last().hears("connect");
  last().hears("event", { type: "welcomed" });
  last().hears("event", { type: "participant_joined" });
  assert.deepEqual([told.events, told.seats], [[], []]);
  last().sent[0].ack(seat());
  last().hears("event", { type: "participant_left" });
  assert.deepEqual(told.events, ["welcomed", "participant_joined", "participant_left"]);
});

test("commands are answered: by the server, or offline", async () => {
  const { signaling, last, timers, told } = await online();
  const first = signaling.send({ type: "send_message" });
  last().sent[1].ack({});
  assert.deepEqual(await first, {});
  const second = signaling.send({ type: "send_message" });
  last().sent[2].ack({ error: { code: "too_large", message: "" } });
  assert.equal((await second).error.code, "too_large");
  const unheard = signaling.send({ type: "send_message" });
  await timers.pass(10_000);
  assert.equal((await unheard).error.code, "offline");
  const lost = signaling.send({ type: "send_message" });
  last().hears("disconnect");
  assert.equal((await lost).error.code, "offline");
  assert.equal((await signaling.send({ type: "send_message" })).error.code, "offline");
  assert.deepEqual(told.refusals, []);
});

test("a lost socket: the same seat by its key, soon", async () => {
  const { sockets, told, timers, last, asked } = await online();
  sockets[0].hears("disconnect", "transport close");
  assert.equal(sockets[0].open, false);
  await timers.pass(300);
  assert.deepEqual(last().auth, { resume: "key" });
  last().joins();
  assert.deepEqual(told.lines, ["connecting", "online", "connecting", "online"]);
  assert.equal(asked(), 1);
});

test("it never gives up, with pauses that grow to two seconds", async () => {
  const { sockets, timers, last } = await online({ random: () => 1 });
  const pauses = [];
  last().hears("disconnect");
  for (let i = 0; i < 7; i += 1) {
    const before = sockets.length;
    let waited = 0;
    while (sockets.length === before) {
      await timers.pass(100);
      waited += 100;
    }
    pauses.push(waited);
    last().hears("connect_error", broken());
  }
  assert.deepEqual(pauses, [300, 600, 1200, 2000, 2000, 2000, 2000]);
});

test("a connection and a join that are never answered are tried again", async () => {
  const { sockets, timers, last } = await online();
  last().hears("disconnect");
  await timers.pass(300);
  await timers.pass(5_000); // no connect
  assert.equal(sockets[1].open, false);
  await timers.pass(600);
  assert.equal(sockets.length, 3);
  last().hears("connect");
  await timers.pass(5_000); // no answer to join
  await timers.pass(1_200);
  assert.equal(sockets.length, 4);
  last().joins();
});

test("a ticket that never comes, or comes as an error page, is asked for again", async () => {
  const never = () => new Promise(() => {});
  const answers = [never, () => ({}), () => Promise.reject(new Error("fetch")), () => ({ ticket: "t" })];
  const { signaling, timers, last, told } = line({ tickets: (n) => answers[n - 1]() });
  signaling.open();
  await timers.pass(12_000);
  last().joins();
  assert.deepEqual([told.lines, told.refusals], [["connecting", "online"], []]);
});

test("seat_gone: a fresh ticket at once", async () => {
  const { timers, last, asked, told } = await online();
  last().hears("disconnect");
  await timers.pass(300);
  last().hears("connect_error", refused("seat_gone"));
  await timers.pass(0);
  assert.deepEqual([last().auth, asked()], [{ ticket: "t" }, 2]);
  last().joins(seat({ resume: "other key" }));
  last().hears("disconnect");
  await timers.pass(300);
  assert.deepEqual(last().auth, { resume: "other key" });
  assert.deepEqual(told.refusals, []);
});

test("seat_gone as the answer to join does the same", async () => {
  const { timers, last } = await online();
  last().hears("disconnect");
  await timers.pass(300);
  last().joins({ error: { code: "seat_gone", message: "" } });
  await timers.pass(0);
  assert.deepEqual(last().auth, { ticket: "t" });
});

test("a seat that was ours once is asked for again and again, even with tickets that do not work", async () => {
  const { timers, last, told, asked } = await online();
  last().hears("disconnect");
  await timers.pass(300);
  for (let i = 0; i < 5; i += 1) {
    last().hears("connect_error", refused(i ? "bad_ticket" : "seat_gone"));
    await timers.pass(2_000);
  }
  last().joins();
  assert.deepEqual([told.refusals, told.lines.at(-1), asked()], [[], "online", 6]);
});

for (const code of ["bad_ticket", "ticket_expired", "ticket_used"]) {
  test(`${code} at first: one fresh ticket, then it is a refusal`, async () => {
    const { signaling, sockets, timers, told, asked } = line();
    signaling.open();
    await flush();
    sockets[0].hears("connect_error", refused(code));
    await timers.pass(0);
    assert.equal(asked(), 2);
    sockets[1].hears("connect_error", refused(code));
    await timers.pass(60_000);
    assert.deepEqual([told.refusals, told.lines.at(-1), sockets.length], [[code], "offline", 2]);
    assert.equal(timers.waiting(), 0);
  });
}

for (const code of ["room_full", "no_such_room", "wrong_room", "not_signed_in", "code_of_next_year"]) {
  test(`${code} is final, from the page's server`, async () => {
    const { signaling, sockets, told } = line({ tickets: () => ({ error: { code, message: "m", field: "room" } }) });
    signaling.open();
    await flush();
    assert.deepEqual([told.refusals, told.lines, sockets.length], [[code], ["connecting", "offline"], 0]);
  });

  test(`${code} is final, as the answer to join, the second time too`, async () => {
    const { timers, last, told, sockets } = await online();
    last().hears("disconnect");
    await timers.pass(300);
    last().joins({ error: { code, message: "" } });
    await timers.pass(60_000);
    assert.deepEqual([told.refusals, sockets.length, last().open], [[code], 2, false]);
  });
}

for (const code of ["too_many", "unavailable"]) {
  test(`${code} is a reason to wait`, async () => {
    const { signaling, timers, last, told } = line();
    signaling.open();
    await flush();
    last().hears("connect_error", refused(code));
    await timers.pass(1_900);
    assert.equal(last().open, false);
    await timers.pass(100);
    last().joins();
    assert.deepEqual(told.refusals, []);
  });
}

test("poke retries at once, and only if there is something to retry", async () => {
  const { signaling, sockets, last } = await online({ random: () => 1 });
  signaling.poke();
  assert.equal(sockets.length, 1);
  last().hears("disconnect");
  signaling.poke();
  await flush();
  assert.equal(sockets.length, 2);
  signaling.poke(); // is under way
  await flush();
  assert.equal(sockets.length, 2);
});

test("what an older socket says is not heard", async () => {
  const { sockets, told, timers, last } = await online();
  sockets[0].hears("disconnect");
  await timers.pass(300);
  sockets[0].hears("event", { type: "ghost" });
  sockets[0].hears("disconnect");
  sockets[0].hears("connect");
  last().joins();
  assert.deepEqual([told.events, sockets.length, sockets[0].sent.length], [[], 2, 1]);
});

test("leaving: the seat first, then the socket, and no way back", async () => {
  const { signaling, sockets, told, timers } = await online();
  signaling.leave();
  assert.deepEqual(sockets[0].sent.at(-1).data, { type: "leave" });
  assert.equal(sockets[0].open, true);
  sockets[0].sent.at(-1).ack({});
  assert.equal(sockets[0].open, false);
  sockets[0].hears("event", { type: "ghost" });
  sockets[0].hears("disconnect");
  signaling.poke();
  await timers.pass(60_000);
  assert.deepEqual([told.lines.at(-1), told.events, sockets.length, timers.waiting()], ["offline", [], 1, 0]);
});

test("leaving a server that does not answer takes a second", async () => {
  const { signaling, sockets, timers } = await online();
  signaling.leave();
  await timers.pass(1_000);
  assert.equal(sockets[0].open, false);
});

test("leaving while the join is on its way gives the seat up as soon as there is one", async () => {
  const { signaling, last, told, timers } = line();
  signaling.open();
  await flush();
  last().hears("connect");
  signaling.leave();
  last().sent[0].ack(seat());
  assert.deepEqual(last().sent[1].data, { type: "leave" });
  last().sent[1].ack({});
  await timers.pass(60_000);
  assert.deepEqual([last().open, told.seats], [false, []]);
});

test("leaving while nothing is there yet, or nothing any more", async () => {
  const early = line();
  early.signaling.open();
  early.signaling.leave();
  await early.timers.pass(60_000);
  assert.equal(early.sockets.length, 0);
  const late = await online();
  late.last().hears("disconnect");
  late.signaling.leave();
  await late.timers.pass(60_000);
  assert.equal(late.sockets.length, 1);
});
