import assert from "node:assert/strict";
import { test } from "node:test";

import { createMeeting } from "../../assets/peermeet/meeting.js";
import { fakeConnection, fakeDevices, fakeStream, fakeTimers, flush } from "./fakes.js";
import { fakeServer } from "./server.js";

/** Pages of one room, their server, and time. */
function house(settings) {
  const timers = fakeTimers();
  const server = fakeServer(settings);
  const errors = [];
  const settle = () => timers.pass(100);
  let clock = 1_700_000_000_000;
  function page(user, { answers, secure = true, knocks = null } = {}) {
    let door = null; // what lets in somebody who knocks
    const devices = fakeDevices(answers);
    const pcs = [];
    const order = []; // what was said and what was sent, as it came
    const meeting = createMeeting({
      room: "den",
      device: "page",
      connect(auth) {
        const socket = server.connect(auth);
        const { emit } = socket;
        socket.emit = (name, command, ack) => {
          order.push(command.type);
          if (knocks && command.type === "join" && !door?.opened) {
            const waiting = { type: "waiting", you: `p-${user}-page`, why: knocks, room: { id: "den", participants: [] } };
            door = { socket, open: () => emit(name, command, () => {}) };
            socket.fire("event", waiting);
            setImmediate(() => ack({ you: waiting.you, resume: "knock", protocol: 1, waiting: true }));
          } else if (command.type !== "leave" || !knocks || door?.opened) {
            emit(name, command, ack);
          }
        };
        return socket;
      },
      createConnection: (configuration) => {
        const pc = Object.assign(fakeConnection(), { configuration });
        const { addTrack } = pc;
        pc.addTrack = (track, stream) => {
          order.push("track");
          return addTrack(track, stream);
        };
        pcs.push(pc);
        return pc;
      },
      devices,
      secure,
      getTicket: server.getTicket(user),
      createStream: () => fakeStream(),
      onError: (error) => errors.push(error),
      timers,
      random: () => 0.5,
      now: () => clock,
    });
    const one = {
      user,
      /** What the server says to this one alone, as the real one would. */
      hears: async (event) => {
        (door?.socket ?? server.seats.get(server.id(user)).session).fire("event", event);
        await settle();
      },
      admitted: async () => {
        door.opened = true;
        door.open();
        await settle();
      },
      meeting,
      devices,
      pcs,
      order,
      now: () => meeting.snapshot(),
      join: async () => {
        void meeting.join();
        await settle();
      },
      sees: () =>
        Object.fromEntries(
          Object.entries(meeting.snapshot().peers).map(([id, { streams }]) => [
            id.split("-")[1],
            Object.keys(streams).sort().join(),
          ]),
        ),
      said: (source) => {
        const said = server.participant(user)?.publications.find((p) => p.source === source);
        return said && (said.muted ? "muted" : "on");
      },
      sending: () => pcs.filter((pc) => pc.connectionState !== "closed").map((pc) => Object.keys(pc.sending()).length),
    };
    return one;
  }
  const later = (ms) => (clock += ms);
  return { page, server, settle, timers, errors, later };
}

/** Ada and Bob in a call, both with camera and microphone. */
async function call(settings) {
  const { page, ...rest } = house(settings);
  const [ada, bob] = [page("ada"), page("bob")];
  for (const one of [ada, bob]) {
    await one.meeting.preview();
    await one.join();
  }
  await rest.settle();
  return { ...rest, page, ada, bob };
}

test("from the preview to seeing each other", async () => {
  const { ada, bob, errors } = await call();
  assert.deepEqual([ada.now().phase, ada.now().line], ["joined", "online"]);
  assert.deepEqual(ada.sees(), { bob: "camera,microphone" });
  assert.deepEqual(bob.sees(), { ada: "camera,microphone" });
  assert.equal(ada.now().peers["p-bob-page"].state, "connected");
  assert.equal(ada.meeting.stream("p-bob-page", "camera").id, bob.meeting.stream("p-bob-page", "camera").id);
  assert.deepEqual(ada.now().room.participants.map((p) => p.name), ["ada", "bob"]);
  assert.equal(ada.pcs[0].configuration.bundlePolicy, "max-bundle");
  assert.deepEqual(errors, []);
});

const relay = (username) => [{ urls: "turn:relay.example", username, credential: "c" }];

test("relays come with the seat", async () => {
  const iceServers = relay("1");
  const { ada } = await call({ iceServers });
  const { iceServers: given, iceTransportPolicy } = ada.pcs[0].configuration;
  assert.deepEqual([given, iceTransportPolicy], [iceServers, "all"]);
});

test("in a long call relays are renewed, for everybody there and everybody later", async () => {
  const { ada, bob, page, server, settle, timers, errors } = await call({ iceServers: relay("1"), iceExpires: 600 });
  server.iceServers = relay("2");
  await timers.pass(470_000);
  assert.deepEqual(server.commands(ada.now().you, "refresh_ice"), []);
  await timers.pass(10_000);
  for (const one of [ada, bob]) {
    assert.equal(server.commands(one.now().you, "refresh_ice").length, 1);
    assert.deepEqual(one.pcs[0].configurations.map((c) => c.iceServers), [relay("2")]);
  }
  await page("eve").join();
  await settle();
  assert.deepEqual(ada.pcs[1].configuration.iceServers, relay("2"));
  await timers.pass(480_000);
  assert.equal(server.commands(ada.now().you, "refresh_ice").length, 2);
  ada.meeting.leave();
  await timers.pass(600_000);
  assert.equal(server.commands(server.log[0].by, "refresh_ice").length, 2);
  assert.deepEqual(errors, []);
});

