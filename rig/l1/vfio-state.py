#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In L1: take a function through migration states, by group and container.

  vfio-state.py PCI-ADDRESS STATE...   STATE: stop or running

For each one prints it, what became of it (ok, or the errno's name), the seconds
that it took, and the state that the driver says the function is in then.
"""
import errno
import fcntl
import struct
import sys
import time

from vfio_function import open_function

DEVICE_FEATURE = 0x3B75
FEATURE_GET, FEATURE_SET, MIG_DEVICE_STATE = 1 << 16, 1 << 17, 2
STATES = {"error": 0, "stop": 1, "running": 2}


def feature(function, flags, state):
    """VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE; the state that it gives back."""
    buffer = bytearray(struct.pack("IIIi", 16, flags | MIG_DEVICE_STATE, state, -1))
    fcntl.ioctl(function, DEVICE_FEATURE, buffer)
    return struct.unpack("IIIi", buffer)[2]


def main():
    function = open_function(sys.argv[1])
    names = {number: name for name, number in STATES.items()}
    for name in sys.argv[2:]:
        start, result = time.monotonic(), "ok"
        try:
            feature(function, FEATURE_SET, STATES[name])
        except OSError as error:
            result = errno.errorcode[error.errno]
        seconds = time.monotonic() - start
        now = names.get(feature(function, FEATURE_GET, 0), "other")
        print(f"{name}: {result} after {seconds:.1f} s, {now}", flush=True)


if __name__ == "__main__":
    main()
