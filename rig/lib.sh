# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Functions shared by the rig's scripts: messages, cached artifacts, the chroot.
#
# An artifact is a folder NAME-KEY in the cache; KEY is a hash of what the
# artifact depends on. It is built beside its place and renamed into it, so a
# folder without ".tmp." in its name is always whole. The cache is shared by
# all clones of the project.

RIG_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROJECT_DIR=$(dirname "$RIG_DIR")
CACHE_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/nvme-lm
: "${JOBS:=$(nproc)}"
export RIG_DIR PROJECT_DIR CACHE_DIR JOBS

# say TEXT: one line of progress with the seconds since the script started.
say() {
	printf '[%5ds] %s\n' "$SECONDS" "$*" >&2
}

# die TEXT: what went wrong and what to do about it; ends the script.
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# list_of FILE: the words of a list file, without comments.
list_of() {
	sed -e 's/#.*//' "$1" | tr -s ' \t\n' '\n' | grep -v '^$'
}

# stamp: copy stdin to stderr, each line with the seconds since the start.
stamp() {
	local line
	while IFS= read -r line; do
		say "$line"
	done
}

# key_of: 12 hexadecimal digits that stand for stdin.
key_of() {
	sha256sum | cut -c1-12
}

# content FILE...: names and contents, as material for a key.
content() {
	local file
	for file in "$@"; do
		printf '== %s\n' "${file#"$PROJECT_DIR"/}"
		cat "$file"
	done
}

# load_recipe NAME: define recipe_key and recipe_build for an artifact. A
# recipe file serves one artifact, or a family that starts with its name
# (kernel.sh makes kernel-6.12-debug).
load_recipe() {
	local name=$1 file
	for file in "$RIG_DIR/recipes/$name.sh" "$RIG_DIR/recipes/${name%%-*}.sh"; do
		if [ -r "$file" ]; then
			# shellcheck source=/dev/null
			. "$file"
			return
		fi
	done
	die "no recipe makes '$name'; known recipes: $(cd "$RIG_DIR/recipes" && echo *.sh)"
}

# drop_old_builds NAME: remove what an interrupted build of NAME left. Called
# with the lock of NAME held, so no such build can be alive.
drop_old_builds() {
	local left
	for left in "$CACHE_DIR/$1"-????????????.tmp.*; do
		if [ -e "$left" ]; then
			rm -rf --one-file-system "$left"
		fi
	done
}

# artifact NAME: print the path of the artifact, building it when it is absent.
artifact() (
	name=$1
	load_recipe "$name"
	key=$(recipe_key "$name" | key_of) || exit 1
	place=$CACHE_DIR/$name-$key
	if [ ! -d "$place" ]; then
		mkdir -p "$CACHE_DIR"
		exec 9>"$CACHE_DIR/$name.lock"
		flock -n 9 || { say "$name: another build of it is running, waiting"; flock 9; }
		drop_old_builds "$name"
		if [ ! -d "$place" ]; then
			tmp=$place.tmp.$$
			mkdir "$tmp"
			say "$name: building into $place"
			# a bash of its own: "set -e" is without effect in a
			# function that was called in a condition; it ends with us
			setpriv --pdeathsig TERM bash -euo pipefail -c '. "$1/lib.sh"; load_recipe "$2"; recipe_build "$2" "$3"' \
				build "$RIG_DIR" "$name" "$tmp" 9>&- >&2 ||
				{ rm -rf --one-file-system "$tmp"; die "$name: the build failed; its messages are above"; }
			mv "$tmp" "$place"
			say "$name: done"
		fi
	fi
	# the time of last use, for whoever cleans the cache by age
	touch "$place"
	printf '%s\n' "$place"
)

# root_package NAME ROOT: the version of a package installed in a root.
root_package() {
	dpkg-query --admindir="$2/var/lib/dpkg" -W -f '${Version}' "$1"
}

# root_kernel VERSION ROOT: the release of Debian's kernel VERSION (6.12, 7.3) in
# a root, as uname -r says it.
root_kernel() {
	local found
	found=$(cd "$2/usr/lib/modules" && ls -d "$1".*-amd64 2>/dev/null | sort -V | tail -n 1)
	[ -n "$found" ] || die "kernel $1: expected it in the root's /usr/lib/modules, found $(ls "$2/usr/lib/modules")"
	printf '%s\n' "$found"
}
