# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# qemu: the L0 emulator, Debian's source with the device model of rig/qemu/.
# Linked against the root's libraries: start it through rig/qemu-system.

recipe_key() {
	shopt -s nullglob
	root_package qemu-system-x86 "$(artifact root)"
	content "$RIG_DIR"/recipes/qemu{-build.sh,-devices.mak} \
		"$RIG_DIR"/qemu/*.patch "$RIG_DIR"/qemu/*.[ch]
}

recipe_build() {
	local place=$2 source
	source=$(artifact qemu-source)
	mkdir "$place/src"
	"$RIG_DIR/chroot" --bind "$place:/artifact" --bind "$source:/source:ro" \
		--cwd /artifact/src -- \
		bash -euo pipefail /project/rig/recipes/qemu-build.sh 2>&1 | stamp
	rm -rf "$place/src"
}
