"""What was seen of the audit when a write was carried out, kept beside the key file and outside the database.

A database can be put back whole to an earlier moment: a restored backup, a standby that lagged when it took over. Then
every checksum in it is right, and a yes that was used since looks unused. The mark is written after each claim and
before its request is sent, so whoever claims next from the same state directory sees that the database lacks it.

The file holds one mark for each chain (told apart by its first entry), under a checksum with the installation's key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from maton_mailgun.approval.binding import seal
from maton_mailgun.approval.store.failures import StoreUnavailable, Tampered
from maton_mailgun.ownership import Untrusted, trusted_bytes
from maton_mailgun.whole_file import one_at_a_time, replace_whole

FILE = "audit.mark"
_MOST = 65_536


class Mark(NamedTuple):
    """An entry that the audit had."""

    seq: int
    hash: str


Marks = Mapping[str, Mark]
"""Hash of a chain's first entry -> the last entry that is known to have been in it."""


@dataclass(frozen=True, slots=True)
class OutsideMark:
    """The marks of one state directory."""

    path: Path
    key: bytes = field(repr=False)
    key_id: str

    @classmethod
    def beside(cls, home: Path, seal_key: bytes) -> OutsideMark:
        """The marks that stand beside the key file in `home`."""
        return cls(home / FILE, seal.derive(seal_key, "audit-mark"), seal.key_id(seal_key))

    def read(self) -> Marks:
        """All marks; none where there is no file, or one under a key that was lost.

        Raises:
            Tampered: The file was changed by somebody else.
            StoreUnavailable: It cannot be read.
        """
        try:
            content = json.loads(trusted_bytes(self.path, most=_MOST))
            marks = {str(origin): Mark(int(seq), str(end)) for origin, (seq, end) in content["marks"].items()}
            key_id, mac = str(content["key_id"]), str(content["mac"])
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreUnavailable(f"The mark of the audit, {self.path}, cannot be read: {error.strerror}.") from error
        except (Untrusted, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Tampered("the audit", f"{self.path} is damaged or not to be trusted") from error
        if key_id != self.key_id:
            return {}
        if not seal.same(mac, self._mac(marks)):  # guard: 65-mark
            raise Tampered("the audit", f"{self.path} was changed")
        return marks

    def write(self, origin: str, mark: Mark) -> None:
        """Keep a mark, durably, unless a later one of this chain is kept already.

        Raises:
            Tampered: See `read`.
            StoreUnavailable: It cannot be written.
        """
        try:
            # Of two processes' marks the later one stays.
            with one_at_a_time(self.path.with_name(f".{FILE}.lock")):
                marks = self.read()
                if origin in marks and marks[origin].seq >= mark.seq:
                    return
                self._replace({**marks, origin: mark})
        except OSError as error:
            raise StoreUnavailable(
                f"The mark of the audit, {self.path}, cannot be written: {error.strerror}. The state directory must be "
                "writable."
            ) from error

    def _replace(self, marks: Marks) -> None:
        content = {"key_id": self.key_id, "marks": marks, "mac": self._mac(marks)}
        replace_whole(self.path, json.dumps(content) + "\n")

    def _mac(self, marks: Marks) -> str:
        return seal.mac(self.key, json.dumps([self.key_id, sorted(marks.items())]).encode("ascii"))
