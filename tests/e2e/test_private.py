"""What is said in a call is for those in it: encrypted, to whom it was promised, and over with the session."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .person import People, Person, until

pytestmark = pytest.mark.browser


async def test_what_is_sent_is_encrypted(person: People) -> None:
    """DTLS-SRTP on every connection, by what the browser itself says of it."""
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    for one in (ada, bob):
        await one.sees_moving(1)
        transports = await one.page.evaluate(
            """async () => {
                 const found = [];
                 for (const pc of window.pcs) {
                   for (const one of (await pc.getStats()).values()) if (one.type === "transport") found.push(one);
                 }
                 return found;
               }"""
        )
        assert [found["dtlsState"] for found in transports] == ["connected"]
        for found in transports:
            assert found["srtpCipher"].startswith(("SRTP_AES", "SRTP_AEAD_AES"))  # of RFC 5764 and 7714, and no NULL
            assert found["tlsVersion"] in {"FEFD", "FEFC"}  # DTLS 1.2, 1.3
            assert found["localCertificateId"]
            assert found["remoteCertificateId"]


async def test_a_fingerprint_that_was_exchanged_on_the_way_gets_no_media(person: People) -> None:
    """Who steps in between changes the fingerprint in the descriptions; the browsers then do not trust each other."""
    swap = """
      const take = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
        const other = sdp.replace(/^(a=fingerprint:sha-256 )(..):(..)/gm, (_, head, a, b) => `${head}${b}:${a}`);
        return take.call(this, { type, sdp: other });
      };
    """
    ada, bob = await person("Ada", account=True), await person("Bob")
    await bob.context.add_init_script(swap)
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await ada.sees_tiles("Bob")
    await until(lambda: _failed(ada, bob), "the handshake has failed")
    for one in (ada, bob):
        assert "connected" not in await one.connections()
        assert sum((await one.frames()).values()) == 0
        assert sum((await one.energy()).values()) == 0


async def _failed(*people: Person) -> bool:
    """Whether somebody's browser has seen that the other is not who they were said to be."""
    states = [
        await one.page.evaluate(
            """async () => {
                 const found = [];
                 for (const pc of window.pcs) {
                   const all = [...(await pc.getStats()).values()];
                   found.push(...all.filter((one) => one.type === "transport").map((one) => one.dtlsState));
                 }
                 return found;
               }"""
        )
        for one in people
    ]
    return any("failed" in state or "closed" in state for state in states)


async def test_signing_out_in_one_tab_ends_the_meeting_in_the_others(person: People) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await bob.sees_tiles("Ada")
    lobby = await ada.another_tab()
    await lobby.goto("/lobby")
    await lobby.button("Sign out").click()
    await lobby.arrives_at("/")
    await bob.sees_tiles()
    await expect(ada.page.get_by_role("heading")).to_have_text("You have signed out")
    assert await ada.live_tracks() == 0
    assert await ada.connections() == await bob.connections() == ["closed"]
