# SPDX-License-Identifier: GPL-2.0-only
"""A stock QEMU with KVM that runs the guest, or waits for it."""

import ctypes
import os
import signal
import socket
import subprocess
from dataclasses import dataclass

from qmp import Qmp

PR_SET_PDEATHSIG = 1
MEMORY = "192M"
# One limit for every step of the life of a QEMU: start, answer, end.
STEP_LIMIT = 120
# The processor twice, to see whether it moves; then who interrupts it, and when.
LOOK_AT = ("info registers", "info registers", "info lapic", "info pic", "info irq")


class VmError(Exception):
    """A QEMU did not do what it was asked to."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Wiring:
    """How a QEMU gets its VF, and which of QEMU's ways of migration is taken."""

    iommufd: bool = False
    # value of vfio-pci's enable-migration; None leaves QEMU its default
    enable_migration: str | None = None
    multifd: bool = False

    def arguments(self, bdf):
        """QEMU's arguments for the VF."""
        device = f"vfio-pci,host={bdf}"
        arguments = []
        if self.iommufd:
            arguments = ["-object", "iommufd,id=iommufd0"]
            device += ",iommufd=iommufd0"
        if self.enable_migration:
            device += f",enable-migration={self.enable_migration}"
        return arguments + ["-device", device]

    def needs_time(self):
        """Whether all of the memory goes while the guest is stopped.

        It does where nothing can tell which memory the device wrote.
        """
        return self.enable_migration == "on"


class Vm:
    """One QEMU process. Its serial lines are sockets, for a SerialLine to attach."""

    def __init__(self, name, bdf, wiring, image, folder, logs):
        """Nothing runs before start().

        It holds the VF `bdf`, attached as `wiring` says; the guest artifact is in `image`, its sockets are
        made in `folder`, what it prints goes to `logs`.
        """
        self.name = name
        self.bdf = bdf
        self._wiring = wiring
        self._image = image
        self._base = f"{folder}/{name}"
        self._log = f"{logs}/qemu-{name}.log"
        self._process = None
        self._incoming = False
        self.console = None
        self.control = None
        self.qmp = None

    def _arguments(self):
        image = self._image
        return [
            "qemu-system-x86_64", "-name", self.name, "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot", "-M", "q35,accel=kvm", "-cpu", "host",
            "-smp", "1", "-m", MEMORY, "-kernel", f"{image}/vmlinuz",
            "-initrd", f"{image}/initrd",
            "-append", "console=ttyS0 loglevel=5 panic=-1",
            "-qmp", f"unix:{self._base}.qmp,server=on,wait=off",
            "-chardev", f"socket,id=console,path={self._base}.console",
            "-chardev", f"socket,id=control,path={self._base}.control",
            "-serial", "chardev:console", "-serial", "chardev:control",
            *self._wiring.arguments(self.bdf),
            *(["-incoming", "defer"] if self._incoming else []),
        ]

    def start(self, incoming=False):
        """Start QEMU; with `incoming` it waits to be told where a guest comes from."""
        self._incoming = incoming
        listeners = [self._listen(kind) for kind in ("console", "control")]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self._arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_die_with_parent)
        self.console, self.control = [self._accept(listener) for listener in listeners]
        self.qmp = Qmp(self.name, f"{self._base}.qmp", self.is_alive, STEP_LIMIT)

    def _listen(self, kind):
        path = f"{self._base}.{kind}"
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        return listener

    def _accept(self, listener):
        listener.settimeout(1)
        for _ in range(STEP_LIMIT):
            if not self.is_alive():
                break
            try:
                connection = listener.accept()[0]
                listener.close()
                return connection
            except TimeoutError:
                pass
        raise VmError(f"QEMU {self.name} did not start: {self.last_words()}")

    def is_alive(self):
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def last_words(self):
        """The end of what QEMU itself printed."""
        with open(self._log) as log:
            return " | ".join(log.read().splitlines()[-5:]) or "(it printed nothing)"

    def where(self):
        """What its guest is at, for whoever wonders why it does not go on."""
        found = [f"status {self.qmp.execute('query-status')['status']}"]
        for command in LOOK_AT:
            found += self.qmp.execute("human-monitor-command", **{"command-line": command}).splitlines()
        return found

    def wait(self):
        """Wait until it ends by itself; raises VmError when it does not, or not well."""
        try:
            code = self._process.wait(STEP_LIMIT)
        except subprocess.TimeoutExpired:
            raise VmError(f"QEMU {self.name}: expected it to end, still runs") from None
        if code:
            raise VmError(f"QEMU {self.name}: exit {code}: {self.last_words()}")

    def quit(self):
        """Ask it to end, and wait."""
        self.qmp.execute("quit")
        self.wait()
        self.qmp.close()

    def kill(self):
        """End it at once, whatever its state; for the way out after a failure."""
        if self.is_alive():
            self._process.kill()
            self._process.wait()
