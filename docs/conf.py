"""The site made of these pages: `python -m sphinx -nW --keep-going -q docs site` fails on a link that leads nowhere.

Sphinx, as it checks links and anchors on every build and has been kept for eighteen years, with MyST, which reads the
Markdown that the repository shows. MkDocs Material is only maintained, and Zensical, its heir, is before 1.0.
"""

from __future__ import annotations

import re
from typing import Any

project = "maton-mailgun"
author = "The maton-mailgun authors"
copyright = author  # noqa: A001 - the name that Sphinx reads
extensions = ["myst_parser"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = "maton-mailgun"
html_theme_options = {"sidebar_hide_name": False, "navigation_with_keys": True}
html_show_sphinx = False
html_copy_source = False
# Anchors as the repository's own page of a Markdown file has them.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.xref_ambiguous"]
# A schema or an answer in `jsonc`, `text` and the like is shown as it is.
highlight_language = "none"


def setup(app: Any) -> None:
    """Markdown outside of this folder is no page of the site: it is handed out as the file it is."""
    app.connect("source-read", _hand_out)


def _hand_out(app: Any, name: str, source: list[str]) -> None:
    source[0] = re.sub(r"\]\((\.\./[^)#]+\.md)\)", r"](path:\1)", source[0])
