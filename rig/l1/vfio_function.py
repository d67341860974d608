# SPDX-License-Identifier: GPL-2.0-only
"""In L1: open a function by group and container."""
import ctypes
import fcntl
import os
import struct

SET_IOMMU, SET_CONTAINER, GET_DEVICE_FD = 0x3B66, 0x3B68, 0x3B6A
TYPE1 = 1


def open_function(address):
    """The function's file; the container and the group stay open with it."""
    group = os.path.basename(os.readlink(f"/sys/bus/pci/devices/{address}/iommu_group"))
    container = os.open("/dev/vfio/vfio", os.O_RDWR)
    group = os.open(f"/dev/vfio/{group}", os.O_RDWR)
    fcntl.ioctl(group, SET_CONTAINER, struct.pack("i", container))
    fcntl.ioctl(container, SET_IOMMU, TYPE1)
    name = ctypes.create_string_buffer(address.encode())
    return fcntl.ioctl(group, GET_DEVICE_FD, name)
