# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests in rig/tests: test_hostile on a PF with faults on demand, and a state
# that takes several commands. Little memory: kmemleak looks through all of it.
. rig/lib/l1.sh

# hostile_test KERNEL SECONDS FILTER [RUN-ARGUMENT...]
hostile_test() {
	local kernel=$1 limit=$2 filter=$3
	shift 3
	in_l1 "$kernel" --mem 1536M --hmlm --vfs 4 --pf-opt hmlm-faults=on --pf-opt hmlm-mem-size=1M \
		--pf-opt hmlm-mem-rate=0 --timeout "$limit" "$@" -- \
		/project/build/harness/tests/test_hostile --gtest_filter="$filter"
}
