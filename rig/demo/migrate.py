#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demo inside L1: a guest that does I/O on its VF migrates, and migrates back.

GUEST_IMAGE holds the guest's vmlinuz and initrd, OUTPUT gets the logs and the
verdict (file `verdict`, one line). Exit 0 or 1.
"""

import argparse
import sys
import time
import traceback
from dataclasses import dataclass

import host
from bystander import Bystander
from guest import Guest, GuestError
from phases import PhasesError, Trace, picture
from qmp import QmpError
from vm import Vm, VmError, Wiring

MIB = 1 << 20
ROUND_JOB = f"{host.RIG}/guest/round.fio"
# Not in the output folder: that is a share, and has no sockets.
SOCKETS = "/run"
# The host's own block is at the start of the namespace, the guest's area behind.
HOST_OFFSET = 0
GUEST_OFFSET = 16 * MIB
GUEST_SIZE = 8 * MIB
# A migration of a guest of this size takes seconds, and the guest's nvme driver
# would give up after 30 s of standstill.
MIGRATION_LIMIT = 120
# Far above anything seen; only a hang reaches them.
BOOT_LIMIT = 120
DMESG_LINES = 40
ROUND_LIMIT = 120


class DemoError(Exception):
    """What was to be shown does not hold."""


@dataclass
class Migration:
    """What QEMU reported of a migration."""

    downtime_ms: int
    state_bytes: int


def show(text):
    """One line of progress."""
    print(text, flush=True)


def require(condition, text):
    """Raise DemoError with the text unless the condition holds."""
    if not condition:
        raise DemoError(text)


class Demo:
    """The steps, in order, and what they leave behind."""

    def __init__(self, options):
        self._options = options
        self._image = options.image
        self._output = options.output
        self._wiring = None
        self._trace = None
        self._guest = Guest(options.output, show)
        self._vms = []
        self._pf = None
        self._bystander = None

    def run(self):
        """All of it; returns the line of success, raises when something does not hold."""
        bdf_a, bdf_b = self._prepare_host()
        first = self._start("A", bdf_a)
        self._boot(first)
        there = self._start("B", bdf_b, incoming=True)
        migrations = [self._migrate(first, there)]
        back = self._start("A-again", bdf_a, incoming=True)
        migrations.append(self._migrate(there, back))
        self._finish(back)
        self._check_host()
        self._check_medium()
        return self._success(migrations)

    def _prepare_host(self):
        show("host: the PF under the stock nvme driver")
        self._pf = host.Pf()
        show(f"host: PF {self._pf.bdf}, two VFs, our modules")
        bdfs = self._pf.create_vfs(2)
        host.load_modules()
        for bdf in bdfs:
            host.bind(bdf)
            show(f"host: VF {bdf} bound to {host.VF_DRIVER}")
        self._wiring = choose_wiring(self._options)
        self._trace = Trace()
        self._bystander = Bystander(self._pf.DISK, HOST_OFFSET)
        self._bystander.start()
        return bdfs

    def _start(self, name, bdf, incoming=False):
        show(f"QEMU {name}: VF {bdf}{', waits for the guest' if incoming else ''}")
        vm = Vm(name, bdf, self._wiring, self._image, SOCKETS, self._output)
        self._vms.append(vm)
        vm.start(incoming)
        if self._wiring.needs_time():
            # no limit on bandwidth or downtime may keep QEMU from beginning
            vm.qmp.execute("migrate-set-parameters", **{
                "max-bandwidth": 1 << 40, "downtime-limit": 1000 * MIGRATION_LIMIT})
        if self._wiring.multifd:
            vm.qmp.execute("migrate-set-capabilities",
                           capabilities=[{"capability": "multifd", "state": True}])
        if incoming:
            vm.qmp.execute("migrate-incoming", uri=f"unix:{SOCKETS}/{name}.migration")
        return vm

    def _boot(self, vm):
        guest = self._guest
        guest.move_to(vm)
        guest.wait_for("guest: boot to its disk", lambda: guest.disk_bytes, BOOT_LIMIT)
        require(guest.disk_bytes >= GUEST_OFFSET + GUEST_SIZE,
                f"namespace: expected at least {GUEST_OFFSET + GUEST_SIZE} bytes, "
                f"found {guest.disk_bytes}")
        guest.order(f"start {GUEST_OFFSET} {GUEST_SIZE}")
        guest.wait_for("guest: first round of fio", lambda: guest.rounds, ROUND_LIMIT)
        self._wait_for_io()

    def _wait_for_io(self):
        """Until two new reports show fio at work: reading and writing."""
        ticks = self._guest.ticks
        seen = len(ticks)
        self._guest.wait_for(
            "guest: fio at work",
            lambda: len(ticks) >= seen + 2 and ticks[-1].writes > ticks[-2].writes
            and ticks[-1].reads > ticks[-2].reads, ROUND_LIMIT)

    def _migrate(self, source, destination):
        show(f"migration: {source.name} to {destination.name}")
        rounds, ticks = len(self._guest.rounds), len(self._guest.ticks)
        self._wait_for_io()
        self._trace.clear()
        source.qmp.execute("migrate", uri=f"unix:{SOCKETS}/{destination.name}.migration")
        migration = self._await_completion(source)
        self._await_running(destination)
        self._guest.move_to(destination)
        for line in picture(self._trace.commands()):
            show(f"migration: {line}")
        source.quit()
        show(f"migration: done, downtime {migration.downtime_ms} ms, "
             f"device state {migration.state_bytes} bytes")
        self._check_goes_on(rounds, ticks)
        return migration

    def _await_completion(self, source):
        end = time.monotonic() + MIGRATION_LIMIT
        while True:
            info = source.qmp.execute("query-migrate")
            status = info.get("status")
            if status == "completed":
                ram = info["ram"]
                show(f"migration: {ram['transferred']} bytes of memory in "
                     f"{ram['dirty-sync-count']} passes, {info['total-time']} ms in all")
                return Migration(info["downtime"], info.get("vfio", {}).get("transferred", 0))
            require(status not in ("failed", "cancelled"),
                    f"migration {status}: {info.get('error-desc', 'no reason given')}; "
                    f"source: {source.last_words()}; "
                    f"destination: {self._vms[-1].last_words()}")
            require(time.monotonic() < end,
                    f"migration: still '{status}' after {MIGRATION_LIMIT} s")
            self._guest.pump(0.05)

    def _await_running(self, destination):
        end = time.monotonic() + MIGRATION_LIMIT
        while self._status(destination) != "running":
            require(time.monotonic() < end,
                    f"QEMU {destination.name}: the guest does not run after the migration")
            time.sleep(0.05)

    @staticmethod
    def _status(vm):
        try:
            return vm.qmp.execute("query-status")["status"]
        except QmpError as error:
            raise DemoError(f"{error}: {vm.last_words()}") from error

    def _check_goes_on(self, rounds, ticks):
        """The same guest goes on: two more rounds end, one of them begun here."""
        guest = self._guest
        before = guest.ticks[ticks - 1] if ticks else None
        arrived = len(guest.rounds)
        guest.wait_for("guest: rounds of fio after the migration",
                       lambda: len(guest.rounds) >= arrived + 2, 2 * ROUND_LIMIT)
        after = guest.ticks[-1]
        require(before is None or (after.uptime > before.uptime and after.reads > before.reads
                                   and after.writes > before.writes),
                f"guest: expected its counters to go on from {before}, found {after}")
        require(len(guest.rounds) > rounds, "guest: no round of fio ended")

    def _finish(self, vm):
        guest = self._guest
        show("guest: stop, then compare everything once more")
        guest.order("stop")
        guest.wait_for("guest: end of fio", lambda: guest.stopped, ROUND_LIMIT)
        guest.order("check")
        guest.wait_for("guest: last check", lambda: guest.checked, ROUND_LIMIT)
        require(guest.checked == GUEST_SIZE,
                f"last check: expected {GUEST_SIZE} bytes verified, found {guest.checked}")
        guest.order("log")
        guest.wait_for("guest: kernel log", lambda: guest.kernel_log_whole, ROUND_LIMIT)
        noticed = [line for line in guest.kernel_log if host.TROUBLE.search(line)]
        require(not noticed, f"the guest's kernel noticed: {noticed}")
        guest.order("off")
        vm.wait()

    def _check_host(self):
        error = self._bystander.stop()
        require(not error, error)
        require(self._bystander.rounds > 0, "the host's own I/O on the PF: no round ended")
        self._pf.check_live()
        trouble = host.trouble()
        require(not trouble, f"the host's kernel log: {trouble}")
        show(f"host: {self._bystander.rounds} rounds of own I/O on the PF meanwhile, "
             f"the slowest {self._bystander.slowest * 1000:.0f} ms")

    def _check_medium(self):
        """What the guest wrote through its VFs is what the host reads through the PF."""
        found = host.compare_round(ROUND_JOB, len(self._guest.rounds), self._pf.DISK,
                                   GUEST_OFFSET, GUEST_SIZE)
        require(found == GUEST_SIZE,
                f"the medium, read by the host: expected {GUEST_SIZE} bytes right, found {found}")
        show(f"host: finds {found} bytes of the guest's last round intact, through the PF")

    def _success(self, migrations):
        for migration in migrations:
            require(migration.state_bytes > 0, "QEMU reports no device state transferred")
        verified = sum(self._guest.rounds) + self._guest.checked
        downtime = " and ".join(f"{m.downtime_ms} ms" for m in migrations)
        return (f"DEMO PASS: {len(migrations)} migrations, downtime {downtime}, "
                f"state {max(m.state_bytes for m in migrations)} bytes, "
                f"verified {verified} bytes, 0 errors")

    def diagnose(self):
        """After a failure: what the host's kernel and the QEMUs said."""
        for line in host.run("dmesg").splitlines()[-DMESG_LINES:]:
            show(f"host kernel: {line}")
        for vm in self._vms:
            show(f"QEMU {vm.name}: {vm.last_words()}")
            self._locate(vm)

    @staticmethod
    def _locate(vm):
        """Where the guest of a QEMU that still runs is; its monitor may be what failed."""
        if not vm.is_alive() or not vm.qmp:
            return
        try:
            for line in vm.where():
                show(f"QEMU {vm.name}: {line}")
        except QmpError as error:
            show(str(error))

    def clean_up(self):
        """Leave no QEMU behind."""
        for vm in self._vms:
            vm.kill()


