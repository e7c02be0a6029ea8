"""Whether a client is told by `isError` that a call failed. What failed and what to do stands in the result anyway."""

from __future__ import annotations

from typing import Any

_DEFAULT_NAME = "mcp"
"""What MCP's Python SDK calls a client that gives itself no name."""


def flagged(client: Any) -> bool:
    """Whether errors may be flagged for this client.

    Microsoft's Agent Framework makes an exception of a flagged result and hands its model "Error: Function failed."
    (agent-framework-core 1.23, `_mcp.py` and `include_detailed_errors` of `_tools.py`): no model could go by our words.
    It gives itself no name, and is known by declaring sampling and nothing else. Whoever else does so reads the same
    result, with `status` "error".

    Args:
        client: What the client said of itself (`InitializeRequestParams`), or None.
    """
    if client is None or client.client_info is None or client.client_info.name != _DEFAULT_NAME:
        return True
    declared = client.capabilities.model_dump(exclude_none=True) if client.capabilities is not None else {}
    return set(declared) != {"sampling"}
