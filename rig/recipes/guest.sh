# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# guest: kernel (Debian's 6.12, untouched) and initramfs of the L2 guest.
#   vmlinuz, initrd   what L1's QEMU boots
#   release           what uname -r will say there

# guest_release ROOT: the release of Debian's 6.12 kernel in the root.
guest_release() {
	local found
	found=$(cd "$1/usr/lib/modules" && ls -d 6.12.*-amd64 2>/dev/null | sort -V | tail -n 1)
	[ -n "$found" ] || die "guest: expected a 6.12 kernel in the root's /usr/lib/modules, found $(ls "$1/usr/lib/modules")"
	printf '%s\n' "$found"
}

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
		bash /project/rig/guest/build.sh "$(guest_release "$root")" 2>&1 | stamp
}
