# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kernel-VERSION-FLAVOUR: a kernel for L1 and what modules are built against.
#
# FLAVOUR is stock (Debian's binary, a view into the root), fast or debug (ours,
# from Debian's source of that version). Every one has
#   vmlinuz     what the runner boots
#   release     what uname -r will say
#   modules     lib/modules/RELEASE, with modules.dep
#   kdir        where KDIR is, as seen in the chroot with the cache at /cache
#   build/      (ours only) that KDIR

# kernel_parts NAME: set VERSION and FLAVOUR.
kernel_parts() {
	VERSION=$(cut -d- -f2 <<<"$1")
	FLAVOUR=$(cut -d- -f3 <<<"$1")
	[ -n "$FLAVOUR" ] || die "kernel '$1': expected kernel-VERSION-FLAVOUR, e.g. kernel-6.12-stock"
}

# fragments: the names of the configuration files in rig/kernels, in the order of
# merging, one a line: those of FLAVOUR, then what only VERSION knows.
fragments() {
	case $FLAVOUR in
	fast) echo fast.config ;;
	debug) printf '%s\n' fast.config debug.config ;;
	*) die "kernel flavour '$FLAVOUR': expected stock, fast or debug" ;;
	esac
	[ ! -e "$RIG_DIR/kernels/$VERSION.config" ] || echo "$VERSION.config"
}

recipe_key() {
	local root
	kernel_parts "$1"
	root=$(artifact root)
	if [ "$FLAVOUR" = stock ]; then
		printf '%s\n' "$root" "$(root_kernel "$VERSION" "$root")"
		return
	fi
	basename "$(artifact "linux-source-$VERSION")"
	root_package gcc-14 "$root"
	# shellcheck disable=SC2046 # a list of file names without blanks
	(cd "$RIG_DIR/kernels" && content "$RIG_DIR/recipes/kernel-build.sh" $(fragments))
}

recipe_build() {
	local place=$2 root release source
	kernel_parts "$1"
	root=$(artifact root)
	if [ "$FLAVOUR" = stock ]; then
		release=$(root_kernel "$VERSION" "$root")
		echo "$release" >"$place/release"
		ln -s "$root/boot/vmlinuz-$release" "$place/vmlinuz"
		ln -s "$root/usr/lib/modules/$release" "$place/modules"
		echo "/usr/src/linux-headers-$release" >"$place/kdir"
		return
	fi
	source=$(artifact "linux-source-$VERSION")
	mkdir "$place/src" "$place/config"
	fragments >"$place/config/order"
	cp "$RIG_DIR"/kernels/*.config "$place/config/"
	cp "$RIG_DIR/recipes/kernel-build.sh" "$place/config/build.sh"
	"$RIG_DIR/chroot" --bind "$source:/source:ro" --bind "$place:/artifact" --cwd /artifact/src -- \
		bash -euo pipefail /artifact/config/build.sh "$VERSION" "$FLAVOUR" 2>&1 | stamp
	rm -rf "$place/src"
	# the key is not known in the chroot: the final name is this one without .tmp
	echo "/cache/$(basename "${place%.tmp.*}")/build" >"$place/kdir"
}
