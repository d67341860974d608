# SPDX-License-Identifier: GPL-2.0-only
"""The guest as the host sees it: its two serial lines, whichever QEMU it is in."""

import time
from dataclasses import dataclass

from serialline import SerialLine


class GuestError(Exception):
    """The guest reported an error, or did not report what was expected."""


@dataclass
class Tick:
    """The disk's counters, reported by the guest once a second."""

    uptime: float
    reads: int
    writes: int
    inflight: int


class Guest:
    """Sends the workload's orders and keeps what it reports (rig/guest/workload)."""

    def __init__(self, folder, show):
        """`show` gets a line of progress; logs go to the folder."""
        self._show = show
        self._console = SerialLine(f"{folder}/guest-console.log", self._on_console)
        self._control = SerialLine(f"{folder}/guest-control.log", self._on_report)
        self._place = "nowhere"
        self._alive = lambda: False
        self._errors = []
        self.disk_bytes = 0
        self.ticks = []
        self.rounds = []
        self.stopped = False
        self.checked = 0
        self.kernel_log = []
        self.kernel_log_whole = False

    def move_to(self, vm):
        """From now on the guest is in this QEMU."""
        self._console.attach(vm.console)
        self._control.attach(vm.control)
        self._alive = vm.is_alive
        self._place = vm.name

    def order(self, text):
        """Send an order of the workload."""
        self._control.send(text)

    def pump(self, wait=0.1):
        """Take in what the guest says."""
        self._control.pump(wait)
        self._console.pump(0)

    def wait_for(self, what, condition, limit):
        """Take in reports until condition(); GuestError on the guest's error or after `limit` s."""
        end = time.monotonic() + limit
        while True:
            self.pump()
            if self._errors:
                raise GuestError("; ".join(self._errors))
            if condition():
                return
            if not self._alive():
                raise GuestError(f"{what}: the QEMU '{self._place}' ended meanwhile")
            if time.monotonic() > end:
                raise GuestError(f"{what}: not within {limit} s")

    def _on_console(self, line):
        self._show(f"guest console on {self._place}: {line}")

    def _on_report(self, line):
        """One line of the workload; kernel and firmware do not write there."""
        word, *rest = line.split() or [""]
        if word == "@tick":
            self._on_tick(Tick(float(rest[0]), *map(int, rest[1:4])))
            return
        if word == "@log":
            self.kernel_log.append(" ".join(rest))
        elif word == "@log-end":
            self.kernel_log_whole = True
        elif word == "@fail":
            self._errors.append("guest: " + " ".join(rest))
        elif word == "@ready":
            self.disk_bytes = int(rest[1])
        elif word == "@round":
            self.rounds.append(int(rest[2]))
        elif word == "@stopped":
            self.stopped = True
        elif word == "@checked":
            self.checked = int(rest[1])
        self._show(f"guest on {self._place}: {line}")

    def _on_tick(self, tick):
        self.ticks.append(tick)
        self._show(f"guest on {self._place}: up {tick.uptime:.0f} s, {tick.reads} reads, "
                   f"{tick.writes} writes, {tick.inflight} in flight")
