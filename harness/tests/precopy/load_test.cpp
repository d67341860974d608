// SPDX-License-Identifier: GPL-2.0-only
/// What the destination makes of a state in passes, whether it assembles it in
/// memory or passes it on as it comes.
#include "nvme/controller_state.hpp"
#include "precopy/fixture.hpp"
#include "streams/passes.hpp"
#include "util/sysfs.hpp"

#include <fcntl.h>
#include <poll.h>

namespace lm::test {

using migration::Stream;

/// How the destination takes a state in passes.
enum class Taking { assembled, streamed };

class PreCopyLoad : public PreCopy, public testing::WithParamInterface<Taking> {
  protected:
    static constexpr const char *random_write = "/sys/module/nvme_lm/parameters/random_write";

    void SetUp() override {
        PreCopy::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        before_ = sysfs::read(random_write);
        sysfs::write(random_write, GetParam() == Taking::streamed ? "Y" : "N");
    }
    void TearDown() override {
        if (!before_.empty())
            sysfs::write(random_write, before_);
    }

    /// A guest on function 0, which is stopped, and its state in one pass.
    Stream save(std::uint64_t memory = 300 * kib) {
        from_.emplace(source(memory));
        return Stream::parse(from_->end.migration.save());
    }
    /// What of the state no clock is in: that of the queues, and the device memory,
    /// which begins at 64 KiB. Without CSATTR, which says whether it is suspended.
    static Bytes contents(const Endpoint &end) {
        Bytes state = truth(end);
        const std::size_t queues =
            nvme::ControllerState::header_size + nvme::ControllerState{state}.nvmecs().size();
        state.at(2) = {};
        state.erase(state.begin() + static_cast<std::ptrdiff_t>(queues),
                    state.begin() + static_cast<std::ptrdiff_t>(64 * kib));
        return state;
    }
    void expect_alive(Endpoint &to) {
        from_->guest.move_to(to.machine);
        to.migration.set(State::running);
        from_->guest.verify(from_->guest.queue(), Lba{0}, 1);
        from_->guest.write_and_verify(from_->guest.queue(), Lba{24}, 100);
    }

  private:
    std::optional<Source> from_;
    std::string before_;
};

TEST_P(PreCopyLoad, EveryShape) {
    const Stream whole = save();
    const auto size = static_cast<std::int64_t>(whole.state().size());
    Endpoint to = endpoint(1);
    for (const Passes &passes :
         {Passes{}, Passes{.again = 0}, Passes{.again = 6, .all_differ = false},
          Passes{.piece = 3 * 4096}, Passes{.piece = 1 << 20},
          Passes{.granule = 65536, .piece = 65536}, Passes{.granule = 1 << 20, .piece = 1 << 20},
          Passes{.first_more = 4}, Passes{.first_more = -4}, Passes{.first_more = 5 * 4096 + 8},
          Passes{.piece = 8192, .first_more = -5 * 4096, .all_differ = false},
          Passes{.first_more = 4 - size}}) {
        const Stream stream = in_passes(whole, passes);
        EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0))
            << "granule " << passes.granule << ", pieces of " << passes.piece << ", "
            << passes.first_more << " bytes more at first";
        EXPECT_EQ(difference(truth(to), whole.state()), "");
        reset(to);
    }
    EXPECT_EQ(errno_name(load_error(to, in_passes(whole).encode())), errno_name(0));
    expect_alive(to);
}

TEST_P(PreCopyLoad, WritesOfAnySize) {
    const Stream whole = save(12 * kib);
    const Bytes bytes = in_passes(whole, {.again = 2}).encode();
    Endpoint to = endpoint(1);
    for (const std::size_t chunk : {1UL, 7UL, 33UL, 4095UL, 100001UL}) {
        EXPECT_EQ(errno_name(load_error(to, bytes, chunk)), errno_name(0)) << chunk;
        EXPECT_EQ(difference(truth(to), whole.state()), "") << chunk;
        reset(to);
    }
    EXPECT_EQ(errno_name(load_error(to, bytes)), errno_name(0));
    expect_alive(to);
}

TEST_P(PreCopyLoad, NonblockingWriterWithPollIsTaken) {
    const Stream whole = save();
    const Bytes bytes = in_passes(whole).encode();
    Endpoint to = endpoint(1);
    migration::DataFile file = to.migration.set_with_file(State::resuming);
    ASSERT_EQ(::fcntl(file.fd(), F_SETFL, O_NONBLOCK), 0);
    for (ByteView left = bytes; !left.empty();) {
        std::size_t n = 0;
        const int error = error_of([&] { n = file.write_some(left); });
        ASSERT_TRUE(error == 0 || error == EAGAIN) << errno_name(error);
        left = left.subspan(n);
        pollfd waiting{.fd = file.fd(), .events = POLLOUT, .revents = 0};
        ASSERT_EQ(::poll(&waiting, 1, 10000), 1) << "poll must not wait for ever";
        ASSERT_TRUE(waiting.revents & POLLOUT);
    }
    to.migration.set(State::stop);
    EXPECT_EQ(difference(truth(to), whole.state()), "");
}

