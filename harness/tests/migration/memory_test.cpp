// SPDX-License-Identifier: GPL-2.0-only
/// States larger than one command: run with a PF that has device memory, e.g.
/// hmlm-mem-size=3M.
#include "migration/fixture.hpp"

namespace lm::test {

using migration::Stream;

class BigState : public MigrationTest {
  protected:
    static constexpr std::size_t least = std::size_t{1} << 20;

    static void expect_big(ByteView stream) {
        ASSERT_GT(stream.size(), least)
            << "this test wants device memory: boot with the PF property hmlm-mem-size=3M";
    }
};

TEST_F(BigState, TravelsWithTheGuest) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    guest.write(guest.queue(), Lba{0}, 1);
    const Bytes stream = a.migration.save();
    ASSERT_NO_FATAL_FAILURE(expect_big(stream));
    b.migration.load(stream);
    EXPECT_EQ(difference(pf().read_whole_state(b.machine.cntlid()), Stream::parse(stream).state()),
              "");
    guest.move_to(b.machine);
    b.migration.set(State::running);
    guest.verify(guest.queue(), Lba{0}, 1);
}

TEST_F(BigState, ReadsAndWritesOfOddSizes) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    const Bytes stream = a.migration.save();
    ASSERT_NO_FATAL_FAILURE(expect_big(stream));
    for (std::size_t chunk : {999UL, 4096UL, 131071UL, 300000UL}) {
        migration::DataFile saving = a.migration.set_with_file(State::stop_copy);
        EXPECT_EQ(difference(saving.read_all(chunk), stream), "") << "reads of " << chunk;
        a.migration.set(State::stop);
        EXPECT_EQ(errno_name(load_error(b, stream, chunk)), errno_name(0)) << "writes of " << chunk;
        reset(b);
    }
    a.migration.set(State::running);
    guest.write_and_verify(guest.queue(), Lba{0}, 2);
}

TEST_F(BigState, CancelledHalfWayTheGuestGoesOn) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    for (std::size_t part : {1000UL, 200000UL, 1000000UL}) {
        migration::DataFile file = vf.migration.set_with_file(State::stop_copy);
        Bytes some(part);
        ASSERT_GT(file.read_some(some), 0U);
        vf.migration.set(State::running);
        guest.write_and_verify(guest.queue(), Lba{0}, part);
    }
}

TEST_F(BigState, DataSizeCoversIt) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    vf.migration.set(State::stop);
    const std::uint64_t promised = vf.migration.data_size();
    const Bytes stream = vf.migration.save();
    ASSERT_NO_FATAL_FAILURE(expect_big(stream));
    EXPECT_GE(promised, stream.size());
    EXPECT_LE(promised, stream.size() + stream.size() / 10);
}

TEST_F(BigState, DamagedIsRefusedByTheDevice) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    boot(a.machine);
    const Bytes bytes = a.migration.save();
    ASSERT_NO_FATAL_FAILURE(expect_big(bytes));
    Stream stream = Stream::parse(bytes);
    const std::size_t pieces = stream.of_type(NVME_LM_REC_STATE).size();
    stream.records[stream.find(NVME_LM_REC_STATE, pieces / 2)].payload.at(5000) ^= std::byte{1};
    EXPECT_EQ(errno_name(load_error(b, stream.encode())), "EREMOTEIO");
    reset(b);
    EXPECT_EQ(errno_name(load_error(b, bytes)), errno_name(0));
}

} // namespace lm::test
