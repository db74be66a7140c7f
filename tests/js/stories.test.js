/** tests/stories, through the browser's half: everybody evolves and reconciles what they hear. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { createMesh } from "../../assets/peermeet/mesh.js";
import { evolve, roster } from "../../assets/peermeet/room.js";
import { fakeConnection, fakeTimers } from "./fakes.js";

const folder = new URL("../stories/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();

/** One participant's page, as far as a story tells of it. */
function page(id) {
  let room = null;
  const connections = [];
  const mesh = createMesh({
    createConnection: () => {
      const connection = fakeConnection();
      connections.push(connection);
      return connection;
    },
    signal: async () => ({}),
    onChange: () => {},
    timers: fakeTimers(),
  });
  return {
    connections,
    hear(event) {
      if (event.type === "signaled") return mesh.signaled(event);
      room = evolve(room, event);
      if (event.type === "participant_left" && event.id === id) mesh.close();
      else if (room) mesh.reconcile(id, roster(room));
    },
    close: () => mesh.close(),
    roster: () => roster(room).map((p) => p.id),
    sees: () => room,
    peers: () => Object.keys(mesh.state()),
  };
}

function play({ steps }) {
  const pages = {};
  steps.forEach(({ by, command, hears = {}, refused, peers = {}, rosters = {}, sees = {} }, i) => {
    const where = `step ${i + 1}, ${command.type} by ${by}`;
    for (const [id, events] of Object.entries(hears)) {
      pages[id] ??= page(id);
      for (const event of events) pages[id].hear(event);
    }
    if (command.type === "leave" && !refused) pages[by].close(); // who leaves does not hear it
    for (const [id, told] of Object.entries(peers)) assert.deepEqual(pages[id].peers(), told, `${where}: ${id}`);
    for (const [id, told] of Object.entries(rosters)) assert.deepEqual(pages[id].roster(), told, `${where}: ${id}`);
    for (const [id, told] of Object.entries(sees)) assert.deepEqual(pages[id].sees(), told, `${where}: ${id}`);
    for (const [id, { connections, peers: now }] of Object.entries(pages)) {
      const open = connections.filter((pc) => pc.connectionState !== "closed").length;
      assert.equal(open, now().length, `${where}: ${id} keeps a connection to nobody`);
    }
  });
}

test("there are stories", () => assert.ok(files.length >= 20, `only ${files.length}`));

for (const file of files) {
  const story = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
  test(`${file}: ${story.title}`, () => play(story));
}
