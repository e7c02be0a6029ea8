"""The SDK without what a server never uses of it.

`mcp` and `mcp.server` gather names from everywhere: clients, a second way to write servers, a command line. Loading
those takes 10 MB and 75 ms (measured with mcp 2.3.0). So these two stay closed: the modules in them are imported as
ever, and a package opens, as if it had been imported, when one of its own names is asked for.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_GATHERING = ("mcp", "mcp.server")
_NEEDED = "mcp.server.lowlevel"


class ClosedPackage(ModuleType):
    """A package whose modules can be imported, and whose own code runs when the first name of it is asked for."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__ = spec
        self.__loader__ = spec.loader
        self.__package__ = spec.name
        self.__path__ = list(spec.submodule_search_locations or ())
        self.__file__ = spec.origin
        self._opening = threading.RLock()
        self._opened = False

    def __getattr__(self, name: str) -> Any:
        # Asked only for what is not here. Other threads wait until all of it is; this one may be in the middle of it.
        with self._opening:
            if not self._opened and self.__spec__ is not None and self.__spec__.loader is not None:
                self._opened = True
                try:
                    self.__spec__.loader.exec_module(self)
                except BaseException:
                    self._opened = False
                    raise
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def load(packages: Iterable[str] = _GATHERING, needed: str = _NEEDED) -> None:
    """Load what a server needs of the SDK, with these packages closed; as it is, where that cannot be done."""
    outermost = needed.partition(".")[0]
    if outermost in sys.modules:
        return
    try:
        for name in packages:
            spec = find_spec(name)
            if spec is not None:
                sys.modules[name] = ClosedPackage(spec)
                around, _, last = name.rpartition(".")
                if around:
                    # As an import does.
                    setattr(sys.modules[around], last, sys.modules[name])
        import_module(needed)
    except (ImportError, AttributeError):
        # Another version, whose modules need the names of their packages: all from the start, and in order.
        for name in [one for one in sys.modules if one == outermost or one.startswith(f"{outermost}.")]:
            del sys.modules[name]
        import_module(needed)
