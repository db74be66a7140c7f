"""Forms and buttons that speak HTTP."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("forms")


class HttpForm(_Face):
    """A form that speaks to one of the HTTP routes and never to Reflex: passwords pass no state and no log.

    After success it goes to ``next``, or says ``done`` and calls ``on_done``; a refusal keeps all that was typed and
    shows at its `FieldError`.
    """

    tag = "HttpForm"
    method: rx.Var[str]
    action: rx.Var[str]
    next: rx.Var[str]
    done: rx.Var[str]
    on_done: rx.EventHandler[rx.event.no_args_event_spec]


class FieldError(_Face):
    """Where the refusal about one field of the form around it is shown; without a field, all others."""

    tag = "FieldError"
    field: rx.Var[str]


class CopyButton(_Face):
    """Copies ``text``, or the address of ``path`` on this server."""

    tag = "CopyButton"
    path: rx.Var[str]
    text: rx.Var[str]
    copied: rx.Var[str]


class DownloadLink(_Face):
    """A link to a file that an HTTP route makes."""

    tag = "DownloadLink"
    path: rx.Var[str]


class SignOutButton(_Face):
    """Ends the session, then goes to ``next``."""

    tag = "SignOutButton"
    next: rx.Var[str]


http_form = HttpForm.create
field_error = FieldError.create
download_link = DownloadLink.create
copy_button = CopyButton.create
sign_out_button = SignOutButton.create
