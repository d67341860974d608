# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# uml-VERSION: a user mode Linux with KUnit, built but for our own suites, which
# tests/kunit/run-uml adds to a copy of obj/ in seconds.
#   src/   the kernel source it needs, hooked up to the project's tests/kunit
#   obj/   what was built of it

recipe_key() {
	local root
	root=$(artifact root)
	basename "$(artifact "linux-source-${1#uml-}")"
	root_package gcc-14 "$root"
	content "$RIG_DIR/recipes/uml.sh" "$RIG_DIR/recipes/uml-build.sh" \
		"$PROJECT_DIR/tests/kunit/uml.config"
}

recipe_build() {
	local place=$2 source
	source=$(artifact "linux-source-${1#uml-}")
	mkdir "$place/src" "$place/obj"
	"$RIG_DIR/chroot" --bind "$source:/source:ro" --bind "$place/src:/linux" --bind "$place/obj:/obj" --cwd /linux -- \
		bash -euo pipefail /project/rig/recipes/uml-build.sh "${1#uml-}" 2>&1 | stamp
}
