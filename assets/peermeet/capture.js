// @ts-check
/**
 * Camera and microphone: a track, or a code that says why not. Codes are `insecure_page`, and for each source
 * `<source>_blocked`, `no_<source>`, `<source>_in_use` (and `<source>_lost`, which the meeting says).
 */

/** @typedef {"camera" | "microphone"} Device */
/** @typedef {{track?: MediaStreamTrack, code?: string}} Found */

/** @type {Record<string, (source: Device) => string>} */
const CODES = {
  NotAllowedError: (source) => `${source}_blocked`,
  SecurityError: (source) => `${source}_blocked`,
  NotFoundError: (source) => `no_${source}`,
  OverconstrainedError: (source) => `no_${source}`,
  NotReadableError: (source) => `${source}_in_use`,
  AbortError: (source) => `${source}_in_use`,
};

/** @type {{audio: MediaTrackConstraints, video: MediaTrackConstraints}} */
const IDEAL = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  // Soft wishes: VGA is what a tile shows, 24 frames are film, and any camera may do otherwise.
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 } },
};

/** @type {Record<Device, "audio" | "video">} */
const KIND = { camera: "video", microphone: "audio" };

/**
 * @param {{
 *   devices: Pick<MediaDevices, "getUserMedia"> | undefined,
 *   secure: boolean,
 *   constraints?: {audio?: MediaTrackConstraints, video?: MediaTrackConstraints},
 * }} needs
 */
export function createCapture({ devices, secure, constraints = {} }) {
  const wishes = { ...IDEAL, ...constraints };

  /** @param {Device[]} sources @param {boolean} plain */
  async function ask(sources, plain = false) {
    /** @type {MediaStreamConstraints} */
    const request = {};
    for (const source of sources) request[KIND[source]] = plain || wishes[KIND[source]];
    const stream = await /** @type {Pick<MediaDevices, "getUserMedia">} */ (devices).getUserMedia(request);
    /** @type {Record<string, Found>} */
    const found = {};
    for (const source of sources) {
      const track = stream.getTracks().find((one) => one.kind === KIND[source]);
      found[source] = track ? { track } : { code: `no_${source}` };
    }
    return found;
  }

  /** @param {Device} source @returns {Promise<Found>} */
  async function alone(source) {
    try {
      return (await ask([source]))[source];
    } catch (error) {
      if (nameOf(error) !== "OverconstrainedError") return { code: codeFor(error, source) };
    }
    try {
      return (await ask([source], true))[source];
    } catch (error) {
      return { code: codeFor(error, source) };
    }
  }

  return {
    /**
     * Open these sources, with one question to the user if it can be done with one. Never rejects.
     * @param {import("./room.js").Source[]} wanted
     * @returns {Promise<Record<string, Found>>}
     */
    async open(wanted) {
      const sources = /** @type {Device[]} */ (wanted);
      /** @type {Record<string, Found>} */
      const found = {};
      if (!secure || !devices?.getUserMedia) {
        for (const source of sources) found[source] = { code: "insecure_page" };
        return found;
      }
      if (sources.length > 1) {
        try {
          return await ask(sources);
        } catch {
          // Together they fail if one does; each alone, a missing camera does not cost the microphone.
        }
      }
      for (const source of sources) found[source] = await alone(source);
      return found;
    },
  };
}

/** @param {unknown} error */
function nameOf(error) {
  return /** @type {{name?: string}} */ (error ?? {}).name ?? "";
}

/** @param {unknown} error @param {Device} source */
function codeFor(error, source) {
  return (CODES[nameOf(error)] ?? CODES.NotReadableError)(source);
}
