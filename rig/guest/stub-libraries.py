#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make stand-ins for libraries that a program is linked against but does not call.

Usage: stub-libraries.py PROGRAM FOLDER SONAME...

Debian's fio is linked against everything its storage engines need: Ceph,
Gluster, RDMA and more, 60 libraries and 55 MB, resolved at each start. In the
guest that would be memory to migrate and seconds of start-up. The stand-ins
satisfy the dynamic linker; a function of theirs that is called after all
traps.
"""

import re
import subprocess
import sys


def output(*command):
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed_versions(program):
    """Symbol version -> SONAME of the library that the program expects it in."""
    versions = {}
    soname = None
    for line in output("readelf", "--version-info", "--wide", program).splitlines():
        if found := re.search(r"File: (\S+)\s+Cnt", line):
            soname = found[1]
        elif soname and (found := re.search(r"Name: (\S+)\s+Flags", line)):
            versions[found[1]] = soname
    return versions


def undefined_symbols(program):
    """(symbol, version or None) of everything that the program takes from libraries."""
    for line in output("nm", "-D", "--undefined-only", program).splitlines():
        kind, name = line.split()[-2:]
        if kind == "U":
            symbol, _, version = name.partition("@")
            yield symbol, version or None


def make_library(folder, soname, versions):
    """One stand-in; `versions` maps a version (None: unversioned) to its symbols."""
    source = "".join(f"void {symbol}(void) {{ __builtin_trap(); }}\n"
                     for symbols in versions.values() for symbol in symbols)
    script = "".join(f"{version} {{ global: {'; '.join(symbols)}; }};\n"
                     for version, symbols in versions.items() if version)
    with open(f"{folder}/stub.map", "w") as file:
        file.write(script)
    subprocess.run(["gcc-14", "-shared", "-fPIC", "-nostdlib", "-w", "-fno-builtin", "-x", "c", "-",
                    f"-Wl,-soname,{soname}", "-o", f"{folder}/{soname}"] +
                   ([f"-Wl,--version-script,{folder}/stub.map"] if script else []),
                   input=source, text=True, check=True)
    subprocess.run(["rm", f"{folder}/stub.map"], check=True)


def main():
    """Sort the undefined symbols by library and make the libraries."""
    program, folder, *sonames = sys.argv[1:]
    owner = needed_versions(program)
    libraries = {soname: {} for soname in sonames}
    # Nothing says which library an unversioned symbol is from; any will do, if
    # it has no versions itself.
    plain = next(soname for soname in sonames if soname not in owner.values())
    for symbol, version in undefined_symbols(program):
        soname = owner[version] if version else plain
        if soname in libraries:
            libraries[soname].setdefault(version, []).append(symbol)
    for soname, versions in libraries.items():
        make_library(folder, soname, versions)


if __name__ == "__main__":
    main()
