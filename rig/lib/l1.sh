# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests in rig/tests: boot L1 under the name of the test.

# in_l1 KERNEL RUN-ARGUMENT... -- COMMAND...: rig/run with a name of its own, and with
# as little memory as does: on a debug kernel the scan for leaks looks at all of it.
in_l1() {
	local kernel=$1
	shift
	"$(dirname "${BASH_SOURCE[0]}")/../run" --kernel "$kernel" \
		--name "check-$(basename "$0")-$kernel" --mem 2G "$@"
}
