# SPDX-License-Identifier: GPL-2.0-only
"""Finds in a kernel's log what must not be there."""
import re

# One line each of what the kernel prints when it finds a mistake in itself.
BUG_LINES = re.compile(
    r"BUG: |WARNING: |kernel BUG at|KASAN: |UBSAN: |Oops: |Kernel panic"
    r"|general protection fault|Unable to handle kernel|stack segment:|divide error:"
    r"|INFO: task .* blocked for more than|INFO: possible |INFO: trying to register"
    r"|rcu: INFO: .*stall|soft lockup|hard LOCKUP|suspicious RCU usage"
    r"|DEBUG_LOCKS_WARN_ON|kobject_add_internal failed|refcount_t: "
    r"|sleeping function called|scheduling while atomic")


def bugs(path, allowed):
    """The lines of a console log that report a bug and are not allowed."""
    allowed = [re.compile(pattern) for pattern in allowed]
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                line = line.rstrip()
                if BUG_LINES.search(line) and not any(a.search(line) for a in allowed):
                    found.append(line)
    except FileNotFoundError:
        pass
    return found


def leaks(path, allowed):
    """One line for each object that kmemleak reports: its head and its frames.

    A report that an allowed pattern matches anywhere does not count.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    reports = re.split(r"(?m)^(?=unreferenced object)", text)
    found = []
    for report in reports:
        if report.startswith("unreferenced object") and not any(re.search(a, report) for a in allowed):
            frames = re.findall(r"\] ([\w.]+)\+0x", report)
            head = report.splitlines()[0].rstrip(":")
            found.append(f"{head} (leak): {' < '.join(frames[:8])}")
    return found