def choose_wiring(options):
    """What QEMU is told of its VF: as little as this kernel allows."""
    wiring = Wiring(iommufd=options.iommu == "iommufd", multifd=options.multifd)
    if options.enable_migration != "default":
        wiring.enable_migration = options.enable_migration
    elif not host.logs_dma():
        show("host: this kernel cannot report what memory a device wrote. QEMU needs "
             "enable-migration=on here, and sends all memory while the guest stands still")
        wiring.enable_migration = "on"
    show(f"host: QEMU gets {' '.join(wiring.arguments('VF'))}"
         f"{' and the migration capability multifd' if wiring.multifd else ''}")
    return wiring


def parse():
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("image", metavar="GUEST_IMAGE")
    p.add_argument("output", metavar="OUTPUT")
    p.add_argument("--iommu", choices=("type1", "iommufd"), default="type1",
                   help="how QEMU gets the VF (default type1)")
    p.add_argument("--enable-migration", choices=("default", "on", "auto"), default="default",
                   help="property of QEMU's vfio-pci (default: QEMU's own, where the kernel can log DMA)")
    p.add_argument("--multifd", action="store_true", help="several connections, the device's state among them")
    return p.parse_args()


def main():
    """Run the demo, print and store its verdict."""
    options = parse()
    demo = Demo(options)
    try:
        verdict, code = demo.run(), 0
    except (DemoError, GuestError, VmError, QmpError, PhasesError, host.HostError) as error:
        demo.diagnose()
        verdict, code = f"DEMO FAIL: {error}", 1
    except Exception as error:  # pylint: disable=broad-except
        # not foreseen, so the place matters; it is a failure like any other
        traceback.print_exc()
        verdict, code = f"DEMO FAIL: {type(error).__name__}: {error}", 1
    finally:
        demo.clean_up()
    with open(f"{options.output}/verdict", "w") as file:
        file.write(verdict + "\n")
    show(verdict)
    sys.exit(code)


if __name__ == "__main__":
    main()
