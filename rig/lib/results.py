# SPDX-License-Identifier: GPL-2.0-only
"""Counts test results in a log: GoogleTest's, and "N passed, N failed" lines.

KTAP is summed by tests/kunit/ktap-sums, which ends in such a line.
"""
import dataclasses
import re

# what rig/run and rig/lib.sh put in front of a line
STAMP = re.compile(r"^(\[ *[\d.]+s?\] )+")
# colours, which programs write to a console
COLOUR = re.compile(r"\x1b\[[\d;]*[mK]")
SUMS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
# "[       OK ] Suite.Test (3 ms)"; without a time it belongs to the summary
GTEST = re.compile(r"^\[ *(RUN|OK|FAILED|SKIPPED) *\] ([\w./]+)(, where .*?)?( \(\d+ ms\))?$")


@dataclasses.dataclass
class Results:
    """How many tests passed, failed and were skipped, and which failed."""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def fail(self, why):
        self.failed += 1
        self.failures.append(why)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed" + (
            f", {self.skipped} skipped" if self.skipped else "")


def count(lines):
    """Results of a log. A test that was begun and never ended has failed."""
    results, running = Results(), None
    for line in lines:
        line = STAMP.sub("", COLOUR.sub("", line).rstrip())
        if match := SUMS.match(line):
            results.passed += int(match[1])
            results.failed += int(match[2])
            results.skipped += int(match[3] or 0)
            if int(match[2]):
                results.failures.append(f"{match[2]} failed of a sum; see the log")
        elif (match := GTEST.match(line)) and match[1] == "RUN":
            if running:
                results.fail(f"{running}: begun, never ended")
            running = match[2]
        elif match and match[4]:
            running = None
            if match[1] == "OK":
                results.passed += 1
            elif match[1] == "SKIPPED":
                results.skipped += 1
            else:
                results.fail(match[2])
    if running:
        results.fail(f"{running}: begun, never ended")
    return results
