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

# stock_release ROOT: the release of Debian's kernel VERSION in the root.
stock_release() {
	local found
	found=$(cd "$1/usr/lib/modules" && ls -d "$VERSION".*+deb13-amd64 "$VERSION".*-amd64 2>/dev/null | sort -uV | tail -n 1)
	[ -n "$found" ] || die "kernel $VERSION: expected it in the root's /usr/lib/modules, found $(ls "$1/usr/lib/modules")"
	printf '%s\n' "$found"
}

# fragments: the configuration files of FLAVOUR, in the order of merging.
fragments() {
	case $FLAVOUR in
	fast) echo "$RIG_DIR/kernels/fast.config" ;;
	debug) echo "$RIG_DIR/kernels/fast.config" "$RIG_DIR/kernels/debug.config" ;;
	*) die "kernel flavour '$FLAVOUR': expected stock, fast or debug" ;;
	esac
}

recipe_key() {
	local root
	kernel_parts "$1"
	root=$(artifact root)
	if [ "$FLAVOUR" = stock ]; then
		printf '%s\n' "$root" "$(stock_release "$root")"
		return
	fi
	root_package "linux-source-$VERSION" "$root"
	root_package gcc-14 "$root"
	# shellcheck disable=SC2046 # a list of file names without blanks
	content "$RIG_DIR/recipes/kernel-build.sh" $(fragments)
}

recipe_build() {
	local place=$2 root release
	kernel_parts "$1"
	root=$(artifact root)
	if [ "$FLAVOUR" = stock ]; then
		release=$(stock_release "$root")
		echo "$release" >"$place/release"
		ln -s "$root/boot/vmlinuz-$release" "$place/vmlinuz"
		ln -s "$root/usr/lib/modules/$release" "$place/modules"
		echo "/usr/src/linux-headers-$release" >"$place/kdir"
		return
	fi
	mkdir "$place/src" "$place/config"
	# shellcheck disable=SC2046
	cp $(fragments) "$place/config/"
	cp "$RIG_DIR/recipes/kernel-build.sh" "$place/config/build.sh"
	"$RIG_DIR/chroot" --bind "$place:/artifact" --cwd /artifact/src -- \
		bash -euo pipefail /artifact/config/build.sh "$VERSION" "$FLAVOUR" 2>&1 | stamp
	rm -rf "$place/src"
	# the key is not known in the chroot: the final name is this one without .tmp
	echo "/cache/$(basename "${place%.tmp.*}")/build" >"$place/kdir"
}
