"""Whether Python would load modules from the working directory: hosts start the server in folders of other people.

It runs before anything else of ours, so it imports only what every interpreter has loaded by then: any other module
could already be one of that folder, and would run with the Maton key.
"""

import os
import sys

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SCRIPTS = os.path.dirname(sys.executable or "")
"""Where this package and the entry scripts lie. What is loaded from there is the installation, wherever it starts."""


def refusal() -> str | None:
    """Why this process must not go on, and what would be right; None where it may."""
    cause = (
        _first_entry()  # guard: 43-first
        or _environment()  # guard: 43-environment
        or _other_entries()  # guard: 43-other
    )
    if cause is None:
        return None
    why, right = cause
    # repr: a folder's name may hold what a terminal obeys, and the module that makes text harmless is not loaded yet.
    return (
        f"not started: Python would load modules from the working directory, {_working_directory()!r}, and whatever "
        f"lies there would run with your keys. {why} {right}"
    )


def as_here() -> list[str]:
    """Flags by which the search path, which was looked at when this process started, is no wider in another one: a host
    may start us with -I, in somebody else's folder, because of what PYTHONPATH names."""
    if sys.flags.isolated:
        return ["-I"]  # guard: 185-isolated
    ignored = {"-E": sys.flags.ignore_environment, "-s": sys.flags.no_user_site, "-S": sys.flags.no_site}
    return ["-P", *(flag for flag, given in ignored.items() if given)]  # guard: 185-ignored


def _first_entry() -> tuple[str, str] | None:
    # `python -m` and `python -c` put the working directory first; an entry script puts its own folder there.
    if sys.flags.safe_path or not sys.path or not _is_here(sys.path[0]) or _same(sys.path[0], _SCRIPTS):
        return None
    return "`python -m` and `python -c` put it first on the search path.", f"Start it as: {_command()}"


def _environment() -> tuple[str, str] | None:
    if sys.flags.ignore_environment:
        return None
    # Read here as Python reads it, not as a setting of ours: on sys.path, relative entries have been made absolute.
    named = os.environ.get("PYTHONPATH", "")
    for entry in named.split(os.pathsep) if named else ():
        if not os.path.isabs(entry) or (_is_here(entry) and not _same(entry, _HOME)):
            return (
                f"PYTHONPATH names it or a place below it: {named!r}.",
                f"Unset PYTHONPATH, or start it as: {sys.executable} -I -m maton_mailgun",
            )
    compiled = sys.pycache_prefix
    if compiled is not None and (not os.path.isabs(compiled) or _is_here(compiled)):
        return (
            f"PYTHONPYCACHEPREFIX takes compiled modules from there: {compiled!r}.",
            f"Unset it, or start it as: {sys.executable} -I -m maton_mailgun",
        )
    return None


def _other_entries() -> tuple[str, str] | None:
    """What something else put there, such as a .pth file. Our own home is the same wherever we are started."""
    if not any(_is_here(entry) and not _same(entry, _HOME) and not _same(entry, _SCRIPTS) for entry in sys.path):
        return None
    return (
        "It is on the search path of this Python, which a .pth file can do.",
        "Start it in another folder, or give maton-mailgun a virtual environment of its own.",
    )


def _is_here(entry: str) -> bool:
    return not os.path.isabs(entry) or _same(entry, os.curdir)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return os.curdir


def _command() -> str:
    """How this installation is started without the working directory: its entry script, which lies beside Python."""
    name = "maton-mailgun.exe" if sys.platform == "win32" else "maton-mailgun"
    script = os.path.join(_SCRIPTS, name)
    return script if os.path.isfile(script) else f"{sys.executable} -P -m maton_mailgun"
