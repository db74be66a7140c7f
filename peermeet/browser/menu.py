"""A button that opens a small list of others."""

from __future__ import annotations

from .face import Face, library


class _Face(Face):
    library = library("menu")


class Menu(_Face):
    """A `MenuButton`, and the `MenuItems` that it opens. Choosing one closes them."""

    tag = "Menu"


class MenuButton(_Face):
    tag = "MenuButton"


class MenuItems(_Face):
    tag = "MenuItems"


menu = Menu.create
menu_button = MenuButton.create
menu_items = MenuItems.create