test("a new socket brings new relays, and they are for the old connections too", async () => {
  const { ada, server, timers } = await call({ iceServers: relay("1"), iceExpires: 600 });
  server.iceServers = relay("2");
  server.cut("ada");
  await timers.pass(1_000);
  assert.equal(ada.now().line, "online");
  assert.deepEqual(ada.pcs[0].configurations.map((c) => c.iceServers), [relay("2")]);
  assert.equal(ada.pcs.length, 1);
});

test("in a room of relays alone no connection looks for another way", async () => {
  const { ada, bob } = await call({ iceServers: relay("1"), relayOnly: true });
  for (const one of [ada, bob]) assert.equal(one.pcs[0].configuration.iceTransportPolicy, "relay");
});

test("the preview opens what is wanted, once, and shows it", async () => {
  const { page } = house();
  const ada = page("ada");
  assert.deepEqual(ada.now().sources.camera, { on: false, busy: false, error: null });
  const first = ada.meeting.preview();
  void ada.meeting.preview(); // a page that mounts twice
  assert.equal(ada.now().sources.camera.busy, true);
  await first;
  assert.deepEqual(ada.now().sources.camera, { on: true, busy: false, error: null });
  assert.equal(ada.devices.asked.length, 1);
  assert.equal(ada.meeting.stream(null, "camera").getTracks()[0].kind, "video");
  assert.equal(ada.now().phase, "preview");
});

test("what fails in the preview is off, with a code, and costs nothing else", async () => {
  const { page, settle } = house();
  const ada = page("ada", { answers: { audio: true, video: "NotReadableError" } });
  await ada.meeting.preview();
  const { camera, microphone } = ada.now().sources;
  assert.deepEqual([camera, microphone.on], [{ on: false, busy: false, error: "camera_in_use" }, true]);
  ada.devices.answers.video = true;
  await ada.meeting.toggle("camera");
  assert.deepEqual(ada.now().sources.camera, { on: true, busy: false, error: null });
  await settle();
});

test("a page without devices joins all the same", async () => {
  const { page } = house();
  const ada = page("ada", { secure: false });
  await ada.meeting.preview();
  await ada.join();
  assert.equal(ada.now().sources.camera.error, "insecure_page");
  assert.equal(ada.now().phase, "joined");
  assert.equal(ada.meeting.stream(null, "camera"), null);
});

test("a source is announced before its tracks go to anybody; one never switched on is not", async () => {
  const { page, server, settle } = house();
  const [ada, bob] = [page("ada"), page("bob")];
  await bob.join();
  await ada.meeting.set("camera", false);
  await ada.meeting.preview();
  await ada.join();
  await settle();
  assert.deepEqual(ada.order.slice(0, 3), ["join", "publish", "track"]);
  ada.order.length = 0;
  const said = server.commands("p-ada-page", "publish", "signal");
  assert.deepEqual(said.map((c) => c.type).indexOf("signal"), 1);
  assert.equal(said[0].source, "microphone");
  assert.equal(said[0].stream_id, ada.meeting.stream(null, "microphone").id);
  assert.equal(ada.said("camera"), undefined);
  await ada.meeting.set("camera", true);
  await settle();
  assert.deepEqual(ada.order.slice(0, 2), ["publish", "track"]);
  const later = server.commands("p-ada-page", "publish", "signal").slice(said.length);
  assert.deepEqual([later[0].type, later[0].source, later[1].type], ["publish", "camera", "signal"]);
  assert.deepEqual(bob.sees(), { ada: "camera,microphone" });
});

test("camera off: said so, nothing sent, the light is out; on again: the same stream", async () => {
  const { ada, bob, settle } = await call();
  const stream = ada.meeting.stream("p-ada-page", "camera");
  const offers = ada.pcs[0].offers + bob.pcs[0].offers;
  await ada.meeting.toggle("camera");
  await settle();
  assert.deepEqual([ada.said("camera"), ada.devices.live(), ada.sending()], ["muted", ["audio"], [1]]);
  assert.deepEqual(stream.getTracks(), []);
  await ada.meeting.toggle("camera");
  await settle();
  assert.deepEqual([ada.said("camera"), ada.sending()], ["on", [2]]);
  assert.equal(ada.meeting.stream("p-ada-page", "camera"), stream);
  assert.equal(stream.getTracks()[0].readyState, "live");
  assert.equal(ada.pcs[0].offers + bob.pcs[0].offers, offers);
});

test("microphone off: not sent and silent, and unmuting asks nobody", async () => {
  const { ada, settle } = await call();
  const [track] = ada.meeting.stream(null, "microphone").getTracks();
  await ada.meeting.toggle("microphone");
  await settle();
  assert.deepEqual([ada.said("microphone"), ada.sending(), track.enabled], ["muted", [1], false]);
  await ada.meeting.toggle("microphone");
  await settle();
  assert.deepEqual([ada.said("microphone"), ada.sending(), track.enabled], ["on", [2], true]);
  assert.equal(ada.devices.asked.length, 1);
});

