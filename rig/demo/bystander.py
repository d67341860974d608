# SPDX-License-Identifier: GPL-2.0-only
"""The host's own use of the PF's namespace while the guest migrates."""

import mmap
import os
import threading
import time

BLOCK = 4096


class Bystander(threading.Thread):
    """Writes and reads back one block of the PF's namespace, over and over.

    The block lies outside of the guest's area. Direct I/O: each access is a
    command of the PF.
    """

    def __init__(self, disk, offset, interval=0.2):
        super().__init__(daemon=True)
        self._fd = os.open(disk, os.O_RDWR | os.O_DIRECT)
        self._offset = offset
        self._interval = interval
        self._stop = threading.Event()
        self.rounds = 0
        self.slowest = 0.0
        self.error = None

    def run(self):
        try:
            while not self._stop.wait(self._interval):
                begin = time.monotonic()
                self._round()
                self.slowest = max(self.slowest, time.monotonic() - begin)
                self.rounds += 1
        except OSError as error:
            self.error = f"the host's own I/O on the PF failed: {error.strerror}"

    def _round(self):
        """One write and one read with data that no other round has."""
        block = mmap.mmap(-1, BLOCK)
        block[:] = self.rounds.to_bytes(8, "little") * (BLOCK // 8)
        os.pwritev(self._fd, [block], self._offset)
        back = mmap.mmap(-1, BLOCK)
        os.preadv(self._fd, [back], self._offset)
        if back[:] != block[:]:
            self.error = f"the host read other data than it wrote, round {self.rounds}"
            self._stop.set()

    def stop(self):
        """End it; returns the error as text, or None."""
        self._stop.set()
        self.join(60)
        if self.is_alive():
            return "the host's own I/O on the PF hangs for more than 60 s"
        os.close(self._fd)
        return self.error
