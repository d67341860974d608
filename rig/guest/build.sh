#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the trixie root: make the guest's kernel and initramfs in /artifact.
# Kernel, modules, busybox and fio are Debian's binaries; init and workload are
# ours.
set -euo pipefail

release=$1
tree=/artifact/tree
modules=$tree/lib/modules/$release
# Libraries of fio's engines for cluster and network storage: not for this guest.
unused=(librbd.so.1 librados.so.2 libgfapi.so.0 libnbd.so.0 libnfs.so.14
	librdmacm.so.1 libibverbs.so.1 libpmem.so.1)

# copy FILE...: put a file of the root at its place in the tree, links followed.
copy() {
	local file
	for file in "$@"; do
		install -D "$(readlink -f "$file")" "$tree$file"
	done
}

# copy_fio: fio, its libraries, and stand-ins for those that it does not use.
copy_fio() {
	local stubs=$tree/usr/lib/stubs library
	mkdir -p "$stubs"
	python3 /project/rig/guest/stub-libraries.py /usr/bin/fio "$stubs" "${unused[@]}"
	copy /usr/bin/fio
	for library in $(LD_LIBRARY_PATH=$stubs ldd /usr/bin/fio | grep -o '/[^ ]*'); do
		case $library in
		"$stubs"/*) ;;
		*) copy "$library" ;;
		esac
	done
	# the guest has no ld.so.cache: all libraries where the linker looks itself
	mv "$stubs"/* "$tree/lib/x86_64-linux-gnu/"
	ln -s /usr/bin/fio "$tree/bin/fio"
}

# copy_modules NAME...: modules and what they need, uncompressed: unpacking
# them is slow in a guest of an emulated machine.
copy_modules() {
	local file
	mkdir -p "$modules/kernel"
	modprobe -S "$release" --show-depends -a "$@" | awk '$1 == "insmod" { print $2 }' | sort -u |
	while read -r file; do
		case $file in
		*.xz) xz -dc "$file" >"$modules/kernel/$(basename "$file" .xz)" ;;
		*) cp "$file" "$modules/kernel/" ;;
		esac
	done
	cp "/usr/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$modules/"
	depmod -b "$tree" "$release"
}

mkdir -p "$tree/bin"
cp /usr/bin/busybox "$tree/bin/busybox"
copy_fio
copy_modules nvme
install -m 755 /project/rig/guest/init "$tree/init"
install -m 644 /project/rig/guest/{workload,round.fio} "$tree/"
(cd "$tree" && find . | sort | cpio --quiet -o -H newc -R 0:0) >/artifact/initrd
cp "/boot/vmlinuz-$release" /artifact/vmlinuz
echo "$release" >/artifact/release
find "$tree" -type f -name '*.ko' -o -name '*.so*' | sed "s|$tree||"
du -sh /artifact/initrd
# proof that it can run at all, before a guest boots it
chroot "$tree" /bin/fio --version
rm -rf "$tree"