test("who comes later is not sent what is off", async () => {
  const { ada, page, settle } = await call();
  await ada.meeting.set("microphone", false);
  const cem = page("cem");
  await cem.join();
  await settle();
  assert.deepEqual(ada.sending(), [1, 1]);
  assert.deepEqual(cem.sees(), { ada: "camera", bob: "camera,microphone" });
});

test("toggled quickly, it ends in the last wanted state", async () => {
  const { ada, settle } = await call();
  for (let i = 0; i < 5; i += 1) void ada.meeting.toggle("camera");
  await settle();
  assert.deepEqual([ada.now().sources.camera.on, ada.said("camera"), ada.sending()], [false, "muted", [1]]);
  assert.deepEqual(ada.devices.live(), ["audio"]);
  const open = ada.devices.hold();
  void ada.meeting.set("camera", true);
  void ada.meeting.set("camera", false);
  open();
  await settle();
  assert.deepEqual([ada.now().sources.camera.on, ada.said("camera"), ada.devices.live()], [false, "muted", ["audio"]]);
  const again = ada.devices.hold();
  for (const on of [true, false, true]) void ada.meeting.set("camera", on);
  again();
  await settle();
  assert.deepEqual([ada.now().sources.camera.on, ada.said("camera"), ada.sending()], [true, "on", [2]]);
});

test("a camera that is granted after leaving is stopped at once", async () => {
  const { page, settle } = house();
  const ada = page("ada");
  const open = ada.devices.hold();
  void ada.meeting.preview();
  await ada.join();
  ada.meeting.leave();
  open();
  await settle();
  assert.equal(ada.devices.tracks.length, 2);
  assert.deepEqual(ada.devices.live(), []);
  assert.equal(ada.now().sources.camera.on, false);
});

test("a camera that is unplugged counts as off, with a code", async () => {
  const { ada, settle } = await call();
  ada.meeting.stream(null, "camera").getTracks()[0].unplug();
  await settle();
  assert.deepEqual(ada.now().sources.camera, { on: false, busy: false, error: "camera_lost" });
  assert.deepEqual([ada.said("camera"), ada.sending()], ["muted", [1]]);
  ada.meeting.stream(null, "microphone").getTracks()[0].unplug();
  await settle();
  assert.deepEqual([ada.now().sources.microphone.error, ada.sending()], ["microphone_lost", [0]]);
  await ada.meeting.toggle("microphone");
  await settle();
  assert.deepEqual([ada.now().sources.microphone.error, ada.sending()], [null, [1]]);
});

test("a microphone that is unplugged while it is off is no news", async () => {
  const { ada, settle } = await call();
  await ada.meeting.toggle("microphone");
  ada.meeting.stream(null, "microphone").getTracks()[0].unplug();
  await settle();
  assert.deepEqual(ada.now().sources.microphone, { on: false, busy: false, error: null });
  await ada.meeting.toggle("microphone");
  await settle();
  assert.deepEqual([ada.now().sources.microphone.on, ada.sending()], [true, [2]]);
});

test("what fails after nobody wants it any more is no news either", async () => {
  const { page, settle } = house();
  const ada = page("ada", { answers: { audio: true, video: "NotAllowedError" } });
  const open = ada.devices.hold();
  void ada.meeting.set("camera", true);
  void ada.meeting.set("camera", false);
  open();
  await settle();
  assert.deepEqual(ada.now().sources.camera, { on: false, busy: false, error: null });
});

test("a lost socket closes no connection, and nobody sees a new one after it", async () => {
  const { ada, bob, server, settle, timers } = await call();
  const before = [ada.pcs[0], bob.pcs[0]];
  const said = server.commands("p-ada-page", "publish").length;
  server.cut("ada");
  await flush();
  assert.equal(ada.now().line, "connecting");
  assert.equal(ada.now().phase, "joined");
  assert.equal(bob.now().room.participants[0].presence, "away");
  assert.deepEqual(ada.sees(), { bob: "camera,microphone" });
  await timers.pass(2_000);
  await settle();
  assert.equal(ada.now().line, "online");
  assert.equal(bob.now().room.participants[0].presence, "online");
  assert.deepEqual([ada.pcs, bob.pcs], [[before[0]], [before[1]]]);
  assert.ok(before.every((pc) => pc.connectionState === "connected"));
  assert.equal(server.commands("p-ada-page", "publish").length, said); // the room knows
});

test("the server dies and comes back empty: same ids, same connections, everything announced again", async () => {
  const { ada, bob, server, timers } = await call();
  await bob.meeting.toggle("camera");
  await timers.pass(100);
  server.die();
  await timers.pass(10_000);
  assert.deepEqual(ada.sees(), { bob: "camera,microphone" });
  assert.deepEqual([ada.sending(), bob.sending()], [[2], [1]]);
  server.down = false;
  await timers.pass(5_000);
  assert.deepEqual([ada.now().line, bob.now().line, ada.pcs.length, bob.pcs.length], ["online", "online", 1, 1]);
  assert.deepEqual([ada.said("camera"), ada.said("microphone")], ["on", "on"]);
  assert.deepEqual([bob.said("camera"), bob.said("microphone")], ["muted", "on"]);
  assert.deepEqual(ada.sees(), { bob: "camera,microphone" });
});

