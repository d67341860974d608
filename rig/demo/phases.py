# SPDX-License-Identifier: GPL-2.0-only
"""What the time of a migration's standstill went into, as bars.

The intervals come from the tracepoint of each command that nvme-lm sends. QEMU
suspends the function at once after the guest's processors, and resumes it just
before them, so from the one command to the other is what the guest misses. (Its
events STOP and RESUME do not say: STOP comes after all that, RESUME before.)
"""

import os
import re
from dataclasses import dataclass

TRACING = "/sys/kernel/tracing"
EVENT = "events/nvme_lm/nvme_lm_command"
# Commands by opcode and SEL (NVMe 2.1, Migration Send and Migration Receive).
SUSPEND, RESUME, LOAD, READ = (0x41, 0), (0x41, 1), (0x41, 2), (0x42, 0)
ROWS = (("suspend", SUSPEND), ("read", READ), ("load", LOAD), ("resume", RESUME))
REST = "transfer"
WIDTH = 56
COMMAND = re.compile(
    r"\s(?P<end>\d+\.\d+): nvme_lm_command: .* cntlid=(?P<cntlid>\d+) opcode=(?P<opcode>\w+) "
    r"sel=(?P<sel>\w+) .*len=(?P<len>\d+) .*duration=(?P<ns>\d+)ns")


class PhasesError(Exception):
    """The tracepoints do not tell what is needed."""


@dataclass
class Command:
    """One command of the trace; times in seconds on the trace's clock."""

    cntlid: int
    kind: tuple[int, int]
    size: int
    begin: float
    end: float


class Trace:
    """A trace buffer of our own."""

    def __init__(self):
        """Begin to record; needs nvme-lm loaded and tracefs mounted."""
        self._folder = f"{TRACING}/instances/nvme-lm-demo"
        try:
            os.makedirs(self._folder, exist_ok=True)
            self._write("trace_clock", "mono")
            self._write(f"{EVENT}/enable", "1")
        except OSError as error:
            raise PhasesError(f"no trace of nvme-lm's commands: {error}; expected tracefs at "
                              f"{TRACING} and nvme-lm loaded") from error

    def _write(self, name, text):
        with open(f"{self._folder}/{name}", "w") as file:
            file.write(text)

    def clear(self):
        """Forget what was recorded."""
        self._write("trace", "0")

    def commands(self):
        """Each command since clear(), in order."""
        with open(f"{self._folder}/trace") as file:
            return parse(file)


def parse(lines):
    """The commands that the lines of a trace tell of."""
    found = []
    for line in lines:
        match = COMMAND.search(line)
        if match:
            end = float(match["end"])
            found.append(Command(int(match["cntlid"]), (int(match["opcode"], 0), int(match["sel"], 0)),
                                 int(match["len"]), end - int(match["ns"]) / 1e9, end))
    return found


def standstill(commands):
    """(begin, end): from the source's first Suspend to the destination's last Resume.

    The destination is suspended too, long before, to be loaded.
    """
    resumed = [c for c in commands if c.kind == RESUME]
    if not resumed:
        raise PhasesError(f"no Resume among the {len(commands)} commands of the trace")
    stopped = [c for c in commands if c.kind == SUSPEND and c.cntlid != resumed[-1].cntlid]
    if not stopped:
        raise PhasesError(f"no Suspend of the source among the {len(commands)} commands of the trace")
    return stopped[0].begin, resumed[-1].end


def union(intervals):
    """The same time as disjoint intervals, in order."""
    merged = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([begin, end])
    return merged


def gaps(intervals, begin, end):
    """What of begin...end none of the intervals covers; they are disjoint, in order."""
    edges = [begin] + [edge for interval in intervals for edge in interval] + [end]
    return [[a, b] for a, b in zip(edges[::2], edges[1::2]) if b > a]


def phases(commands, begin, end):
    """{phase: intervals} of the standstill; what lies outside does not count.

    "transfer" is the time in which the device had nothing to do: QEMU with the
    memory, the other devices, and the bytes under way.
    """
    rows = {name: union([max(c.begin, begin), min(c.end, end)] for c in commands
                        if c.kind == kind and c.end > begin and c.begin < end)
            for name, kind in ROWS}
    rows[REST] = gaps(union(interval for row in rows.values() for interval in row), begin, end)
    return rows


def bar(intervals, begin, end):
    """Intervals as text; a short one has a cell too."""
    cells = [" "] * WIDTH
    for a, b in intervals:
        first = min(int((a - begin) / (end - begin) * WIDTH), WIDTH - 1)
        last = min(max(first + 1, round((b - begin) / (end - begin) * WIDTH)), WIDTH)
        cells[first:last] = "#" * (last - first)
    return "".join(cells)


def picture(commands):
    """The lines of the picture: a bar for each phase, on one axis of time."""
    begin, end = standstill(commands)
    rows = phases(commands, begin, end)
    reads = [c for c in commands if c.kind == READ]
    early = [c for c in reads if c.end <= begin]
    lines = [f"the device stood still for {(end - begin) * 1000:.1f} ms"]
    for name in ("suspend", "read", REST, "load", "resume"):
        spent = sum(b - a for a, b in rows[name])
        lines.append(f"  {name:8} |{bar(rows[name], begin, end)}| {spent * 1000:8.1f} ms "
                     f"{spent / (end - begin) * 100:3.0f} %")
    lines.append(f"  read in all: {sum(c.size for c in early)} bytes before, "
                 f"{sum(c.size for c in reads) - sum(c.size for c in early)} bytes in it")
    return lines
