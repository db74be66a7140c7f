"""Rooms: the ticket that lets somebody in, and what only a room's owner may read.

POST   /api/tickets             {room[, passcode][, invitation]}    enter a meeting       201 {ticket}
GET    /api/rooms/{code}/attendance.csv                             who was in my room    200, a table
"""

from __future__ import annotations

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .answers import Counter, Doorman, Table, address, body, device


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
    ) -> str: ...
    async def attendance_csv(self, user: Any, code: object) -> tuple[str, str]: ...


class Rooms(Counter[Services]):
    def table(self) -> Table:
        return [
            ("POST", "/api/tickets", self.ticket),
            ("GET", "/api/rooms/{code}/attendance.csv", self.attendance),
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
        )
        response = JSONResponse({"ticket": made}, status_code=201)
        self._keep_device(response, request, word)  # for a session that is older than this cookie
        return response

    async def attendance(self, request: Request) -> Response:
        user = await self._signed_in(request)
        name, table = await self._services().attendance_csv(user, request.path_params["code"])
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(table, headers=headers, media_type="text/csv; charset=utf-8")