test("after a restart, who is not back yet counts as away, and as gone after the grace", async () => {
  const { ada, bob, server, timers } = await call();
  const heard = [];
  ada.meeting.listen((event) => event.type === "participant_left" && heard.push(event.id));
  server.die();
  bob.meeting.leave(); // the server does not hear it, and neither does ada
  server.down = false;
  await timers.pass(10_000);
  assert.deepEqual(server.participant("bob"), undefined);
  const presences = ada.now().room.participants.map((p) => `${p.name} ${p.presence}`);
  assert.deepEqual(presences, ["ada online", "bob away"]);
  assert.equal(ada.pcs[0].connectionState, "connected");
  server.cut("ada"); // which changes nothing of it
  await timers.pass(10_000);
  assert.equal(ada.now().room.participants.length, 2);
  await timers.pass(20_000);
  assert.deepEqual([ada.sees(), ada.pcs[0].connectionState, heard], [{}, "closed", ["p-bob-page"]]);
});

test("leaving while somebody is missing leaves nothing waiting", async () => {
  const { ada, bob, server, timers } = await call();
  server.die();
  bob.meeting.leave();
  server.down = false;
  await timers.pass(3_000);
  assert.equal(ada.now().room.participants.length, 2);
  ada.meeting.leave();
  await timers.pass(5_000);
  assert.equal(timers.waiting(), 0);
});

test("after a restart, who is back is no longer missing, and later leaves like anybody", async () => {
  const { ada, bob, server, timers } = await call();
  server.die();
  server.down = false;
  await timers.pass(60_000);
  assert.deepEqual(ada.now().room.participants.map((p) => p.presence), ["online", "online"]);
  assert.deepEqual([ada.pcs.length, bob.pcs.length], [1, 1]);
  bob.meeting.leave();
  await timers.pass(100);
  assert.deepEqual([ada.sees(), ada.pcs[0].connectionState], [{}, "closed"]);
});

test("back after the grace was over: the others are met anew", async () => {
  const { ada, bob, server, timers, errors } = await call();
  server.cut("ada");
  server.expire("ada");
  await flush();
  assert.deepEqual([bob.sees(), bob.pcs[0].connectionState], [{}, "closed"]);
  await timers.pass(10_000);
  assert.deepEqual([ada.sees(), bob.sees()], [{ bob: "camera,microphone" }, { ada: "camera,microphone" }]);
  assert.equal(ada.now().peers["p-bob-page"].state, "connected");
  assert.deepEqual([ada.now().line, bob.pcs.length, errors], ["online", 2, []]);
});

test("who comes back alone closes nobody: the roster does, when it says so", async () => {
  const { ada, bob, server, timers } = await call();
  server.cut("ada");
  bob.meeting.leave();
  await timers.pass(3_000);
  assert.deepEqual([ada.sees(), ada.pcs[0].connectionState], [{}, "closed"]);
});

test("never more open than before: no reconnection turns on what its owner turned off", async () => {
  const { ada, server, timers } = await call();
  await ada.meeting.set("camera", false);
  await ada.meeting.set("microphone", false);
  await timers.pass(100);
  const asked = ada.devices.asked.length;
  const check = () => {
    const { camera, microphone } = ada.now().sources;
    assert.deepEqual([camera.on, microphone.on, ada.sending(), ada.devices.live()], [false, false, [0], ["audio"]]);
    assert.equal(ada.meeting.stream(null, "microphone").getTracks()[0].enabled, false);
    assert.equal(ada.devices.asked.length, asked);
    assert.deepEqual([ada.said("camera"), ada.said("microphone")], ["muted", "muted"]);
  };
  server.cut("ada");
  await timers.pass(5_000);
  check();
  server.die();
  await timers.pass(5_000);
  server.down = false;
  await timers.pass(5_000);
  check();
  ada.pcs[0].become("failed");
  ada.meeting.poke();
  await ada.meeting.preview(); // a page that mounts again
  void ada.meeting.join();
  await timers.pass(5_000);
  check();
});

test("switched while the socket is away: the room hears it afterwards, the peers at once", async () => {
  const { ada, server, timers } = await call();
  await ada.meeting.set("camera", false);
  await timers.pass(100);
  server.die();
  await flush();
  await ada.meeting.set("camera", true);
  await ada.meeting.set("microphone", false);
  await timers.pass(100);
  assert.deepEqual(ada.sending(), [1]);
  server.down = false;
  await timers.pass(10_000);
  assert.deepEqual([ada.said("camera"), ada.said("microphone")], ["on", "muted"]);
});

test("after a lost socket, the room is told what it missed, and what is not so any more is taken back", async () => {
  const { ada, server, timers } = await call();
  server.cut("ada");
  await flush();
  await ada.meeting.set("microphone", false);
  const { participant } = server.seats.get("p-ada-page");
  const stray = { source: "camera", stream_id: "of-an-older-page", muted: false };
  const microphone = participant.publications.find((p) => p.source === "microphone");
  server.seats.get("p-ada-page").participant = { ...participant, publications: [stray, microphone] };
  await timers.pass(1_000);
  assert.deepEqual([ada.said("camera"), ada.said("microphone")], ["on", "muted"]);
  const [camera] = server.participant("ada").publications.filter((p) => p.source === "camera");
  assert.equal(camera.stream_id, ada.meeting.stream(null, "camera").id);
});

