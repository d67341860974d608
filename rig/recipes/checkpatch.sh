# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# checkpatch: the kernel's style checker with its word lists, out of Debian's
# source package, which is too big to unpack for each run.

recipe_key() {
	root_package linux-source-6.12 "$(artifact root)"
}

recipe_build() {
	"$RIG_DIR/chroot" --bind "$2:/artifact" --cwd /artifact -- \
		tar -x --strip-components=2 -f /usr/src/linux-source-6.12.tar.xz \
		linux-source-6.12/scripts/{checkpatch.pl,const_structs.checkpatch,spelling.txt}
}
