# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests in rig/tests: the demo with other kernels and options.

# demo_test KERNEL OPTION...: the demo as one test; its verdict is the result.
demo_test() {
	local kernel=$1
	shift
	rig/demo/demo --kernel "$kernel" --name "check-$(basename "$0")" "$@" &&
		echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; return 1; }
}
