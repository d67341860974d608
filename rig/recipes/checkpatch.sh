# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# checkpatch: the kernel's style checker with its word lists, out of Debian's
# source package, which is too big to unpack for each run.

recipe_key() {
	basename "$(artifact linux-source-6.12)"
}

recipe_build() {
	local source
	source=$(artifact linux-source-6.12)
	"$RIG_DIR/chroot" --bind "$source:/source:ro" --bind "$2:/artifact" --cwd /artifact -- \
		tar -x --strip-components=2 -f /source/linux-source-6.12.tar.xz \
		linux-source-6.12/scripts/{checkpatch.pl,const_structs.checkpatch,spelling.txt}
}
