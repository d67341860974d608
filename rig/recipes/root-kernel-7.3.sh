#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Run inside the new root: install the newest 7.3 kernel of trixie-backports,
# image and headers. Its full version is in the package's name, and moves.
set -e
version=$(apt-cache search --names-only '^linux-headers-7\.3\.[0-9]+\+deb13-amd64$' |
	cut -d' ' -f1 | sort -V | tail -n 1 | sed 's/^linux-headers-//')
[ -n "$version" ] || { echo "expected a 7.3 kernel in trixie-backports, found none" >&2; exit 1; }
# -t: their dependencies (linux-base) come from backports too
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -t trixie-backports \
	"linux-image-$version" "linux-headers-$version"
