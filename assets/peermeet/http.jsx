/* Asking the HTTP routes, from the page that they served. */
import env from "$/env.json";
import { getBackendURL } from "$/utils/state";

export const backend = () => getBackendURL(env.PING).origin;

export async function ask(method, path, body) {
  try {
    const response = await fetch(backend() + path, {
      method, credentials: "include", body: body && JSON.stringify(body),
      headers: { "X-PeerMeet": "page", ...(body && { "Content-Type": "application/json" }) },
    });
    return await response.json();
  } catch {
    return { error: { code: "offline", message: "The server cannot be reached. Check your connection and try again." } };
  }
}
