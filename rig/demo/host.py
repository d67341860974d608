# SPDX-License-Identifier: GPL-2.0-only
"""The host's side (L1): the PF under the stock driver, our modules, the VFs."""

import json
import os
import re
import subprocess
import time

RIG = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
SYS_PCI = "/sys/bus/pci"
VF_DRIVER = "nvme-vfio-pci"
# I/O queue pairs of a VF: for a guest with one processor.
VF_QUEUES = 1

# What a kernel says when an NVMe controller misbehaves or a bug shows.
TROUBLE = re.compile(
    r"nvme nvme\d+: .*(timeout|reset|controller is down|abort|remov|not ready|fail|error)"
    r"|nvme\d+[cn]\S*: .*error"
    r"|I/O error|BUG:|WARNING:|Oops|general protection|blocked for more than|lockup|\bstalls?\b",
    re.IGNORECASE)


class HostError(Exception):
    """The host is not in the state that the demo needs."""


def run(*command, **variables):
    """Run a program; returns its output, raises HostError with its words when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False,
                            env=os.environ | variables)
    if result.returncode:
        raise HostError(f"{' '.join(command)}: exit {result.returncode}: "
                        f"{(result.stderr or result.stdout).strip()}")
    return result.stdout


def write(path, text):
    """Write a sysfs file; raises HostError with path and text when refused."""
    try:
        with open(path, "w") as file:
            file.write(text)
    except OSError as error:
        raise HostError(f"writing '{text}' to {path}: {error.strerror}") from error


def wait_until(what, condition, limit):
    """Poll until condition() is true; raises HostError naming `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise HostError(f"{what}: not within {limit} s")
        time.sleep(0.1)


def trouble():
    """Lines of the host's kernel log that tell of an NVMe error or a kernel bug."""
    ours = [line for line in run("dmesg", "--level=emerg,alert,crit,err").splitlines()
            if "nvme" in line]
    return ours + [line for line in run("dmesg").splitlines() if TROUBLE.search(line)]


class Pf:
    """The physical function, bound to the stock nvme driver and used by this host."""

    CONTROLLER = "/sys/class/nvme/nvme0"
    CHARDEV = "/dev/nvme0"
    DISK = "/dev/nvme0n1"

    def __init__(self):
        run("modprobe", "nvme")
        wait_until("the PF's controller", lambda: self._state() == "live", 60)
        wait_until(f"the PF's namespace {self.DISK}", lambda: os.path.exists(self.DISK), 60)
        self.path = os.path.realpath(f"{self.CONTROLLER}/device")
        self.bdf = os.path.basename(self.path)
        driver = os.path.basename(os.path.realpath(f"{self.path}/driver"))
        if driver != "nvme":
            raise HostError(f"{self.bdf}: expected driver nvme, found {driver}")

    def _state(self):
        try:
            with open(f"{self.CONTROLLER}/state") as file:
                return file.read().strip()
        except FileNotFoundError:
            return "absent"

    def check_live(self):
        """Raise HostError unless the stock driver says that the controller is live."""
        if self._state() != "live":
            raise HostError(f"the PF's controller: expected state live, found {self._state()}")

    def create_vfs(self, count):
        """Create VFs with queues and interrupts, online, bound to no driver; their BDFs."""
        return run(f"{RIG}/l1/vfs-up", str(count), str(VF_QUEUES)).split()


def compare_round(job, number, disk, offset, size):
    """Have fio compare what round `number` of a job file wrote; the bytes it found right."""
    report = json.loads(run("fio", "--verify_only", "--output-format=json", job, DISK=disk,
                            OFFSET=str(offset), SIZE=str(size), ROUND=f"{number:08d}"))
    return report["jobs"][0]["read"]["io_bytes"]


def load_modules():
    """Load KVM and our two modules with what they need."""
    run("modprobe", "kvm-amd")
    run(f"{RIG}/l1/load")


def logs_dma():
    """Whether nvme-vfio-pci can log DMA here: where the kernel has iommufd."""
    return os.path.exists("/dev/iommu")


def bind(bdf, driver=VF_DRIVER):
    """Bind a function to a driver by driver_override."""
    device = f"{SYS_PCI}/devices/{bdf}"
    write(f"{device}/driver_override", driver)
    write(f"{SYS_PCI}/drivers_probe", bdf)
    bound = os.path.basename(os.path.realpath(f"{device}/driver"))
    if bound != driver:
        raise HostError(f"{bdf}: expected driver {driver}, found {bound}; see dmesg")
