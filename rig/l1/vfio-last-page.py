#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In L1: what a user of a function gets of the last page of its BAR 0.

  vfio-last-page.py PCI-ADDRESS

Prints "read: zeros" or "read: registers", and "mmap: ok" or the errno's name.
"""
import errno
import mmap
import os
import sys

from vfio_function import open_function

PAGE = 4096


def bar_size(address):
    """Bytes of BAR 0."""
    with open(f"/sys/bus/pci/devices/{address}/resource", encoding="ascii") as file:
        start, end, _flags = (int(word, 16) for word in file.readline().split())
    return end + 1 - start


def main():
    function = open_function(sys.argv[1])
    last = bar_size(sys.argv[1]) - PAGE  # region 0 begins at offset 0 of the file
    print("read:", "registers" if any(os.pread(function, PAGE, last)) else "zeros")
    try:
        mmap.mmap(function, PAGE, mmap.MAP_SHARED, mmap.PROT_READ, offset=last).close()
        print("mmap: ok")
    except OSError as error:
        print("mmap:", errno.errorcode[error.errno])


if __name__ == "__main__":
    main()
