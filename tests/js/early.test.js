/** early.js as a browser runs it: a few lines in the page, with what a window has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { flush } from "./fakes.js";

const SOURCE = readFileSync(new URL("../../assets/peermeet/early.js", import.meta.url), "utf8");
const TOKEN = "q8Xk_t-0";

/** A tab. `opens` loads an address; what it keeps for itself stays, as long as `storage` does. */
function tab({ storage = store(), answer = { ticket: "t" } } = {}) {
  const asked = [];
  const opens = (address, { module = false } = {}) => {
    const { pathname, search, hash } = new URL(address, "https://meet.example.org");
    const location = { pathname, search, hash };
    const hears = {};
    const history = {
      state: { idx: 0 },
      replaceState(state, _, to) {
        assert.equal(state, history.state); // the router's own, if there is one
        Object.assign(location, { hash: "", search: "", ...split(to) });
      },
    };
    const window = {};
    const fetch = async (path, request) => {
      asked.push([path, JSON.parse(request.body), location.hash]);
      if (answer === "broken") throw new TypeError("Failed to fetch");
      return { json: async () => answer };
    };
    const document = { currentScript: module ? null : {} };
    const run = new Function(
      ...["globalThis", "location", "history", "sessionStorage", "fetch", "document", "addEventListener"],
      SOURCE,
    );
    const listen = (name, hear) => (hears[name] = hear);
    run(window, location, history, storage, fetch, document, listen);
    run(window, location, history, storage, fetch, document, listen); // again, with the bundle
    return { ...window.peermeetEarly, location, hears };
  };
  return { opens, asked };
}

function split(path) {
  const { pathname, search, hash } = new URL(path, "https://meet.example.org");
  return { pathname, search, hash };
}

function store() {
  const kept = new Map();
  return {
    setItem: (key, value) => void kept.set(key, value),
    getItem: (key) => kept.get(key) ?? null,
    removeItem: (key) => void kept.delete(key),
  };
}

/** Of a browser that keeps nothing: every use of it is an error. */
const none = new Proxy({}, { get: () => () => { throw new Error("SecurityError"); } });

test("a room's page asks for the ticket at once, every other page for nothing", async () => {
  const { opens, asked } = tab();
  for (const path of ["/", "/lobby", "/room/3k7q", "/meet", "/meet/", "/meeting/x", "/#i=x"]) {
    const page = opens(path);
    assert.deepEqual([page.answer, page.here()], [null, null]);
  }
  assert.deepEqual(asked, []);
  const { room, answer } = opens("/meet/3k7q");
  assert.deepEqual([room, await answer, asked], ["3k7q", { ticket: "t" }, [["/api/tickets", { room: "3k7q" }, ""]]]);
});

test("an invitation leaves the address bar first, then goes in the body", () => {
  const { opens, asked } = tab();
  const { location, invitation } = opens(`/meet/3k7q?x=1#i=${TOKEN}`);
  assert.deepEqual({ ...location }, { pathname: "/meet/3k7q", search: "?x=1", hash: "" });
  assert.deepEqual(asked, [["/api/tickets", { room: "3k7q", invitation: TOKEN }, ""]]);
  assert.equal(invitation("3k7q"), TOKEN);
});

test("a room's code is as it was made, however it is written; what is none stays what it is", () => {
  const { opens, asked } = tab();
  for (const written of ["3k7q-9t2mz-x8vd", "3K7Q-9T2MZ-X8VD", "3k7q9t2mzx8vd", "3k-7q9t2mzx8v-d"]) {
    assert.equal(opens(`/meet/${written}`).here(), "3k7q-9t2mz-x8vd");
  }
  for (const none of ["3k7q", "%3Cb%3E", "3k7q9t2mzx8v%20"]) assert.equal(opens(`/meet/${none}`).room, none);
  assert.deepEqual([...new Set(asked.slice(0, 4).map(([, body]) => body.room))], ["3k7q-9t2mz-x8vd"]);
});

test("the tab keeps it over a reload and a way round, for that room alone", () => {
  const { opens, asked } = tab();
  opens(`/meet/3K7Q-9T2MZ-X8VD#i=${TOKEN}`);
  opens("/");
  opens("/meet/3k7q9t2mzx8vd");
  opens("/meet/other");
  assert.deepEqual(asked.map(([, body]) => body.invitation), [TOKEN, TOKEN, undefined]);
});

test("a newer one takes its place, and one that is forgotten is gone", () => {
  const { opens, asked } = tab();
  opens("/meet/3k7q#i=one");
  opens("/meet/3k7q#i=two").forget("3k7q");
  opens("/meet/3k7q");
  assert.deepEqual(asked.map(([, body]) => body.invitation), ["one", "two", undefined]);
});

test("what else stands in a fragment stays there, and is none", () => {
  const { opens, asked } = tab();
  for (const fragment of ["#", "#top", "#id=x", "#x=i"]) {
    const hash = fragment === "#" ? "" : fragment;
    assert.equal(opens(`/meet/3k7q${fragment}`).location.hash, hash);
  }
  assert.equal(opens("/meet/3k7q#i=").location.hash, ""); // one that says nothing says nothing
  assert.equal(opens("/meet/3k7q#a=b&i=x").location.hash, "");
  assert.deepEqual(asked.map(([, body]) => body.invitation), [undefined, undefined, undefined, undefined, undefined, "x"]);
});

test("a browser that keeps nothing keeps it as long as the page", () => {
  const { opens, asked } = tab({ storage: none });
  const page = opens(`/meet/3k7q#i=${TOKEN}`);
  assert.equal(page.invitation("3k7q"), TOKEN);
  page.forget("3k7q");
  assert.equal(page.invitation("3k7q"), null);
  opens("/meet/3k7q");
  assert.deepEqual(asked.map(([, body]) => body.invitation), [TOKEN, undefined]);
});

test("another link, while the page is open, is taken before anybody else hears of it", () => {
  const { opens } = tab();
  const page = opens("/meet/3k7q");
  page.location.hash = "#i=two";
  page.hears.popstate();
  assert.deepEqual([page.location.hash, page.invitation("3k7q")], ["", "two"]);
});

test("without an answer there is none, and nobody fails", async () => {
  const { opens } = tab({ answer: "broken" });
  assert.equal(await opens("/meet/3k7q").answer, null);
});

test("as a module it only takes the invitation", async () => {
  const { opens, asked } = tab();
  const page = opens(`/meet/3k7q#i=${TOKEN}`, { module: true });
  assert.deepEqual([page.answer, page.location.hash, page.invitation("3k7q")], [null, "", TOKEN]);
  await flush();
  assert.deepEqual(asked, []);
});
