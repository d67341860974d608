# SPDX-License-Identifier: GPL-2.0-only
"""A serial line of the guest, which moves from one QEMU to the next with it."""

import select
import time


class SerialLine:
    """Lines that a guest sends, whichever QEMU it runs in.

    A migration may cut a line in two, one half in each QEMU's socket: the line
    keeps what it has of an unfinished line when it moves.
    """

    def __init__(self, log_path, on_line):
        """`on_line` gets each whole line; everything also goes to the file log_path."""
        self._log = open(log_path, "ab", buffering=0)
        self._on_line = on_line
        self._socket = None
        self._rest = b""

    def attach(self, connection):
        """From now on read from this socket; what is left in the old one comes first."""
        if self._socket:
            while self.pump(0):
                pass
            self._socket.close()
        connection.setblocking(False)
        self._socket = connection

    def send(self, text):
        """Send one line to the guest."""
        self._socket.sendall(text.encode() + b"\n")

    def pump(self, wait):
        """Hand over what has arrived, waiting up to `wait` seconds; False if nothing had."""
        if not self._socket:
            time.sleep(wait)
            return False
        if not select.select([self._socket], [], [], wait)[0]:
            return False
        data = self._socket.recv(65536)
        if not data:
            # the QEMU ended; its owner notices
            self._socket.close()
            self._socket = None
            return False
        self._log.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.rstrip(b"\r").decode(errors="replace"))
        return True
