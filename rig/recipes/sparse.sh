# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# sparse: the checker of Debian's next release, built for this one: trixie's does
# not get through the headers of 7.3.
#   bin/sparse

recipe_key() {
	root_package gcc-14 "$(artifact root)"
	content "$RIG_DIR/recipes/sparse.sh"
}

# Runs in the chroot, in an empty folder; /artifact takes the result.
# shellcheck disable=SC2016
SPARSE_SCRIPT='
mirror=$(sed -n "s/^deb-src \([^ ]*\) trixie main/\1/p" /etc/apt/sources.list)
echo "deb-src $mirror forky main" >/etc/apt/sources.list.d/forky.list
apt-get update -q=2
apt-get source -q=2 --download-only sparse
tar -x --strip-components=1 -f sparse_*.orig.tar.*
make -s -j"$JOBS" CC="ccache gcc-14" HAVE_GTK=no HAVE_LLVM=no HAVE_SQLITE=no sparse
install -D sparse /artifact/bin/sparse
/artifact/bin/sparse --version
'

recipe_build() {
	"$RIG_DIR/chroot" --bind "$2:/artifact" --cwd /tmp -- \
		bash -euo pipefail -c "$SPARSE_SCRIPT" 2>&1 | stamp
}
