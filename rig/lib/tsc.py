# SPDX-License-Identifier: GPL-2.0-only
"""The rate of the host's time stamp counter.

Under TCG a guest's RDTSC is the host's. A kernel that boots measures its rate
against an emulated timer, and is wrong by any factor if the machine is busy at
that moment: then all its timeouts are wrong by that factor. So the kernels of
the rig are told (tsc_early_khz), and not to doubt it because a timer that they
compare it with comes late (tsc=reliable).
"""
import ctypes
import mmap
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ_TSC = bytes.fromhex("0f3148c1e2204809d0c3")


def khz():
    """The rate in kHz, exact to about 0.1 %; takes 50 ms."""
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(READ_TSC)
        code = ctypes.c_char.from_buffer(page)
        read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(code))
        begin, ticks = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW), read()
        time.sleep(0.05)
        end, more = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW), read()
        del code, read  # or the page cannot be closed
    return (more - ticks) * 1_000_000 // (end - begin)
