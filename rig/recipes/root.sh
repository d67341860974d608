# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# root: a Debian trixie tree, used as build chroot and as the user space of L1.

# The mirror this machine installs Debian packages from, so that nobody has to
# write one into the project: the first URI with a bookworm-like main archive.
host_mirror() {
	local file
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		awk '/^URIs:/ { uri = $2 } /^Suites:/ { suite = $2 }
		     /^$/ { print uri, suite; uri = suite = "" }
		     END { print uri, suite }' "$file"
	done | awk '$1 ~ /\/debian\/?$/ { print $1 }' | head -n 1
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		sed -n 's/^deb *\(\[[^]]*\] *\)\?\([^ ]*\/debian\)\/\? .*/\2/p' "$file"
	done | head -n 1
}

# sources.list of the root. deb-src too: the emulator is built from source.
trixie_sources() {
	local mirror=$1 suite
	for suite in trixie trixie-updates trixie-backports; do
		echo "deb $mirror $suite main"
		echo "deb-src $mirror $suite main"
	done
}

recipe_key() {
	content "$RIG_DIR/packages/root.list" "$RIG_DIR/recipes/root.sh" \
		"$RIG_DIR/recipes/root-kernel-7.3.sh"
}

recipe_build() {
	local tree=$2 mirror packages
	mirror=$(host_mirror | head -n 1)
	[ -n "$mirror" ] || die "no Debian archive found in /etc/apt; expected a URI that ends in /debian"
	packages=$(list_of "$RIG_DIR/packages/root.list" | paste -sd,)
	say "root: trixie with $(list_of "$RIG_DIR/packages/root.list" | wc -l) packages and what they need"
	# update-initramfs is of no use here and takes most of a minute a kernel:
	# a namesake earlier in the PATH of the maintainer scripts stands in for it.
	# The mount namespace takes the mounts of a killed build with it.
	trixie_sources "$mirror" | unshare --mount --fork --kill-child \
		mmdebstrap --variant=apt --mode=root --quiet \
		--aptopt='Apt::Install-Recommends "false"' \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--essential-hook='mkdir -p "$1/usr/local/sbin"' \
		--essential-hook='ln -s /bin/true "$1/usr/local/sbin/update-initramfs"' \
		--include="$packages" \
		--customize-hook='cp "$RIG_DIR/recipes/root-kernel-7.3.sh" "$1/tmp/kernel.sh"' \
		--customize-hook='chroot "$1" sh /tmp/kernel.sh' \
		--customize-hook='rm "$1/tmp/kernel.sh" "$1/usr/local/sbin/update-initramfs"' \
		trixie "$tree" - 2>&1 | stamp
	[ "${PIPESTATUS[1]}" = 0 ] || return 1
	say "root: $(du -sh "$tree" | cut -f1)"
}
