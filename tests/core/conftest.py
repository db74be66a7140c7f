"""Hypothesis for everybody here: no deadline (two shared cores), and the same examples on every run in CI."""

import os

from hypothesis import settings

settings.register_profile("here", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("here")
