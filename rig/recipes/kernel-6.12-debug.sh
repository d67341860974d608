# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kernel-6.12-debug, as kernel.sh says, but still with the configuration from
# before it was trimmed, so that the one that exists is good for a while longer.

FRAGMENTS=("$RIG_DIR/kernels/fast.config" "$RIG_DIR/kernels/debug.config")

recipe_key() {
	local root
	root=$(artifact root)
	root_package linux-source-6.12 "$root"
	root_package gcc-14 "$root"
	content "$RIG_DIR/recipes/kernel-build.sh" "${FRAGMENTS[@]}"
}

recipe_build() {
	local place=$2
	mkdir "$place/src" "$place/config"
	cp "${FRAGMENTS[@]}" "$place/config/"
	cp "$RIG_DIR/recipes/kernel-build.sh" "$place/config/build.sh"
	"$RIG_DIR/chroot" --bind "$place:/artifact" --cwd /artifact/src -- \
		bash -euo pipefail /artifact/config/build.sh 6.12 debug 2>&1 | stamp
	rm -rf "$place/src"
	echo "/cache/$(basename "${place%.tmp.*}")/build" >"$place/kdir"
}
