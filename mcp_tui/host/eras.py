"""Which protocol era worked with a server, remembered between runs (specification, "stdio: Backward Compatibility").

Only ``legacy`` saves anything: such a server is not asked ``server/discover`` first, which some of them do not
survive.  What is remembered is forgotten after a week, so that an updated server is asked again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Literal

_log = logging.getLogger(__name__)

Era = Literal["legacy", "modern"]
FILE_NAME = "server_eras.json"
MAX_AGE = 7 * 24 * 3600.0
MAX_ENTRIES = 500


class EraStore:
    """Fingerprint of a server -> era; in memory only without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE_NAME if folder is not None else None
        self._eras: dict[str, tuple[Era, float]] = {}

    def load(self) -> None:
        """Read the file.  One that is missing, damaged or foreign counts as empty."""
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            stored = json.loads(self._path.read_text("utf-8"))
            for key, entry in list(stored.items())[-MAX_ENTRIES:]:
                if entry["era"] in ("legacy", "modern"):
                    self._eras[key] = (entry["era"], float(entry["at"]))

    def get(self, fingerprint: str) -> Era | None:
        """The era that worked last time, unless that was long ago."""
        era, at = self._eras.get(fingerprint, (None, 0.0))
        return era if era is not None and 0 <= time.time() - at < MAX_AGE else None

    def put(self, fingerprint: str, era: Era) -> bool:
        """Remember; True when that is new and `save` is worth calling."""
        if self.get(fingerprint) == era:
            return False
        self._eras.pop(fingerprint, None)
        self._eras[fingerprint] = (era, time.time())
        return True

    def forget(self, fingerprint: str) -> None:
        """What was remembered did not work."""
        self._eras.pop(fingerprint, None)

    def save(self) -> None:
        """Write the file: mode 0600, replaced as a whole.  A failure costs one question next time, no more."""
        if self._path is None:
            return
        entries = {key: {"era": era, "at": at} for key, (era, at) in list(self._eras.items())[-MAX_ENTRIES:]}
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{FILE_NAME}.")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(entries, file)
            Path(name).replace(self._path)
        except OSError as error:
            _log.warning("protocol eras could not be saved: %s", error)