test("a publication that is left from an older page is taken back", async () => {
  const { page, server, timers } = house();
  const ada = page("ada");
  await ada.join();
  const seat = server.seats.get("p-ada-page");
  const stray = { source: "camera", stream_id: "of-an-older-page", muted: false };
  seat.participant = { ...seat.participant, publications: [stray] };
  server.cut("ada");
  await timers.pass(1_000);
  assert.equal(ada.said("camera"), undefined);
});

test("an offer lost with the socket is made again with the next welcomed", async () => {
  const { page, server, timers } = house();
  const [ada, bob] = [page("ada"), page("bob")];
  await ada.join();
  await bob.join();
  server.cut("ada");
  await flush();
  await ada.meeting.set("camera", true);
  await timers.pass(1_000);
  assert.deepEqual(bob.sees(), { ada: "camera" });
});

test("a source switched on for the first time while the server is away is seen afterwards", async () => {
  const { page, server, timers } = house();
  const [ada, bob] = [page("ada"), page("bob")];
  await ada.join();
  await bob.join();
  server.die();
  await flush();
  await ada.meeting.set("camera", true);
  await timers.pass(1_000);
  server.down = false;
  await timers.pass(10_000);
  assert.deepEqual(bob.sees(), { ada: "camera" });
  assert.equal(bob.pcs.length, 1);
});

test("leave: the seat is given up, every connection closed, every track stopped", async () => {
  const { ada, bob, server, settle } = await call();
  ada.meeting.leave();
  assert.deepEqual([ada.now().phase, ada.devices.live(), ada.sending()], ["left", [], []]);
  assert.ok(ada.pcs.every((pc) => pc.connectionState === "closed"));
  await settle();
  assert.deepEqual([...server.seats.keys()], ["p-bob-page"]);
  assert.deepEqual(bob.sees(), {});
  ada.meeting.leave();
  ada.meeting.poke();
  await ada.meeting.toggle("camera");
  await ada.meeting.preview();
  await ada.meeting.join();
  assert.equal((await ada.meeting.command({ type: "send_message" })).error.code, "offline");
  await settle();
  assert.deepEqual([ada.now().phase, ada.now().line, ada.devices.live()], ["left", "offline", []]);
});

test("leaving from the preview stops what it opened", async () => {
  const { page, server, settle } = house();
  const ada = page("ada");
  await ada.meeting.preview();
  ada.meeting.leave();
  await settle();
  assert.deepEqual([ada.devices.live(), ada.now().phase, server.counts.connections], [[], "left", 0]);
});

test("the room ends: everybody is out, and knows why", async () => {
  const { ada, bob, server, timers } = await call();
  const heard = [];
  bob.meeting.listen((event) => heard.push(`${event.type} ${event.id} ${bob.now().phase}`));
  server.end();
  await timers.pass(10_000);
  for (const one of [ada, bob]) {
    assert.deepEqual([one.now().phase, one.now().ended, one.now().line], ["left", "ended", "offline"]);
    assert.deepEqual([one.devices.live(), one.sending()], [[], []]);
  }
  assert.deepEqual(heard, ["participant_left p-ada-page joined", "participant_left p-bob-page left"]);
  assert.equal(server.counts.connections, 2);
});

test("a refusal is shown, and lets go of everything", async () => {
  const { ada, bob, page, settle } = await call({ capacity: 2 });
  const cem = page("cem");
  await cem.meeting.preview();
  await cem.join();
  assert.deepEqual([cem.now().phase, cem.now().line], ["refused", "offline"]);
  assert.deepEqual(cem.now().refusal, { code: "room_full", message: "Refused: room_full." });
  assert.deepEqual(cem.devices.live(), []);
  await settle();
  assert.deepEqual([ada.sees(), bob.now().room.participants.length], [{ bob: "camera,microphone" }, 2]);
});

test("a refusal of the ticket too", async () => {
  const { page, server } = house();
  server.counts.refusals.ticket = "not_signed_in";
  const ada = page("ada");
  await ada.join();
  assert.deepEqual([ada.now().phase, ada.now().refusal.code], ["refused", "not_signed_in"]);
});

test("join resolves when seated, when refused and when left", async () => {
  const { page, server, settle } = house({ capacity: 1 });
  const [ada, bob, cem] = [page("ada"), page("bob"), page("cem")];
  const phases = [];
  const joins = [ada, bob].map((one) => one.meeting.join().then(() => phases.push(one.now().phase)));
  await settle();
  await Promise.all(joins);
  assert.deepEqual(phases, ["joined", "refused"]);
  server.down = true;
  const gone = cem.meeting.join();
  await settle();
  assert.equal(cem.now().phase, "joining");
  cem.meeting.leave();
  await gone;
});

test("a publication that is refused is a source that is off", async () => {
  const { page, server, settle } = house();
  const ada = page("ada");
  await ada.join();
  server.counts.refusals.publish = "not_allowed";
  await ada.meeting.toggle("camera");
  await settle();
  assert.deepEqual(ada.now().sources.camera, { on: false, busy: false, error: "not_allowed" });
  assert.deepEqual(ada.devices.live(), []);
});

