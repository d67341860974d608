# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# qemu-source: the source package of the QEMU that the root has installed.

recipe_key() {
	root_package qemu-system-x86 "$(artifact root)"
}

recipe_build() {
	local version
	version=$(root_package qemu-system-x86 "$(artifact root)")
	say "fetching the source of qemu $version"
	"$RIG_DIR/chroot" --bind "$2:/artifact" --cwd /artifact -- sh -ec '
		apt-get update -q=2
		apt-get source -q=2 --download-only "qemu=$1"' sh "$version" 2>&1 | stamp
}
