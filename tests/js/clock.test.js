import assert from "node:assert/strict";
import { test } from "node:test";

import { asMeant, asTyped } from "../../assets/peermeet/clock.js";

const AT = Date.UTC(2026, 4, 3, 14, 30) / 1000;

test("what stands in the input is the reader's clock, and means the same moment", () => {
  assert.equal(asMeant(asTyped(AT)), "2026-05-03T14:30:00.000Z");
  assert.equal(new Date(asTyped(AT)).getTime(), AT * 1000);
  assert.match(asTyped(AT), /^2026-05-0[2-4]T\d\d:(30|00|15|45)$/);
});

for (const [zone, typed] of [["UTC", "2026-05-03T14:30"], ["America/New_York", "2026-05-03T10:30"], ["Asia/Kolkata", "2026-05-03T20:00"]]) {
  test(`in ${zone}`, () => {
    const before = process.env.TZ;
    process.env.TZ = zone;
    try {
      assert.equal(asTyped(AT), typed);
      assert.equal(asMeant(typed), "2026-05-03T14:30:00.000Z");
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
}

test("nothing is nothing, and half a time is not", () => {
  assert.deepEqual([asTyped(0), asTyped(NaN), asMeant("")], ["", "", ""]);
  assert.deepEqual([asMeant("", true), asMeant("yesterday")], ["?", "?"]);
});
