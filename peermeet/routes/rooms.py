"""Rooms: the ticket that lets somebody in, what is said of a room in secret, and what its owner takes home.

    POST   /api/tickets                     {room[, passcode][, invitation]}    enter a meeting     201 {ticket}
    PUT    /api/rooms/{code}/passcode       {passcode}                          ask for it          200
    DELETE /api/rooms/{code}/passcode                                           ask for none        200
    POST   /api/rooms/{code}/invitations    {role[, expires][, uses]}           make a link         201 {id, token}
    GET    /api/rooms/{code}/invitations                                        which there are     200 {invitations}
    GET    /api/rooms/{code}/invitations/{id}                                   who came by it      200 {came}
    DELETE /api/rooms/{code}/invitations/{id}                                   end it              200
    GET    /api/rooms/{code}/attendance.csv                                     who was there       200, a table

Times that are sent are ISO 8601 with a zone, those that are answered Unix seconds. A token is answered once, by the
request that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .answers import Counter, Doorman, Somebody, Table, address, body, device


class Services(Doorman, Protocol):
    """What the routes need done. Tickets are text to them."""

    async def ticket(
        self,
        user: Any,
        code: object,
        address: str,
        *,
        passcode: object = None,
        invitation: object = None,
        device: str | None = None,
        session: str | None = None,
    ) -> str: ...
    async def set_passcode(self, user: Any, code: object, passcode: object) -> None: ...
    async def invite(
        self, user: Any, code: object, role: object = ..., expires: object = None, uses: object = None
    ) -> Any: ...
    async def invitations(self, user: Any, code: object) -> Sequence[Any]: ...
    async def came_by(self, user: Any, code: object, invitation: object) -> Sequence[Any]: ...
    async def revoke_invitation(self, user: Any, code: object, invitation: object) -> None: ...
    async def attendance_csv(self, user: Any, code: object) -> tuple[str, str]: ...


class Rooms(Counter[Services]):
    def table(self) -> Table:
        room = "/api/rooms/{code}"
        return [
            ("POST", "/api/tickets", self.ticket),
            ("PUT", f"{room}/passcode", self.set_passcode),
            ("DELETE", f"{room}/passcode", self.clear_passcode),
            ("POST", f"{room}/invitations", self.invite),
            ("GET", f"{room}/invitations", self.invitations),
            ("GET", f"{room}/invitations/{{id}}", self.came_by),
            ("DELETE", f"{room}/invitations/{{id}}", self.revoke),
            ("GET", f"{room}/attendance.csv", self.attendance),
        ]

    async def ticket(self, request: Request) -> Response:
        form = await body(request)
        user, word = await self._signed_in(request), device(request)
        made = await self._services().ticket(
            user,
            form.get("room"),
            address(request),
            passcode=form.get("passcode"),
            invitation=form.get("invitation"),
            device=word,
            session=request.cookies.get(self._cookie),
        )
        response = JSONResponse({"ticket": made}, status_code=201)
        self._keep_device(response, request, word)  # for a session that is older than this cookie
        return response

    async def set_passcode(self, request: Request) -> Response:
        form = await body(request)
        passcode = form.get("passcode")
        # None would take it away, which is another request.
        await self._services().set_passcode(*await self._at(request), "" if passcode is None else passcode)
        return JSONResponse({})

    async def clear_passcode(self, request: Request) -> Response:
        await self._services().set_passcode(*await self._at(request), None)
        return JSONResponse({})

    async def invite(self, request: Request) -> Response:
        form = await body(request)
        how = [form.get("role"), form.get("expires"), form.get("uses")]
        made = await self._services().invite(*await self._at(request), *how)
        return JSONResponse({"id": made.id, "token": made.token}, status_code=201)

    async def invitations(self, request: Request) -> Response:
        lines = await self._services().invitations(*await self._at(request))
        return JSONResponse({"invitations": [_invitation(line) for line in lines]})

    async def came_by(self, request: Request) -> Response:
        came = await self._services().came_by(*await self._at(request), request.path_params["id"])
        return JSONResponse({"came": [{"name": one.name, "first": _seconds(one.first)} for one in came]})

    async def revoke(self, request: Request) -> Response:
        await self._services().revoke_invitation(*await self._at(request), request.path_params["id"])
        return JSONResponse({})

    async def attendance(self, request: Request) -> Response:
        name, table = await self._services().attendance_csv(*await self._at(request))
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(table, headers=headers, media_type="text/csv; charset=utf-8")

    async def _at(self, request: Request) -> tuple[Somebody, str]:
        """Return who asks, and of which room."""
        return await self._signed_in(request), request.path_params["code"]


def _invitation(line: Any) -> dict[str, object]:
    told = {name: getattr(line, name) for name in ("id", "number", "by", "role", "uses", "used", "revoked", "good")}
    return told | {"created": _seconds(line.created), "expires": _seconds(line.expires)}


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