test("a publication that had to wait is made again", async () => {
  const { page, server, timers } = house();
  const ada = page("ada");
  await ada.join();
  server.counts.refusals.publish = "too_many";
  await ada.meeting.toggle("camera");
  await timers.pass(2_000);
  assert.equal(ada.now().sources.camera.on, true);
  server.counts.refusals.publish = null;
  await timers.pass(2_000);
  assert.equal(ada.said("camera"), "on");
});

test("the snapshot is the same object between changes and another after one, and cannot be written", async () => {
  const { ada, bob, server, settle } = await call();
  const before = ada.now();
  let told = 0;
  const unsubscribe = ada.meeting.subscribe(() => (told += 1));
  assert.equal(ada.now(), before);
  await bob.meeting.command({ type: "send_message", topic: "wave", data: 1 });
  await settle();
  assert.equal(ada.now(), before); // a message is no state
  await ada.meeting.toggle("camera");
  assert.notEqual(ada.now(), before);
  assert.equal(before.sources.camera.on, true);
  assert.ok(told > 0);
  assert.throws(() => (ada.now().phase = "left"), TypeError);
  assert.throws(() => (ada.now().sources.camera.on = true), TypeError);
  unsubscribe();
  const last = told;
  server.end();
  await settle();
  assert.equal(told, last);
});

test("listeners hear every event but signals, after the snapshot shows it", async () => {
  const { page, settle } = house();
  const [ada, bob] = [page("ada"), page("bob")];
  const heard = [];
  const unlisten = ada.meeting.listen((event) => heard.push([event.type, ada.now().room.participants.length]));
  await ada.join();
  await bob.meeting.preview();
  await bob.join();
  await bob.meeting.command({ type: "send_message", topic: "wave", data: { hand: "left" } });
  await settle();
  assert.deepEqual(heard.slice(0, 2), [["welcomed", 1], ["participant_joined", 2]]);
  assert.deepEqual(heard.at(-1), ["message_sent", 2]);
  assert.ok(!heard.some(([type]) => type === "signaled"));
  unlisten();
  bob.meeting.leave();
  await settle();
  assert.equal(heard.at(-1)[0], "message_sent");
});

test("a page that throws costs nobody the call", async () => {
  const { page, errors, settle } = house();
  const [ada, bob] = [page("ada"), page("bob")];
  ada.meeting.subscribe(() => {
    throw new Error("the page's bug");
  });
  ada.meeting.listen(() => {
    throw new Error("the page's bug");
  });
  for (const one of [ada, bob]) {
    await one.meeting.preview();
    await one.join();
  }
  await settle();
  assert.deepEqual(ada.sees(), { bob: "camera,microphone" });
  assert.ok(errors.length > 0);
});

test("poke retries the socket at once and looks for new ways to everybody", async () => {
  const { ada, server, settle } = await call();
  const offers = ada.pcs[0].offers;
  server.cut("ada");
  await flush();
  ada.meeting.poke();
  await settle();
  assert.equal(ada.now().line, "online");
  assert.equal(ada.pcs[0].offers, offers + 1);
  assert.equal(ada.now().peers["p-bob-page"].state, "connected");
});

test("four join at once and everybody sees three", async () => {
  const { page, settle, errors } = house();
  const pages = ["ada", "bob", "cem", "dan"].map((user) => page(user));
  for (const one of pages) {
    void one.meeting.preview();
    void one.meeting.join();
  }
  await settle();
  await settle();
  for (const one of pages) {
    const links = Object.values(one.now().peers);
    assert.equal(links.length, 3);
    for (const { state, streams } of links) {
      assert.deepEqual([state, Object.keys(streams).sort().join()], ["connected", "camera,microphone"]);
    }
  }
  assert.deepEqual(errors, []);
});

// ---- the door

/** Ada in the room, and Cem outside, with camera and microphone tried. */
async function knocking(why = "lobby") {
  const { page, ...rest } = house();
  const [ada, cem] = [page("ada"), page("cem", { knocks: why })];
  await ada.meeting.preview();
  await ada.join();
  await cem.meeting.preview();
  await cem.join();
  return { ...rest, page, ada, cem };
}

const knocker = { id: "p-cem-page", user: "cem", name: "cem", role: "member", guest: true, presence: "knocking",
  publications: [], attributes: {}, away_since: null, silenced: [] };
const ada = { ...knocker, id: "p-ada-page", user: "ada", name: "ada", presence: "online" };

test("who knocks waits, sends nothing, and may still switch camera and microphone", async () => {
  const { cem, server, later } = await knocking();
  assert.deepEqual([cem.now().phase, cem.now().line, cem.now().you], ["waiting", "online", "p-cem-page"]);
  assert.deepEqual(cem.now().waiting, { why: "lobby", since: 1_700_000_000_000 });
  assert.deepEqual([cem.now().room, cem.pcs.length, cem.order], [null, 0, ["join"]]);
  await cem.meeting.toggle("camera");
  assert.deepEqual([cem.devices.live(), cem.order], [["audio"], ["join"]]);
  later(5_000);
  await cem.hears({ type: "waiting", you: "p-cem-page", why: "host", room: { id: "den", participants: [] } });
  assert.deepEqual(cem.now().waiting, { why: "host", since: 1_700_000_000_000 });
  assert.equal(server.participant("cem"), undefined);
});

