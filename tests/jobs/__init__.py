"""Jobs that people give to an assistant, done over the wire."""

import pytest

pytest.register_assert_rewrite(
    *(f"jobs.{name}" for name in ("work", "sending", "about_addresses", "about_the_account"))
)
