#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In L1: have a function refuse an incoming state, again and again.

  vfio-refused.py PCI-ADDRESS TIMES

What comes is zeros, which is no stream. Prints how often it was refused.
"""
import fcntl
import os
import struct
import sys

from vfio_function import open_function

DEVICE_FEATURE, DEVICE_RESET = 0x3B75, 0x3B6F
FEATURE_SET, MIG_DEVICE_STATE = 1 << 17, 2
STOP, RESUMING = 1, 4


def set_state(function, state):
    """VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE; the migration file that it gives."""
    buffer = bytearray(struct.pack("IIIi", 16, FEATURE_SET | MIG_DEVICE_STATE, state, -1))
    fcntl.ioctl(function, DEVICE_FEATURE, buffer)
    return struct.unpack("IIIi", buffer)[3]


def is_refused(function):
    """Write what is no stream, and make the function usable again."""
    file = set_state(function, RESUMING)
    try:
        os.write(file, bytes(4096))
        return False
    except OSError:
        return True
    finally:
        os.close(file)
        fcntl.ioctl(function, DEVICE_RESET)


def main():
    function = open_function(sys.argv[1])
    print(sum(is_refused(function) for _ in range(int(sys.argv[2]))))


if __name__ == "__main__":
    main()
