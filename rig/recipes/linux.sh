# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# linux-source-VERSION: Debian's source of the kernel VERSION that the root has
# (6.12 or 7.3), in exactly the version of its headers, so that our own kernels
# differ from Debian's in their configuration alone.
#   linux-source-VERSION.tar.xz
# Not a package of the root: it is big, and few builds want it.

# source_version NAME: the Debian version of the source of artifact NAME.
source_version() {
	local root
	root=$(artifact root)
	root_package "linux-headers-$(root_kernel "${1#linux-source-}" "$root")" "$root"
}

recipe_key() {
	source_version "$1"
}

recipe_build() {
	local version
	version=$(source_version "$1")
	say "fetching $1 $version"
	"$RIG_DIR/chroot" --bind "$2:/artifact" --cwd /tmp -- bash -euo pipefail -c '
		apt-get update -q=2
		# apt fetches as a user of its own, which may not write here
		apt-get download -q=2 -o APT::Sandbox::User=root "$1=$2"
		dpkg-deb --fsys-tarfile "$1"_*.deb |
			tar -x --strip-components=3 -C /artifact "./usr/src/$1.tar.xz"' \
		bash "$1" "$version" 2>&1 | stamp
}
