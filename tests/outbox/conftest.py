"""A real browser, shared with the tests of the approval page."""

from page.conftest import chromium, open_chromium, shared_chromium

__all__ = ["chromium", "open_chromium", "shared_chromium"]
