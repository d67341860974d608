# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests in rig/tests: a guest moves between two functions of each kind.
. rig/lib/l1.sh

# kinds_test KERNEL
kinds_test() {
	# What is asked of each kind. Left out is what looks into the states and formats of the
	# standard commands, or is known by what their state says of its length; of IPU and
	# control page PRE_COPY, which they do not have; of the
	# two linked functions what takes three. A control page does not tell the size of a
	# running function's state, so its estimate is the most that there can be.
	# shellcheck disable=SC2016
	in_l1 "$1" --profile kinds --hmlm --vfs 3 --queues 8 --mem 3G --timeout 540 -- sh -c '
		all=*MigrationLife.*:MigrationLoad.*:*MigrationLoadBad.*:*MigrationArc.*:*MigrationStill.*
		all=$all:MigrationMove.*:MigrationSave.*
		moves=By/Move.*/StopCopy:By/MoveMany.*/StopCopy1:By/MoveMany.*/StopCopy8
		standard=MigrationSave.StreamIsWellFormed:MigrationSave.StateIsThatOfTheDevice
		standard=$standard:MigrationSave.FormatIsOneOfTheDevice
		standard=$standard:MigrationLoad.NothingOfTheStreamIsAppliedBeforeItsEnd
		standard=$standard:*PRE_COPY_to*:*PRE_COPY_P2P_to*:*/PRE_COPY:*/PRE_COPY_P2P
		lengths=*/NvmecssADword*:*/NvmecssHighHalf:*/Vss*:*/StateCutByADword:*/StateWithADwordMore
		standard=$standard:$lengths:*/StateShorterThanItsHeader
		three=By/Move.RoundOfThreeFunctions/*:By/Move.BystanderIsNotTouched/*
		test=/project/build/harness/tests/test_migration
		kinds=/project/build/harness/tests/test_kinds
		status=0
		echo "== linked functions"
		$test --pf 0000:01:00.0 --linked 0000:02:00.0 --linked 0000:05:00.0 \
			--gtest_filter="By/Move.*:$moves:*MigrationLife.*:MigrationLoad.*-$three" || status=1
		echo "== IPU"
		$test --pf 0000:03:00.0 --no-lm --gtest_filter="$moves:$all-$standard" || status=1
		echo "== control page"
		$test --pf 0000:04:00.0 --no-lm \
			--gtest_filter="$moves:$all-$standard:MigrationSave.DataSizeIsAnHonestEstimate" || status=1
		$kinds --pf 0000:04:00.0 --no-lm --gtest_filter="HiddenPage*" || status=1
		echo "== one kind and another"
		$kinds --pf 0000:01:00.0 --gtest_filter="OtherKind*" || status=1
		exit $status'
}
