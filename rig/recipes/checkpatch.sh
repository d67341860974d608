# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# checkpatch: the kernel's style checker with its word lists, out of Debian's
# source package, which is too big to unpack for each run.

recipe_key() {
	root_package linux-source-6.12 "$(artifact root)"
}

recipe_build() {
	local root
	root=$(artifact root)
	tar -x -C "$2" --strip-components=2 -f "$root/usr/src/linux-source-6.12.tar.xz" \
		linux-source-6.12/scripts/{checkpatch.pl,const_structs.checkpatch,spelling.txt}
}
