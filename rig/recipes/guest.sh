# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# guest: kernel (Debian's 6.12, untouched) and initramfs of the L2 guest.
#   vmlinuz, initrd   what L1's QEMU boots
#   release           what uname -r will say there

recipe_key() {
	local root
	root=$(artifact root)
	printf '%s\n' "$root"
	content "$RIG_DIR"/guest/{init,workload,round.fio,build.sh,stub-libraries.py}
}

recipe_build() {
	local place=$2 root
	root=$(artifact root)
	"$RIG_DIR/chroot" --bind "$place:/artifact" -- \
		bash /project/rig/guest/build.sh "$(root_kernel 6.12 "$root")" 2>&1 | stamp
}