test("join resolves at the door too, and whoever listens hears of it", async () => {
  const { page, settle } = house();
  const cem = page("cem", { knocks: "host" });
  const heard = [];
  cem.meeting.listen((event) => heard.push(`${event.type} ${cem.now().phase}`));
  const joining = cem.meeting.join();
  await settle();
  await joining;
  assert.deepEqual(heard, ["waiting waiting"]);
});

test("who is let in sits, and publishes what is on", async () => {
  const { ada: host, cem, errors } = await knocking();
  await cem.meeting.set("camera", false);
  await cem.admitted();
  assert.deepEqual([cem.now().phase, cem.now().waiting], ["joined", null]);
  assert.deepEqual([cem.said("microphone"), cem.said("camera")], ["on", undefined]);
  assert.deepEqual([cem.sees(), host.sees()], [{ ada: "camera,microphone" }, { cem: "microphone" }]);
  assert.deepEqual(errors, []);
});

test("who is not let in is told so, and everything is off", async () => {
  const { cem, timers } = await knocking();
  await cem.hears({ type: "participant_left", id: "p-cem-page", reason: "denied" });
  await timers.pass(10_000);
  assert.deepEqual([cem.now().phase, cem.now().ended, cem.now().line], ["left", "denied", "offline"]);
  assert.deepEqual([cem.now().waiting, cem.devices.live(), cem.order], [null, [], ["join"]]);
});

test("who waits no longer says so", async () => {
  const { cem, settle } = await knocking();
  cem.meeting.leave();
  await settle();
  assert.deepEqual([cem.now().phase, cem.devices.live(), cem.order], ["left", [], ["join", "leave"]]);
});

test("who knocks is nobody's peer, however a host hears of them, and their signals are nobody's", async () => {
  const { ada: host } = await knocking();
  const before = host.now();
  await host.hears({ type: "knocked", participant: knocker });
  await host.hears({ type: "signaled", by: knocker.id, to: ada.id, description: { type: "offer", sdp: "v=0" } });
  assert.deepEqual([host.pcs.length, host.now().peers], [0, {}]);
  const room = { ...before.room, participants: [ada, knocker] };
  await host.hears({ type: "welcomed", you: ada.id, room });
  assert.equal(host.pcs.length, 0);
  await host.hears({ type: "participant_changed", participant: knocker });
  assert.equal(host.pcs.length, 0);
  await host.hears({ type: "participant_joined", participant: { ...knocker, presence: "online" } });
  assert.equal(host.pcs.length, 1);
});

test("a server that forgot who sat here has them knock again, and the call goes on meanwhile", async () => {
  const { ada: one, bob, settle } = await call();
  await one.hears({ type: "waiting", you: "p-ada-page", why: "lobby", room: { id: "den", participants: [] } });
  assert.deepEqual([one.now().phase, one.now().waiting.why], ["joined", "lobby"]);
  assert.deepEqual(one.sees(), { bob: "camera,microphone" });
  one.order.length = 0;
  await one.meeting.toggle("camera");
  await settle();
  assert.deepEqual([one.order, one.sending()], [[], [1]]); // the peers at once, the room with the next `welcomed`
  await one.hears({ type: "welcomed", you: "p-ada-page", room: one.now().room });
  assert.deepEqual([one.now().waiting, one.order, one.pcs.length, bob.pcs.length], [null, ["publish"], 1, 1]);
});

for (const reason of ["removed", "banned", "replaced", "ended", "lost"]) {
  test(`${reason}: everything is closed, the reason is known, and the page does not come back by itself`, async () => {
    const { ada: one, server, timers } = await call();
    const connections = server.counts.connections;
    await one.hears({ type: "participant_left", id: "p-ada-page", reason });
    one.meeting.poke();
    await one.meeting.preview();
    await one.meeting.join();
    await one.meeting.toggle("camera");
    await timers.pass(60_000);
    assert.deepEqual([one.now().phase, one.now().ended, one.now().line], ["left", reason, "offline"]);
    assert.deepEqual([one.devices.live(), one.sending(), one.now().peers], [[], [], {}]);
    assert.ok(one.pcs.every((pc) => pc.connectionState === "closed"));
    assert.equal(server.counts.connections, connections);
  });
}

test("somebody removed is closed here, and what they still send is ignored", async () => {
  const { ada: one, bob, errors } = await call();
  await one.hears({ type: "participant_left", id: "p-bob-page", reason: "removed" });
  assert.deepEqual([one.sees(), one.pcs[0].connectionState], [{}, "closed"]);
  const description = { type: "offer", sdp: bob.pcs[0].localDescription.sdp };
  await one.hears({ type: "signaled", by: "p-bob-page", to: "p-ada-page", description });
  assert.deepEqual([one.pcs.length, one.sees(), errors], [1, {}, []]);
});

// ---- what hosts ask

const changed = (one, changes) => ({ type: "participant_changed",
  participant: { ...one.now().room.participants.find((p) => p.id === one.now().you), ...changes } });

