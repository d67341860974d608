# SPDX-License-Identifier: GPL-2.0-only
"""A client of QEMU's machine protocol (QMP) over a unix socket."""

import json
import socket
import time


class QmpError(Exception):
    """QEMU refused a command; the text is QEMU's."""


class Qmp:
    """One QMP session. Events that come between replies are dropped."""

    def __init__(self, name, path, alive, limit):
        """Connect to the QEMU `name` as soon as it listens, within `limit` s.

        `alive` tells whether there is anything to wait for.
        """
        self._name = name
        end = time.monotonic() + limit
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if not alive() or time.monotonic() > end:
                    raise QmpError(f"QEMU {name} does not listen on {path}") from None
                time.sleep(0.05)
        self._stream = self._socket.makefile("rw")
        self._receive()
        self.execute("qmp_capabilities")

    def _receive(self):
        try:
            line = self._stream.readline()
        except ConnectionResetError:
            line = None
        if not line:
            raise QmpError(f"QEMU {self._name} closed its QMP socket: it ended or crashed")
        return json.loads(line)

    def execute(self, command, **arguments):
        """Run a command; returns what QEMU returns, raises QmpError when it refuses."""
        json.dump({"execute": command, "arguments": arguments}, self._stream)
        self._stream.write("\n")
        self._stream.flush()
        while True:
            reply = self._receive()
            if "error" in reply:
                raise QmpError(f"QEMU {self._name}: {command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def close(self):
        """End the session."""
        self._stream.close()
        self._socket.close()
