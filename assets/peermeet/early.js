/* What a page does before anything else of it is there, and once: app.py writes these lines into every page.

   An invitation is the fragment of its link, /meet/<code>#i=<token>, so that it reaches no server, no log and no
   Referer. It leaves the address bar before the router, and with it Reflex's socket, reads what stands there; this tab
   keeps it. Then the ticket is asked for, while the rest is still being loaded: components.jsx takes the answer. */
globalThis.peermeetEarly ??= (() => {
  if (typeof location === "undefined") return {}; // where pages are built
  const held = {}; // by room, for a browser that keeps nothing
  const key = (room) => `peermeet invitation ${room}`;

  const kept = (work) => {
    try {
      return work(sessionStorage);
    } catch {
      return null;
    }
  };

  /* The invitation that stands in the address bar, or that this tab came by before; null without one. */
  function invitation(room) {
    const name = key(room);
    const token = new URLSearchParams(location.hash.slice(1)).get("i");
    if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
    if (token) {
      held[name] = token;
      kept((store) => store.setItem(name, token));
    }
    return held[name] ?? kept((store) => store.getItem(name));
  }

  function forget(room) {
    delete held[key(room)];
    kept((store) => store.removeItem(key(room)));
  }

  /* The code of the room whose page this is, as it was made and not as somebody typed it (services/rooms.py); or null. */
  function here() {
    const [, page, code = ""] = location.pathname.split("/");
    if (page !== "meet") return null;
    const letters = code.toLowerCase().replaceAll("-", "");
    return /^[a-z0-9]{13}$/.test(letters) ? letters.replace(/^(.{4})(.{5})/, "$1-$2-") : code || null;
  }

  addEventListener("popstate", () => here() && invitation(here())); // another link, while a room is open

  const room = here();
  const known = room && invitation(room);
  const ask = () => fetch("/api/tickets", {
    method: "POST",
    headers: { "X-PeerMeet": "page", "Content-Type": "application/json" },
    body: JSON.stringify({ room, ...(known && { invitation: known }) }),
  }).then((answer) => answer.json()).catch(() => null);
  // As a module of the bundle, which happens where nobody wrote it into the page, it would not be early any more.
  return { here, invitation, forget, room, answer: room && document.currentScript ? ask() : null };
})();
