"""Property tests draw the same examples everywhere and have no deadline, which a busy machine would miss."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("intarsia", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("intarsia")
