import assert from "node:assert/strict";
import { test } from "node:test";

import { createCapture } from "../../assets/peermeet/capture.js";
import { fakeDevices } from "./fakes.js";

const BOTH = ["microphone", "camera"];
const codes = (found) => Object.fromEntries(Object.entries(found).map(([source, { code }]) => [source, code]));

test("both at once are one question to the user", async () => {
  const devices = fakeDevices();
  const found = await createCapture({ devices, secure: true }).open(BOTH);
  assert.equal(found.microphone.track.kind, "audio");
  assert.equal(found.camera.track.kind, "video");
  assert.equal(devices.asked.length, 1);
});

test("wishes are soft, and may be others", async () => {
  const devices = fakeDevices();
  await createCapture({ devices, secure: true }).open(BOTH);
  assert.deepEqual(devices.asked[0].video, { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 } });
  assert.deepEqual(devices.asked[0].audio, {
    echoCancellation: true, noiseSuppression: true, autoGainControl: true,
  });
  const video = { width: 320, height: 240, frameRate: 15 };
  await createCapture({ devices, secure: true, constraints: { video } }).open(["camera"]);
  assert.deepEqual(devices.asked[1], { video });
});

test("a missing camera does not cost the microphone", async () => {
  const devices = fakeDevices({ audio: true, video: "NotFoundError" });
  const found = await createCapture({ devices, secure: true }).open(BOTH);
  assert.deepEqual(codes(found), { microphone: undefined, camera: "no_camera" });
  assert.deepEqual(devices.live(), ["audio"]);
});

for (const [name, camera, microphone] of [
  ["NotAllowedError", "camera_blocked", "microphone_blocked"],
  ["SecurityError", "camera_blocked", "microphone_blocked"],
  ["NotFoundError", "no_camera", "no_microphone"],
  ["OverconstrainedError", "no_camera", "no_microphone"],
  ["NotReadableError", "camera_in_use", "microphone_in_use"],
  ["AbortError", "camera_in_use", "microphone_in_use"],
  ["ErrorOfNextYear", "camera_in_use", "microphone_in_use"],
]) {
  test(`${name} has a code for each source`, async () => {
    const devices = fakeDevices({ audio: name, video: name });
    const capture = createCapture({ devices, secure: true });
    assert.deepEqual(codes(await capture.open(BOTH)), { microphone, camera });
    assert.deepEqual(codes(await capture.open(["camera"])), { camera });
  });
}

test("a camera that cannot do as we wish may do as it likes", async () => {
  const devices = fakeDevices({ video: (wish) => wish === true || "OverconstrainedError" });
  const { camera } = await createCapture({ devices, secure: true }).open(["camera"]);
  assert.equal(camera.track.kind, "video");
});

test("a page that is not secure has no devices at all", async () => {
  const expected = { microphone: "insecure_page", camera: "insecure_page" };
  const devices = fakeDevices();
  assert.deepEqual(codes(await createCapture({ devices, secure: false }).open(BOTH)), expected);
  assert.deepEqual(codes(await createCapture({ devices: undefined, secure: true }).open(BOTH)), expected);
  assert.deepEqual(devices.asked, []);
});
