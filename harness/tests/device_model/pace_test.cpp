// SPDX-License-Identifier: GPL-2.0-only
/// Commands that take their time: boot with hmlm-bandwidth=32M,
/// hmlm-latency=5000, hmlm-mem-size=3M and hmlm-mem-rate=0.
#include "device_model/fixture.hpp"

#include <thread>

namespace lm::test {

using namespace nvme::status;
using std::chrono::microseconds;

class DevicePace : public DeviceModel {
  protected:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t piece_size = 64 * 1024;
    static constexpr unsigned pieces = 32;
    static constexpr microseconds latency{5000};
    static constexpr microseconds transfer{1'000'000 * piece_size / (32U << 20)};

    template <typename Work> static microseconds time(Work work) {
        const auto start = Clock::now();
        work();
        return std::chrono::duration_cast<microseconds>(Clock::now() - start);
    }

    static void read_pieces(Machine &vf, unsigned count) {
        Bytes data(piece_size);
        const nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{piece_size}, piece_size);
        for (unsigned i = 0; i < count; ++i)
            pf().require(nvme::get_controller_state(piece), data);
    }
    static void read_by_threads(Machine &vf, unsigned threads) {
        std::vector<std::jthread> running;
        for (unsigned i = 0; i < threads; ++i)
            running.emplace_back([&, threads] { read_pieces(vf, pieces / threads); });
    }
};

TEST_F(DevicePace, OneAtATimeTakesTransferAndLatency) {
    Machine &vf = open(0);
    boot(vf);
    EXPECT_GE(time([&] { read_pieces(vf, pieces); }), pieces * (transfer + latency));
}

TEST_F(DevicePace, InFlightTheyShareTheBandwidth) {
    Machine &vf = open(0);
    boot(vf);
    EXPECT_GE(time([&] { read_by_threads(vf, 8); }), pieces * transfer);
}

TEST_F(DevicePace, InFlightTheirLatenciesOverlap) {
    Machine &vf = open(0);
    boot(vf);
    const microseconds one = time([&] { read_pieces(vf, pieces); });
    const microseconds eight = time([&] { read_by_threads(vf, 8); });
    EXPECT_LT(2 * eight, one) << "all of it but the latency would be a third";
}

TEST_F(DevicePace, FunctionsShareTheBandwidth) {
    Machine &a = open(0);
    Machine &b = open(1);
    const microseconds both = time([&] {
        const std::jthread one{[&] { read_by_threads(a, 4); }};
        const std::jthread two{[&] { read_by_threads(b, 4); }};
    });
    EXPECT_GE(both, 2 * pieces * transfer);
}

TEST_F(DevicePace, SettingTakesItsTimeToo) {
    Machine &vf = open(0);
    suspend(vf);
    const Bytes data(piece_size);
    const nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{0}, piece_size);
    const microseconds taken = time([&] {
        for (unsigned i = 0; i < pieces; ++i)
            ASSERT_EQ(pf().set_state(piece, nvme::Sequence::first, data).status, success);
    });
    EXPECT_GE(taken, pieces * (transfer + latency));
    // ends the suspension too; a Resume would be refused with a state that is half there
    vf.device().reset();
}

TEST_F(DevicePace, OtherCommandsDoNotWait) {
    Machine &vf = open(0);
    microseconds best = latency;
    const std::jthread reader{[&] { read_by_threads(vf, 8); }};
    for (unsigned i = 0; i < 20; ++i)
        best = std::min(best, time([&] { (void)pf().identify(nvme::Cns::controller); }));
    EXPECT_LT(best, latency);
}

TEST_F(DevicePace, RefusedCommandsDoNotWait) {
    Machine &vf = open(0);
    Bytes data(64);
    const nvme::Sqe sqe =
        nvme::get_controller_state(pf().piece(vf.cntlid(), ByteOffset{1U << 30}, data.size()));
    microseconds best = latency;
    for (unsigned i = 0; i < 20; ++i)
        best =
            std::min(best, time([&] { EXPECT_EQ(pf().submit(sqe, data).status, invalid_field); }));
    EXPECT_LT(best, latency);
}

TEST_F(DevicePace, ResetOfTheFunctionDoesNotLoseCommands) {
    Machine &vf = open(0);
    boot(vf);
    const std::jthread reader{[&] { read_by_threads(vf, 8); }};
    for (unsigned i = 0; i < 5; ++i)
        vf.device().reset();
}

} // namespace lm::test
