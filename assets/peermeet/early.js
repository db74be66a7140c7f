/* Asks for the ticket while everything else of a room's page is still being loaded; components.jsx takes the answer.
   Named in the page by browser/build.py. */
{
  const [, page, room] = location.pathname.split("/");
  if (page === "meet") {
    window.peermeetDoor = fetch("/api/tickets", {
      method: "POST",
      headers: { "X-PeerMeet": "page", "Content-Type": "application/json" },
      body: JSON.stringify({ room }),
    }).then((answer) => answer.json()).catch(() => null);
  }
}
