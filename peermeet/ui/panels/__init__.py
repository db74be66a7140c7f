"""What stands beside the stage. Every panel comes through `extend.panel`, as a plugin's would; in this order."""

from . import people  # isort: skip
from . import chat  # isort: skip
from . import doors  # isort: skip
from . import invite  # isort: skip

__all__ = ["chat", "doors", "invite", "people"]
