# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark measures on: controllers, all of them in one L1, and sizes."""
import dataclasses

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
# A device of 2 to 4 GB/s that takes 50 to 100 microseconds for a command, as much slower as the
# emulated processor is than a real one, 10 to 20 times.
BANDWIDTH = 200_000_000
LATENCY_US = 1000


@dataclasses.dataclass
class Controller:
    """One PF; the fields of the C++ plan."""
    serial: str
    role: str
    memory: int = 0
    bandwidth: int = 0
    vfs: int = 2
    queues: int = 1

    def properties(self):
        """What the device model is told of it: nothing of it changes by itself."""
        found = f"hmlm=on,hmlm-churn=on,hmlm-mem-rate=0,hmlm-mem-max={self.memory}"
        if self.bandwidth:
            found += f",hmlm-bandwidth={self.bandwidth},hmlm-latency={LATENCY_US}"
        return found


@dataclasses.dataclass
class Plan:
    """What the program in L1 is told; see harness/bench/plan.hpp."""
    controllers: list
    sizes: list
    unlimited_most: int
    whole_most: int
    many_size: int
    precopy_size: int
    downtime_most: int
    dirty_most: int
    repeat: int
    domain: str


def make(quick, domain, sizes=None):
    """The whole benchmark, or one that only shows that it works; or only some sizes."""
    most = 8 * MIB if quick else 4 * GIB
    vfs = 4 if quick else 8
    all_sizes = [MIB, 8 * MIB] if quick else [MIB, 8 * MIB, 64 * MIB, 256 * MIB, GIB, 4 * GIB]
    return Plan(
        controllers=[
            # first those for which the targets are
            Controller("paced", "state", most, BANDWIDTH),
            Controller("unlimited", "state", most),
            Controller("manypaced", "many", most, BANDWIDTH, vfs),
            Controller("many", "many", most, 0, vfs),
            Controller("trackpaced", "tracking", 0, BANDWIDTH, 1, 1),
            Controller("tracking", "tracking", 0, 0, 1, 1),
            Controller("queues", "queues", 0, 0, 1, 8 if quick else 64),
        ],
        sizes=sizes or all_sizes,
        unlimited_most=GIB,
        whole_most=256 * MIB,
        many_size=4 * MIB if quick else 128 * MIB,
        precopy_size=2 * MIB if quick else 64 * MIB,
        downtime_most=most if quick else GIB,
        dirty_most=1024 if quick else 65536,
        repeat=2 if quick else 5,
        domain=domain)


def profile(controllers):
    """The rig's profile with these controllers, each in a subsystem of its own."""
    lines = []
    for n, c in enumerate(controllers):
        flexible = (c.queues + 1) * c.vfs
        identity = f"{n:012x}"
        lines += [
            f"-device pcie-root-port,id=rp{n},chassis={n + 1},slot={n + 1}",
            f"-device nvme-subsys,id=subsys{n},nqn=bench{n}",
            f"-device nvme,id=pf{n},serial={c.serial},subsys=subsys{n},bus=rp{n},mdts=9,"
            f"max_ioqpairs={flexible + 4},msix_qsize={flexible + 5},sriov_max_vfs={c.vfs},"
            f"sriov_vq_flexible={flexible},sriov_vi_flexible={flexible},{c.properties()}",
            f"-drive file={{disk:ns{n}:16M}},format=raw,if=none,id=ns{n}",
            f"-device nvme-ns,drive=ns{n},nsid=1,shared=on,"
            f"uuid=8d3c5e1a-6f0b-4c55-9a53-{identity},nguid=8d3c5e1a6f0b4c559a53{identity}",
        ]
    return "\n".join(lines) + "\n"
