# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Runs in the chroot, in an empty /linux, with an empty /obj: build a user mode
# Linux of /source, which is linux-source-VERSION.
#   bash uml-build.sh VERSION
version=$1

# Sources that no user mode Linux compiles. Their Kconfig files and Makefiles
# stay: others read them.
skip=()
for folder in drivers/{accel,clk,comedi,gpu,hid,iio,infiniband,md,media,misc,mtd,net} \
	drivers/{pinctrl,platform,scsi,soc,staging,usb,video} sound tools/{perf,testing}; do
	skip+=(--exclude="*/$folder/*.[chS]")
done

echo "unpacking linux-source-$version"
tar -x --strip-components=1 -f "/source/linux-source-$version.tar.xz" \
	--exclude='*/Documentation/*.rst' --exclude='*/Documentation/devicetree' \
	--exclude='*.dts' --exclude='*.dtsi' "${skip[@]}"
# The suites, when asked for with NVME_LM_TESTS=y on make's command line. The
# source of the project is where the chroot has it.
ln -s /project nvme-lm
# shellcheck disable=SC2016 # make expands it
echo 'obj-$(NVME_LM_TESTS) += nvme-lm/tests/kunit/' >>Kbuild

echo "configuring"
umake() {
	nice -n 10 make -s -j"$JOBS" ARCH=um O=/obj CC='ccache gcc-14' HOSTCC='ccache gcc-14' "$@"
}
umake allnoconfig
ARCH=um scripts/kconfig/merge_config.sh -m -Q -O /obj /obj/.config \
	/project/tests/kunit/uml.config >/dev/null
umake olddefconfig
while read -r line; do
	grep -qxF "$line" /obj/.config ||
		{ echo "uml.config asks for $line, which Kconfig dropped: see what it depends on"; exit 1; }
done < <(grep '^CONFIG_' /project/tests/kunit/uml.config)
echo "compiling (three to four minutes on two free cores)"
umake linux
