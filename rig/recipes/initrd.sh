# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# initrd-VERSION-FLAVOUR: what a kernel needs to reach its 9p root: busybox, our
# init, and the modules for it that are not built in.

recipe_key() {
	artifact "kernel-${1#initrd-}"
	root_package busybox-static "$(artifact root)"
	content "$RIG_DIR/recipes/initrd.sh" "$RIG_DIR/l1/initrd-init"
}

# Runs in the chroot: /kernel is the kernel artifact, /artifact takes the result.
# shellcheck disable=SC2016
INITRD_SCRIPT='
release=$(cat /kernel/release)
mkdir -p tree/bin tree/proc tree/sys tree/dev tree/lib /usr/lib/modules/"$release"
[ -d /usr/lib/modules/"$release"/kernel ] ||
	mount --bind /kernel/modules /usr/lib/modules/"$release"
cp /bin/busybox tree/bin/
cp /project/rig/l1/initrd-init tree/init
chmod +x tree/init
# "insmod FILE" lines, dependencies first; what is built in has none
modprobe -S "$release" --all --show-depends virtio_pci 9pnet_virtio 9p overlay |
	awk "/^insmod/ && !seen[\$2]++ { print \$2 }" >files
: >tree/modules.list
while read -r file; do
	name=$(basename "$file")
	case $name in
	*.xz) name=${name%.xz}; xz -dc "$file" ;;
	*.zst) name=${name%.zst}; zstd -qdc "$file" ;;
	*) cat "$file" ;;
	esac >tree/lib/"$(basename "$file" | sed "s/\.\(xz\|zst\)$//")"
	echo "/lib/$name" >>tree/modules.list
done <files
(cd tree && find . | cpio --quiet -o -H newc) >/artifact/initrd
'

recipe_build() {
	local kernel
	kernel=$(artifact "kernel-${1#initrd-}")
	"$RIG_DIR/chroot" --bind "$kernel:/kernel:ro" --bind "$2:/artifact" --cwd /tmp -- \
		bash -euo pipefail -c "$INITRD_SCRIPT"
}
