# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Runs in the chroot, in an empty folder: build one of our kernels.
#   bash kernel-build.sh VERSION FLAVOUR
# /source has Debian's source, /artifact takes the result, /artifact/config/order
# names the fragments in it in the order of merging.
version=$1 flavour=$2

kmake() {
	nice -n 10 make -s -j"$JOBS" CC='ccache gcc-14' HOSTCC='ccache gcc-14' \
		LOCALVERSION="-nvmelm-$flavour" \
		KBUILD_BUILD_TIMESTAMP='1 January 2025' KBUILD_BUILD_USER=rig KBUILD_BUILD_HOST=rig "$@"
}

# Ask for a line a minute: how many objects there are by now.
watch_objects() {
	while sleep 60; do
		echo "  $(find . -name '*.o' | wc -l) objects built"
	done
}

# Every line of the fragments must be in .config: Kconfig drops silently what
# depends on something that is off.
check_config() {
	local line wrong=0
	while read -r line; do
		case $line in
		CONFIG_*=*) grep -qxF "$line" .config || { echo "  not in .config: $line"; wrong=1; } ;;
		'# CONFIG_'*' is not set')
			line=${line#\# } line=${line% is not set}
			! grep -q "^$line=" .config || { echo "  still set: $line"; wrong=1; } ;;
		esac
	done < <(cat "${fragments[@]}")
	[ $wrong = 0 ] || { echo "the configuration does not hold what the fragments ask for"; exit 1; }
}

# Sources that this configuration compiles nothing of: most of the source, and of
# the time to unpack it. Kconfig files and Makefiles stay: others read them.
skip=()
for folder in drivers/{accel,clk,comedi,gpu,hid,iio,infiniband,md,media,mtd} \
	drivers/net/{ethernet,wireless} drivers/{phy,pinctrl,platform,scsi,soc,staging,usb,video} sound \
	fs/{bcachefs,btrfs,ceph,ext4,f2fs,gfs2,nfs,nfsd,ntfs3,ocfs2,smb,xfs} \
	arch/{arc,arm,arm64,csky,hexagon,loongarch,m68k,microblaze,mips,nios2} \
	arch/{openrisc,parisc,powerpc,riscv,s390,sh,sparc,um,xtensa} \
	tools/{perf,testing}; do
	skip+=(--exclude="*/$folder/*.[chS]")
done

echo "unpacking linux-source-$version"
tar -x --strip-components=1 -f "/source/linux-source-$version.tar.xz" \
	--exclude='*/Documentation/*.rst' --exclude='*/Documentation/devicetree' \
	--exclude='*.dts' --exclude='*.dtsi' --exclude='*.dtso' "${skip[@]}"
echo "configuring"
kmake tinyconfig
mapfile -t fragments < <(sed 's|^|/artifact/config/|' /artifact/config/order)
scripts/kconfig/merge_config.sh -m -Q .config "${fragments[@]}" >/dev/null
kmake olddefconfig
check_config
echo "compiling"
watch_objects &
watcher=$!
trap 'kill $watcher 2>/dev/null || true' EXIT
kmake all
echo "installing"
cp arch/x86/boot/bzImage /artifact/vmlinuz
release=$(kmake kernelrelease)
echo "$release" >/artifact/release
kmake INSTALL_MOD_PATH=/artifact/tree modules_install
mv "/artifact/tree/lib/modules/$release" /artifact/modules
rm -rf /artifact/tree /artifact/modules/build
# what Debian's packages put into linux-headers: enough to build modules
kmake run-command KBUILD_RUN_COMMAND='$(srctree)/scripts/package/install-extmod-build /artifact/build'
cp .config /artifact/config/dot-config
