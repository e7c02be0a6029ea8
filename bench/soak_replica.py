"""One server of soak.py, which is killed and started again, and looked at."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

_COUNTED = Path(__file__).with_name("counted.py")


@dataclass
class Replica:
    """One server, started again under the same port as often as it is ended."""

    env: Mapping[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None
    exits: Counter[str] = field(default_factory=Counter)
    slowest_stop: float = 0.0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return Path(self.env["MATON_MAILGUN_HOME"])

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-P", str(_COUNTED), str(self.home / "tasks"), f"127.0.0.1:{self.port}"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=dict(self.env), stdin=subprocess.DEVNULL, stderr=log)  # noqa: ASYNC220 - at once
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            for _ in range(240):
                try:
                    if (await client.get(f"{self.address}/readyz")).status_code == 200:
                        return
                except (httpx2.HTTPError, OSError):
                    pass
                await asyncio.sleep(0.25)
        raise SystemExit(f"a replica did not become ready; see {self.home / 'log'}")

    async def end(self, sig: signal.Signals) -> None:
        """Kill it, or ask it to stop and wait."""
        if self.process is None:
            return
        began = time.monotonic()
        self.process.send_signal(sig)
        status = await asyncio.to_thread(self.process.wait, 60)
        if sig is signal.SIGTERM:
            self.slowest_stop = max(self.slowest_stop, time.monotonic() - began)
        self.exits[f"{sig.name}: status {status}"] += 1
        self.process = None

    def holds(self) -> dict[str, float]:
        """What it holds now."""
        if self.process is None:
            return {}
        at = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (at / "status").read_text().splitlines() if ":" in line)
        self.process.send_signal(signal.SIGUSR1)
        tasks = self.home / "tasks"
        return {
            "memory MB": int(status["VmRSS"].split()[0]) / 1024,
            "threads": float(status["Threads"]),
            "files": float(len(list((at / "fd").iterdir()))),
            **({"tasks": float(tasks.read_text() or 0)} if tasks.exists() else {}),
        }
