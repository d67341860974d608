# SPDX-License-Identifier: GPL-2.0-only
"""The plots of the benchmark, from its results."""
import os

import svg

MIB = 1 << 20
PHASES = ["suspend", "read", "write", "load", "resume"]


def of_row(results, row):
    """The details of a row's results, with the value."""
    return [dict(r["details"], value=r["value"]) for r in results if r["row"] == row and r["details"]]


def size_name(size):
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"


def pace_name(bandwidth):
    return f"{bandwidth / 1e6:.0f} MB/s" if bandwidth else "unlimited"


def throughput(results):
    """MB/s over the size of the state, driver and raw."""
    series, sizes = {}, set()
    for d in of_row(results, "throughput"):
        name = f"{d['direction']}, {pace_name(d['bandwidth'])}"
        series.setdefault(name, []).append((d["size"] / MIB, d["MB/s"]))
        series.setdefault(f"raw {name}", []).append((d["size"] / MIB, d["raw MB/s"]))
        sizes.add(d["size"])
    return series and svg.lines("Save and load throughput", "size of state", "MB/s", series,
                                {s / MIB: size_name(s) for s in sorted(sizes)})


def downtime(results, bandwidth, precopy):
    """The phases of the downtime over the size of the state."""
    found = [d for d in of_row(results, "downtime")
             if bool(d["bandwidth"]) == bandwidth and d["precopy"] == precopy]
    columns = [(size_name(d["size"]), d["phases"], f"{d['value']:,.0f} ms" if d["value"] >= 100 else f"{d['value']:.3g} ms") for d in found]
    how = "PRE_COPY, 256 KiB changed since" if precopy else "stop and copy"
    pace = pace_name(found[0]["bandwidth"]) if found else ""
    return columns and svg.bars(f"Downtime, {how}, device {pace}", PHASES, columns)


def downtime_lines(results):
    """The whole downtime over the size of the state, with and without PRE_COPY."""
    series, sizes = {}, set()
    for d in of_row(results, "downtime"):
        name = f"{'PRE_COPY' if d['precopy'] else 'stop and copy'}, {pace_name(d['bandwidth'])}"
        series.setdefault(name, []).append((d["size"] / MIB, d["value"]))
        if d["precopy"]:
            moved = (d["phases"]["read"] + d["phases"]["write"]) * 1000
            series.setdefault(f"{name}: moved", []).append((d["size"] / MIB, moved))
        sizes.add(d["size"])
    return series and svg.lines("Downtime by size of state", "size of state", "ms", series,
                                {s / MIB: size_name(s) for s in sorted(sizes)})


def dirty(results):
    """The cost of a report over the dirty pages."""
    series = {}
    for d in of_row(results, "dirty"):
        name = pace_name(d["bandwidth"])
        series.setdefault(f"report, {name}", []).append((d["pages"], d["report ms"]))
        series.setdefault(f"raw, {name}", []).append((d["pages"], d["raw ms"]))
    return series and svg.lines("Dirty report of 1 TiB", "dirty pages", "ms", series)


def many(results):
    """What functions that are saved at once get together."""
    series = {}
    for d in of_row(results, "many"):
        curve = series.setdefault(pace_name(d["bandwidth"]), {})
        curve[d["functions"]] = d["MB/s"]
    series = {name: list(curve.items()) for name, curve in series.items()}
    return series and svg.lines("Functions saved at once", "functions", "MB/s, all together", series,
                                {n: str(n) for n in (1, 2, 4, 8)})


def write_all(results, folder):
    """Write every plot that there are results for; their names."""
    made = {"throughput": throughput(results), "downtime": downtime_lines(results), "dirty": dirty(results),
            "many": many(results)}
    for bandwidth in (False, True):
        for precopy in (False, True):
            name = f"downtime-{'paced' if bandwidth else 'unlimited'}-{'precopy' if precopy else 'stop-copy'}"
            made[name] = downtime(results, bandwidth, precopy)
    names = []
    for name, picture in made.items():
        if picture:
            with open(os.path.join(folder, f"{name}.svg"), "w", encoding="utf-8") as file:
                file.write(picture)
            names.append(f"{name}.svg")
    return names
