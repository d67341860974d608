# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests in rig/tests: do the modules build as a user would build them?

# built DIR: both modules are there and carry the license and a version magic.
built() {
	local module
	for module in drivers/nvme/lm/nvme-lm.ko drivers/vfio/pci/nvme/nvme-vfio-pci.ko; do
		[ -s "$1/$module" ] || { echo "expected $module in $1, found none"; return 1; }
	done
}

# build_test KERNEL: "make KDIR=... W=1" in a copy of the committed and changed
# files; a warning is a failure.
build_test() {
	local kdir copy=build/check/source-$1
	kdir=$(cat "$(rig/get "kernel-$1")/kdir")
	rm -rf "$copy"
	mkdir -p "$copy"
	git ls-files -z Makefile Kbuild Kbuild.compat include drivers | xargs -0 cp --parents -t "$copy"
	rig/chroot --cwd "/project/$copy" -- \
		make KDIR="$kdir" W=1 KCFLAGS=-Werror modules && built "$copy" &&
		echo "1 passed, 0 failed" || echo "0 passed, 1 failed"
}