TEST_P(PreCopyLoad, NothingIsAppliedBeforeTheEnd) {
    const Stream whole = save();
    const Bytes bytes = in_passes(whole).encode();
    Endpoint to = endpoint(1);
    migration::DataFile file = to.migration.set_with_file(State::resuming);
    vfio::Bar bar = to.machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096);
    bar.write<std::uint64_t>(nvme::reg::asq, 0xabc000); // a reset leaves it as it was
    const Bytes before = truth(to);
    file.write_all(ByteView{bytes}.first(bytes.size() - 1));
    EXPECT_EQ(bar.read<std::uint32_t>(nvme::reg::cc) & nvme::cc_enable, 0U);
    EXPECT_EQ(bar.read<std::uint64_t>(nvme::reg::asq), 0xabc000U);
    EXPECT_EQ(difference(truth(to), before), "");
    file.write_all(ByteView{bytes}.last(1));
    EXPECT_EQ(difference(truth(to), before), "") << "nor before RESUMING is left";
    to.migration.set(State::stop);
    EXPECT_EQ(difference(truth(to), whole.state()), "");
}

TEST_P(PreCopyLoad, ShortAfterThousandsOfPieces) {
    Stream stream = in_passes(save(3 * mib), {.again = 6});
    ASSERT_GT(stream.of_type(NVME_LM_REC_STATE).size(), 2500U);
    const Bytes bytes = stream.encode();
    Endpoint to = endpoint(1);
    const Bytes before = contents(to);
    EXPECT_EQ(errno_name(load_error(to, ByteView{bytes}.first(bytes.size() - 90))), "ENODATA");
    EXPECT_EQ(difference(contents(to), before), "");
    reset(to);
    EXPECT_EQ(errno_name(load_error(to, bytes)), errno_name(0));
    expect_alive(to);
}

TEST_P(PreCopyLoad, AbandonedInTheMiddleThenDoneRight) {
    const Bytes bytes = in_passes(save()).encode();
    Endpoint to = endpoint(1);
    for (const std::size_t part : {600UL, 5000UL, bytes.size() / 2, bytes.size() - 1}) {
        migration::DataFile file = to.migration.set_with_file(State::resuming);
        file.write_all(ByteView{bytes}.first(part));
        reset(to);
        EXPECT_NE(error_of([&] { file.write_some(ByteView{bytes}.subspan(part)); }), 0);
    }
    EXPECT_EQ(errno_name(load_error(to, bytes)), errno_name(0));
    expect_alive(to);
}

TEST_P(PreCopyLoad, StreamWithoutPassesIsTakenAsEver) {
    const Stream whole = save();
    Endpoint to = endpoint(1);
    EXPECT_EQ(errno_name(load_error(to, with_pieces(whole, 10000).encode())), errno_name(0));
    EXPECT_EQ(difference(truth(to), whole.state()), "");
    expect_alive(to);
}

TEST_P(PreCopyLoad, EveryBadStreamIsRefusedAndChangesNothing) {
    const Stream whole = save(30 * kib);
    Endpoint to = endpoint(1);
    const Bytes before = contents(to);
    vfio::Bar bar = to.machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096);
    for (const BadStream &bad : bad_passes()) {
        SCOPED_TRACE(bad.name);
        EXPECT_EQ(errno_name(load_error(to, bad.make(whole))), errno_name(bad.error));
        EXPECT_EQ(difference(contents(to), before), "");
        EXPECT_NE(error_of([&] { to.migration.set(State::running); }), 0)
            << "a function must not run with a bad state";
        EXPECT_EQ(bar.read<std::uint32_t>(nvme::reg::cc) & nvme::cc_enable, 0U);
        reset(to);
        EXPECT_EQ(difference(contents(to), before), "");
    }
    EXPECT_EQ(errno_name(load_error(to, in_passes(whole).encode())), errno_name(0));
    expect_alive(to);
}

TEST_P(PreCopyLoad, BadStreamsOfTheOtherFormAreRefusedAsEver) {
    const Stream whole = with_pieces(save(30 * kib), 5000);
    Endpoint to = endpoint(1);
    const Bytes before = contents(to);
    for (const BadStream &bad : bad_streams()) {
        SCOPED_TRACE(bad.name);
        EXPECT_EQ(errno_name(load_error(to, bad.make(whole))), errno_name(bad.error));
        reset(to);
        EXPECT_EQ(difference(contents(to), before), "");
    }
}

INSTANTIATE_TEST_SUITE_P(Ways, PreCopyLoad, testing::Values(Taking::assembled, Taking::streamed),
                         [](const auto &info) {
                             return std::string{info.param == Taking::streamed ? "Streamed"
                                                                               : "Assembled"};
                         });

} // namespace lm::test
