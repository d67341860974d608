# SPDX-License-Identifier: GPL-2.0-only
"""The emulated server: its command line and what it is told at its start."""
import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess

import tsc

RIG = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
PROJECT = os.path.dirname(RIG)
PR_SET_PDEATHSIG = 1
# Everything TCG can do (nested guests need SVM), but four levels of page tables:
# with five, identify_cpu() forgets for a moment that there are, and an interrupt
# at that moment has KASAN take a good address for a wild one. And without the
# promise that "rep movsb" is fast: TCG moves a byte at a time then, ten times slower
# than the way that a kernel takes on a CPU without it.
CPU = "max,la57=off,erms=off,fsrm=off"


class Unable(Exception):
    """The rig cannot start L1; the text says why and what to do."""


def die_with_parent():
    """Runs in the new process before exec: the kernel kills it with us."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def get(name):
    """Path of a cached artifact; built when absent, which may take long."""
    done = subprocess.run([os.path.join(RIG, "get"), name], stdout=subprocess.PIPE, text=True, check=False,
                          preexec_fn=die_with_parent)
    if done.returncode != 0:
        raise Unable(f"no artifact {name}: its messages are above")
    return done.stdout.strip()


def artifacts(kernel):
    """Paths of all that L1 with this kernel needs."""
    found = {"root": get("root"), "kernel": get(f"kernel-{kernel}"), "initrd": get(f"initrd-{kernel}")}
    # for rig/qemu-system: the sources must not be asked again at its start
    if not os.environ.get("RIG_QEMU"):
        os.environ["RIG_QEMU"] = get("qemu")
    return found


def make_disk(run_dir, name, size):
    """A sparse file for a namespace; it goes away with the run."""
    path = os.path.join(run_dir, f"{name}.img")
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    match = re.fullmatch(r"(\d+)([KMG])", size)
    if not match:
        raise Unable(f"disk {name}: expected a size like 256M, found {size}")
    with open(path, "wb") as file:
        file.truncate(int(match[1]) * units[match[2]])
    return path


def profile_values(args):
    """What the braces of a profile stand for, disks excepted."""
    # A VF gets an admin queue besides its I/O queues, from the flexible ones.
    vq = vi = (args.queues + 1) * args.vfs
    properties = (["hmlm=on"] if args.hmlm else []) + args.pf_opt
    # The emulated PF must keep two queues and one vector of its own; it gets a few more.
    return {"vfs": args.vfs, "vq": vq, "vi": vi, "queues": vq + 4, "msix": vi + 5,
            "pf": "".join(f",{p}" for p in properties)}


def profile_arguments(args, run_dir):
    """The emulator's arguments from the profile file."""
    path = args.profile if "/" in args.profile else os.path.join(RIG, "profiles", args.profile)
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except OSError as error:
        raise Unable(f"profile {args.profile}: {error}; expected a file or a name in rig/profiles/") from error
    values = profile_values(args)

    def expand(match):
        key = match[1]
        if key.startswith("disk:"):
            return make_disk(run_dir, *key.split(":")[1:3])
        if key not in values:
            raise Unable(f"profile {path}: {{{key}}} is not known; expected one of {', '.join(values)}")
        return str(values[key])
    arguments = []
    for line in lines:
        if line and not line.startswith("#"):
            option, _, value = line.partition(" ")
            arguments += [option] + ([re.sub(r"\{([^}]*)\}", expand, value.strip())] if value else [])
    return arguments


def shares(args, run_dir):
    """(tag, host folder, writable) of all 9p shares of L1."""
    found = [("root", args.artifacts["root"], False), ("project", PROJECT, False),
             ("run", run_dir, True), ("out", args.out, True),
             ("modules", os.path.realpath(os.path.join(args.artifacts["kernel"], "modules")), False)]
    for number, spec in enumerate(args.share):
        host, _, rest = spec.partition(":")
        if not os.path.isdir(host) or not rest.startswith("/"):
            raise Unable(f"--share {spec}: expected HOSTDIR:/DIR[:rw] with a folder HOSTDIR")
        found.append((f"share{number}", os.path.abspath(host), rest.endswith(":rw")))
    return found


def share_arguments(args, run_dir):
    """-virtfs for each share."""
    arguments = []
    for tag, path, writable in shares(args, run_dir):
        arguments += ["-virtfs", f"local,path={path},mount_tag={tag},id={tag},security_model=passthrough,"
                      f"multidevs=remap{'' if writable else ',readonly=on'}"]
    return arguments


def command_line(args, run_dir):
    """The whole command line of the emulator."""
    kernel = args.artifacts["kernel"]
    # tsc_early_khz: see tsc.py. no_timer_check: at boot the kernel counts timer
    # ticks in a busy loop, and panics if a loaded machine did not let the
    # emulator deliver enough of them
    append = "console=ttyS0 panic=-1 intel_iommu=on no_timer_check tsc=reliable " \
             f"tsc_early_khz={tsc.khz()} {args.append}".rstrip()
    return [
        os.path.join(RIG, "qemu-system"), "-nodefaults", "-nographic", "-no-reboot",
        "-name", args.name, "-M", "q35,kernel-irqchip=split", "-accel", "tcg", "-cpu", CPU,
        "-smp", str(args.smp), "-m", args.mem,
        "-device", "intel-iommu,caching-mode=on,intremap=on",
        *profile_arguments(args, run_dir), *share_arguments(args, run_dir),
        "-chardev", f"file,id=console,path={args.out}/console.log", "-serial", "chardev:console",
        "-chardev", "stdio,id=command,signal=off", "-device", "virtio-serial-pci",
        "-device", "virtconsole,chardev=command",
        "-qmp", f"unix:{run_dir}/qmp,server=on,wait=off",
        "-kernel", os.path.join(kernel, "vmlinuz"),
        "-initrd", os.path.join(args.artifacts["initrd"], "initrd"), "-append", append,
        *args.qemu_arg]


def write_control(args, run_dir):
    """What L1 reads at its start: the command, its environment, the shares."""
    columns, rows = shutil.get_terminal_size()
    environment = {
        "RIG_ROWS": str(rows), "RIG_COLUMNS": str(columns),
        "RIG_KERNEL": args.kernel, "RIG_MODULES": f"/project/build/modules/{args.kernel}",
        "RIG_NVME": "0" if args.no_nvme else "1", "RIG_KMEMLEAK": "0" if args.no_kmemleak else "1",
        "RIG_INTERACTIVE": "1" if args.shell else "0", "RIG_TERM": os.environ.get("TERM", "dumb"),
        "RIG_VFS": str(args.vfs), "RIG_QUEUES": str(args.queues)}
    for setting in args.env:
        name, equals, value = setting.partition("=")
        if not equals:
            raise Unable(f"--env {setting}: expected NAME=VALUE")
        environment[name] = value
    with open(os.path.join(run_dir, "environment"), "w", encoding="utf-8") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in environment.items())
    with open(os.path.join(run_dir, "command"), "w", encoding="utf-8") as file:
        file.write(f"exec {shlex.join(args.command)}\n")
    with open(os.path.join(run_dir, "shares"), "w", encoding="utf-8") as file:
        for tag, (spec) in ((f"share{n}", s) for n, s in enumerate(args.share)):
            target = spec.partition(":")[2]
            mode = "cache=none" if target.endswith(":rw") else "ro,cache=loose"
            file.write(f"{tag} {target.removesuffix(':rw').removesuffix(':ro')} {mode}\n")
