# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests in rig/tests: a guest moves between two functions of each kind.
. rig/lib/l1.sh

# filter WORD...: one filter of GoogleTest.
filter() {
	local IFS=:
	echo "$*"
}

# kinds_test KERNEL SECONDS LINKED OTHERS: filters of what is asked of linked functions,
# and of those with the commands IPU or a control page.
#
# Left out is what looks into the states and formats of the standard commands, or is known
# by what their state says of its length; of IPU and control page PRE_COPY, which they do
# not have; of the two linked functions what takes three. A control page does not tell the
# size of a running function's state, so its estimate is the most that there can be. A save
# by IPU disables the function, so what it is asked in STOP_COPY is lost; VFIO has it that
# nobody touches it then.
kinds_test() {
	local standard lengths three
	three=$(filter 'By/Move.RoundOfThree*' 'By/Move.Bystander*')
	lengths=$(filter '*/NvmecssADword*' '*/NvmecssHighHalf' '*/Vss*' '*/StateCutByADword' \
		'*/StateWithADwordMore' '*/StateShorterThanItsHeader')
	standard=$(filter MigrationSave.StreamIsWellFormed MigrationSave.StateIsThatOfTheDevice \
		MigrationSave.FormatIsOneOfTheDevice 'MigrationLoad.NothingOfTheStream*' \
		'*PRE_COPY_to*' '*PRE_COPY_P2P_to*' '*/PRE_COPY' '*/PRE_COPY_P2P' \
		'*/PreCopyAndP2p' "$lengths")
	# shellcheck disable=SC2016
	in_l1 "$1" --profile kinds --hmlm --vfs 3 --queues 8 --mem 3G --timeout "$2" -- sh -c '
		test=/project/build/harness/tests/test_migration
		kinds=/project/build/harness/tests/test_kinds
		status=0
		echo "== linked functions"
		$test --pf 0000:01:00.0 --linked 0000:02:00.0 --linked 0000:05:00.0 \
			--gtest_filter="$1" || status=1
		echo "== IPU"
		$test --pf 0000:03:00.0 --no-lm \
			--gtest_filter="$2:*MigrationStill.*/STOP_COPY" || status=1
		echo "== control page"
		$test --pf 0000:04:00.0 --no-lm \
			--gtest_filter="$2:MigrationSave.DataSize*" || status=1
		$kinds --pf 0000:04:00.0 --no-lm --gtest_filter="HiddenPage*" || status=1
		echo "== one kind and another"
		$kinds --pf 0000:01:00.0 --gtest_filter="OtherKind*" || status=1
		exit $status' kinds "$3-$three" "$4-$standard"
}

# some_of_the_kinds KERNEL SECONDS: some of each subject.
some_of_the_kinds() {
	local moves lives rest
	moves=$(filter 'By/Move.GuestGoesOn/*' 'By/Move.Outstanding*' 'By/Move.Doorbells*' \
		'By/Move.FullCompletionQueue/*' 'By/Move.InterruptOfAWaiting*' \
		'By/Move.PendingEvent*' 'By/Move.FeaturesSurvive/*' \
		'By/MoveMany.*/StopCopy8')
	lives=$(filter '*MigrationLife.Reset*/STOP_COPY' '*MigrationLife.Reset*/RESUMING' \
		'*MigrationLife.CloseAndOpen*/STOP_COPY' '*MigrationLife.CloseAndOpen*/RESUMING' \
		'MigrationLoad.Resident*' 'MigrationLoad.Abandoned*')
	rest=$(filter '*MigrationStill.*' 'MigrationMove.*' '*MigrationArc.*/STOP_COPY_to*' \
		'MigrationSave.Cancelled*' 'MigrationSave.Identity*' 'MigrationSave.Medium*' \
		'*/BitOfState' '*/BitOfIdentity' '*/CommandSetOfAnotherKind' '*/OtherSerial' \
		'*/OtherNsid' '*/StateTwice' '*/EndMissing' '*/MoreQueues' '*/DeviceRefusesState')
	kinds_test "$1" "$2" "$moves:$lives" "$moves:$lives:$rest"
}

# all_of_the_kinds KERNEL SECONDS: everything.
all_of_the_kinds() {
	local moves lives rest
	moves=$(filter 'By/Move.*' 'By/MoveMany.*/StopCopy1' 'By/MoveMany.*/StopCopy8')
	lives=$(filter '*MigrationLife.*' 'MigrationLoad.*')
	rest=$(filter '*MigrationLoadBad.*' '*MigrationArc.*' '*MigrationStill.*' \
		'MigrationMove.*' 'MigrationSave.*')
	kinds_test "$1" "$2" "$moves:$lives" "$moves:$lives:$rest"
}