test("what is silenced is played at nobody's, until it is lifted", async () => {
  const { ada: one, bob } = await call();
  const of = (silenced) => changed(bob, { silenced });
  await one.hears(of([{ source: "microphone", until: null }]));
  assert.deepEqual(one.sees(), { bob: "camera" });
  assert.equal(one.meeting.stream("p-bob-page", "microphone"), null);
  await one.hears(of([{ source: "microphone", until: null }, { source: "camera", until: 1 }]));
  assert.deepEqual(one.sees(), { bob: "" });
  await one.hears(of([]));
  assert.deepEqual([one.sees(), one.pcs.length], [{ bob: "camera,microphone" }, 1]);
  assert.deepEqual(bob.sees(), { ada: "camera,microphone" });
});

test("asked to mute, one decides; the question is gone with the answer", async () => {
  const { ada: one, settle } = await call();
  const asked = (source, by = "p-bob-page") => one.hears({ type: "mute_asked", to: "p-ada-page", by, source });
  await asked("microphone");
  await asked("camera");
  await asked("microphone");
  assert.deepEqual(one.now().asked.map((a) => a.source), ["camera", "microphone"]);
  await one.meeting.answer("camera", false);
  assert.deepEqual([one.now().asked.length, one.now().sources.camera.on], [1, true]);
  await one.meeting.answer("microphone", true);
  await settle();
  assert.deepEqual([one.now().asked, one.now().sources.microphone.on, one.said("microphone")], [[], false, "muted"]);
});

test("what is off already is not asked for, and switching it off answers", async () => {
  const { ada: one } = await call();
  const asked = (source) => one.hears({ type: "mute_asked", to: "p-ada-page", by: "p-bob-page", source });
  await asked("camera");
  await one.meeting.toggle("camera");
  assert.deepEqual(one.now().asked, []);
  for (const source of ["camera", "screen", "__proto__", null]) await asked(source);
  assert.deepEqual([one.now().asked, one.now().sources.camera.on], [[], false]);
});

test("a listener sends nothing and can switch nothing on; made a member again, they decide themselves", async () => {
  const { ada: one, bob, settle } = await call();
  one.order.length = 0;
  await one.hears(changed(one, { role: "listener", publications: [] }));
  assert.deepEqual([one.sending(), one.devices.live()], [[0], ["audio"]]);
  for (const source of ["camera", "microphone"]) {
    await one.meeting.set(source, true);
    await one.meeting.toggle(source);
  }
  await settle();
  assert.deepEqual([one.sending(), one.order], [[0], []]);
  await one.hears(changed(one, { role: "member", publications: [] }));
  assert.deepEqual([one.sending(), one.now().sources.microphone.on], [[0], false]);
  await one.meeting.toggle("microphone");
  await settle();
  assert.deepEqual([one.sending(), one.said("microphone")], [[1], "on"]);
  assert.equal(bob.sees().ada.includes("microphone"), true);
});

test("who comes as a listener publishes nothing, whatever the preview had on", async () => {
  const { cem } = await knocking();
  const listener = { ...knocker, role: "listener", presence: "online" };
  await cem.hears({ type: "welcomed", you: knocker.id, room: { id: "den", grace: 30, participants: [ada, listener] } });
  const { camera, microphone } = cem.now().sources;
  assert.deepEqual([cem.now().phase, camera.on, microphone.on], ["joined", false, false]);
  assert.equal(cem.order.includes("publish"), false);
  assert.deepEqual(cem.sending(), [0]);
});

// ---- moments

test("a reaction shows for some seconds, the last of each person, and only one that there is", async () => {
  const { ada: one, bob, timers } = await call();
  const react = async (who, data, topic = "reaction") => {
    await who.meeting.command({ type: "send_message", topic, data });
    await timers.pass(100);
  };
  await react(bob, { emoji: "👍" });
  await react(bob, { emoji: "👏" });
  for (const data of [{ emoji: "<b>" }, {}, null, "👍", { emoji: ["👍"] }]) await react(bob, data);
  await react(bob, { emoji: "👍" }, "wave");
  const shown = () => Object.entries(one.now().reactions).map(([id, { emoji }]) => `${id} ${emoji}`);
  assert.deepEqual(shown(), ["p-bob-page 👏"]);
  await react(one, { emoji: "🎉" });
  assert.deepEqual(shown(), ["p-bob-page 👏", "p-ada-page 🎉"]);
  await one.hears({ type: "message_sent", by: "p-nobody", topic: "reaction", data: { emoji: "👍" } });
  assert.equal(shown().length, 2);
  await timers.pass(5_000);
  assert.deepEqual(shown(), []);
});

test("the room becomes relay only: every connection begins anew, and none looks for a direct way", async () => {
  const { ada, bob, settle, errors } = await call();
  const doors = (relay_only) => ({ type: "room_changed", doors: { chat: "meeting", relay_only } });
  const policies = (one) => one.pcs.map((pc) => [pc.connectionState, pc.configuration.iceTransportPolicy]);
  await ada.hears(doors(false));
  assert.deepEqual(policies(ada), [["connected", "all"]]);
  await Promise.all([ada.hears(doors(true)), bob.hears(doors(true))]);
  await settle();
  for (const one of [ada, bob]) {
    assert.deepEqual(policies(one), [["closed", "all"], ["connected", "relay"]]);
    assert.deepEqual(Object.values(one.sees()), ["camera,microphone"]);
  }
  await ada.hears(doors(false));
  assert.deepEqual(policies(ada).length, 2); // nothing is closed for that
  assert.deepEqual(errors, []);
});
