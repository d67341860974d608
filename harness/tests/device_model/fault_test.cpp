// SPDX-License-Identifier: GPL-2.0-only
/// Faults on demand: boot with hmlm-faults=on.
#include "device_model/fixture.hpp"
#include "nvme/command.hpp"
#include "nvme/fault.hpp"
#include "util/deadline.hpp"

#include <future>
#include <thread>

namespace lm::test {

using namespace nvme::status;
using nvme::ArmedFault;
using nvme::Fault;
namespace on = nvme::on;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Internal Error, which none of these commands gives by itself.
constexpr nvme::Status internal_error{0, 0x06};

class DeviceFault : public DeviceModel {
  protected:
    ~DeviceFault() override {
        try {
            pf().submit(nvme::disarm_all_faults(true));
        } catch (const std::exception &) {
            ADD_FAILURE() << "the PF is not there any more";
        }
    }

    static constexpr std::byte untouched{0xcc};

    /// Get @size bytes at @offset, into bytes that are not zero before.
    static std::pair<nvme::Completion, Bytes> get(Machine &vf, std::size_t offset,
                                                  std::size_t size) {
        Bytes data(size, untouched);
        const nvme::Completion completion =
            pf().get_state(pf().piece(vf.cntlid(), ByteOffset{offset}, size), data);
        return {completion, data};
    }
    static nvme::Status get_status(Machine &vf) { return get(vf, 0, 64).first.status; }
    static bool is_suspended(Machine &vf) {
        return nvme::was_suspended(static_cast<std::uint32_t>(get(vf, 0, 64).first.result));
    }

    static milliseconds since(std::chrono::steady_clock::time_point start) {
        return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    }
};

TEST_F(DeviceFault, StatusInsteadOfTheCommand) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::suspend, Fault::status(internal_error)};
    EXPECT_EQ(pf().suspend(vf.cntlid()).status, internal_error);
    EXPECT_FALSE(is_suspended(vf));
    EXPECT_EQ(fault.fired(), 1U);
}

TEST_F(DeviceFault, StatusAfterTheCommand) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::suspend, Fault::status_after(internal_error)};
    EXPECT_EQ(pf().suspend(vf.cntlid()).status, internal_error);
    EXPECT_TRUE(is_suspended(vf));
    resume(vf);
}

TEST_F(DeviceFault, CommandThatFailsAnywayKeepsItsStatus) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::resume, Fault::status_after(internal_error)};
    EXPECT_EQ(pf().resume(vf.cntlid()).status, controller_not_suspended);
}

TEST_F(DeviceFault, OnlyTheNth) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::get_state.from(3), Fault::status(internal_error)};
    EXPECT_EQ(get_status(vf), success);
    EXPECT_EQ(get_status(vf), success);
    EXPECT_EQ(get_status(vf), internal_error);
    EXPECT_EQ(get_status(vf), success);
    EXPECT_EQ(fault.matched(), 4U);
    EXPECT_EQ(fault.fired(), 1U);
}

TEST_F(DeviceFault, FromTheNthOn) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::get_state.from(2).for_ever(), Fault::status(internal_error)};
    EXPECT_EQ(get_status(vf), success);
    for (unsigned i = 0; i < 10; ++i)
        EXPECT_EQ(get_status(vf), internal_error);
}

TEST_F(DeviceFault, DisarmedIsGone) {
    Machine &vf = open(0);
    boot(vf);
    {
        const ArmedFault fault{pf(), on::get_state.for_ever(), Fault::status(internal_error)};
        EXPECT_EQ(get_status(vf), internal_error);
    }
    EXPECT_EQ(get_status(vf), success);
}

TEST_F(DeviceFault, OtherSelectionIsLeftAlone) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::resume.for_ever(), Fault::status(internal_error)};
    suspend(vf);
    EXPECT_EQ(fault.matched(), 0U);
    EXPECT_EQ(pf().resume(vf.cntlid()).status, internal_error);
}

TEST_F(DeviceFault, OtherFunctionIsLeftAlone) {
    Machine &a = open(0);
    Machine &b = open(1);
    boot(a);
    boot(b);
    const ArmedFault fault{pf(), on::get_state.of(a.cntlid()).for_ever(),
                           Fault::status(internal_error)};
    EXPECT_EQ(get_status(b), success);
    EXPECT_EQ(get_status(a), internal_error);
}

TEST_F(DeviceFault, Delay) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::get_state, Fault::delay(300)};
    const auto start = std::chrono::steady_clock::now();
    const auto [completion, data] = get(vf, 0, 64);
    EXPECT_EQ(completion.status, success);
    EXPECT_GE(since(start), 300ms);
    EXPECT_EQ(load<std::uint16_t>(data, 0), 0) << "VER of the state";
}

TEST_F(DeviceFault, DelayOfOneHoldsUpNoOther) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::get_state, Fault::delay(1000)};
    const auto start = std::chrono::steady_clock::now();
    const auto slow = std::async(std::launch::async, [&] { return get_status(vf); });
    while (fault.fired() == 0)
        std::this_thread::yield();
    EXPECT_EQ(get_status(vf), success);
    EXPECT_LT(since(start), 1000ms);
}

TEST_F(DeviceFault, HeldCommandCompletesWhenReleased) {
    Machine &vf = open(0);
    boot(vf);
    pf().require(nvme::arm_fault(on::get_state, Fault::hold()));
    auto held = std::async(std::launch::async, [&] { return get_status(vf); });
    EXPECT_EQ(held.wait_for(silence), std::future_status::timeout);
    EXPECT_EQ(get_status(vf), success) << "the next one";
    pf().require(nvme::disarm_all_faults(true));
    EXPECT_EQ(held.get(), aborted_by_request);
}

TEST_F(DeviceFault, HeldAfterItWasCarriedOut) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    pf().require(nvme::arm_fault(on::resume, Fault::hold_after()));
    auto held = std::async(std::launch::async, [&] { return pf().resume(vf.cntlid()).status; });
    EXPECT_EQ(held.wait_for(silence), std::future_status::timeout);
    EXPECT_FALSE(is_suspended(vf));
    pf().require(nvme::disarm_all_faults(true));
    EXPECT_EQ(held.get(), aborted_by_request);
}

TEST_F(DeviceFault, SuspendHeldAfterItWasCarriedOut) {
    Machine &vf = open(0);
    boot(vf);
    pf().require(nvme::arm_fault(on::suspend, Fault::hold_after()));
    auto held = std::async(std::launch::async, [&] { return pf().suspend(vf.cntlid()).status; });
    EXPECT_EQ(held.wait_for(silence), std::future_status::timeout);
    EXPECT_TRUE(is_suspended(vf));
    pf().require(nvme::disarm_all_faults(true));
    EXPECT_EQ(held.get(), aborted_by_request);
    resume(vf);
}

TEST_F(DeviceFault, SuspendThatNeverEndsIsCancelledByResume) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const ArmedFault fault{pf(), on::suspend, Fault::linger(0)};
    auto waiting = std::async(std::launch::async, [&] { return pf().suspend(vf.cntlid()).status; });
    EXPECT_EQ(waiting.wait_for(2 * silence), std::future_status::timeout);
    EXPECT_FALSE(is_suspended(vf));
    EXPECT_EQ(pf().resume(vf.cntlid()).status, success);
    EXPECT_EQ(waiting.get(), aborted_by_request);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
    suspend(vf);
    resume(vf);
}

TEST_F(DeviceFault, SuspendThatTakesLong) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::suspend, Fault::linger(300)};
    const auto start = std::chrono::steady_clock::now();
    suspend(vf);
    EXPECT_GE(since(start), 300ms);
    EXPECT_TRUE(is_suspended(vf));
    resume(vf);
}

TEST_F(DeviceFault, Garbage) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const Bytes good = get(vf, 0, 1024).second;
    const ArmedFault fault{pf(), on::get_state, Fault::garbage()};
    const Bytes bad = get(vf, 0, 1024).second;
    EXPECT_GT(differences(good, bad).size(), 900U);
    EXPECT_EQ(difference(good, get(vf, 0, 1024).second), "") << "the state itself is as it was";
    resume(vf);
}

TEST_F(DeviceFault, GarbageFromAByteOn) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const Bytes good = get(vf, 0, 1024).second;
    const ArmedFault fault{pf(), on::get_state.for_ever(), Fault::garbage(512)};
    const std::vector<std::size_t> bad = differences(good, get(vf, 0, 1024).second);
    ASSERT_FALSE(bad.empty());
    EXPECT_GE(bad.front(), 512U);
    EXPECT_EQ(difference(ByteView{good}.first(256), get(vf, 0, 256).second), "");
    resume(vf);
}

TEST_F(DeviceFault, PokeIsByOffsetInTheState) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const Bytes good = get(vf, 0, 128).second;
    const ArmedFault fault{pf(), on::get_state.for_ever(), Fault::poke(20, 0xabcdef01)};
    Bytes want = good;
    store<std::uint32_t>(want, 20, 0xabcdef01);
    EXPECT_EQ(difference(want, get(vf, 0, 128).second), "");
    EXPECT_EQ(difference(ByteView{want}.subspan(12, 64), get(vf, 12, 64).second), "");
    EXPECT_EQ(difference(ByteView{good}.subspan(64), get(vf, 64, 64).second), "");
    resume(vf);
}

TEST_F(DeviceFault, SizeThatLies) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const std::uint64_t vss = load<std::uint64_t>(get(vf, 0, 48).second, 32);
    const ArmedFault more{pf(), on::get_state.from(2), Fault::add(32, 3)};
    const ArmedFault high{pf(), on::get_state.from(3), Fault::poke(44, 0x80, 1)};
    EXPECT_EQ(load<std::uint64_t>(get(vf, 0, 48).second, 32), vss);
    EXPECT_EQ(load<std::uint64_t>(get(vf, 0, 48).second, 32), vss + 3);
    const Bytes third = get(vf, 0, 48).second;
    EXPECT_EQ(load<std::uint64_t>(third, 32), vss);
    EXPECT_EQ(load<std::uint32_t>(third, 44), 0x80U);
    resume(vf);
}

TEST_F(DeviceFault, ShortDataLeavesTheRest) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const ArmedFault fault{pf(), on::get_state.for_ever(), Fault::short_data(52)};
    const auto [completion, data] = get(vf, 0, 256);
    EXPECT_EQ(completion.status, success);
    EXPECT_NE(data.at(51), untouched);
    EXPECT_TRUE(std::ranges::all_of(ByteView{data}.subspan(52),
                                    [](std::byte b) { return b == untouched; }));
    resume(vf);
}

TEST_F(DeviceFault, NoDataAtAll) {
    Machine &vf = open(0);
    boot(vf);
    const ArmedFault fault{pf(), on::get_state, Fault::short_data(0)};
    const auto [completion, data] = get(vf, 0, 64);
    EXPECT_EQ(completion.status, success);
    EXPECT_EQ(data, Bytes(64, untouched));
}

TEST_F(DeviceFault, SuspendedThatSaysItIsNot) {
    Machine &vf = open(0);
    boot(vf);
    suspend(vf);
    const ArmedFault fault{pf(), on::get_state, Fault::result(0, 1)};
    EXPECT_FALSE(is_suspended(vf));
    EXPECT_TRUE(is_suspended(vf));
    resume(vf);
}

TEST_F(DeviceFault, SecondaryListThatLies) {
    const ArmedFault count{pf(), on::identify_secondaries, Fault::poke(0, 255, 1)};
    const ArmedFault twice{
        pf(), on::identify_secondaries.from(2),
        Fault::poke(64, load<std::uint16_t>(pf().identify(nvme::Cns::primary_controller), 0), 2)};
    EXPECT_EQ(load<std::uint8_t>(pf().identify(nvme::Cns::secondary_controllers), 0), 255);
    const Bytes list = pf().identify(nvme::Cns::secondary_controllers);
    EXPECT_LT(load<std::uint8_t>(list, 0), 255);
    EXPECT_EQ(load<std::uint16_t>(list, 64),
              load<std::uint16_t>(pf().identify(nvme::Cns::primary_controller), 0));
}

TEST_F(DeviceFault, FormatsThatAreNone) {
    const ArmedFault fault{pf(), on::identify_formats, Fault::poke(0, 0, 1)};
    EXPECT_TRUE(pf().state_formats().versions.empty());
    EXPECT_FALSE(pf().state_formats().versions.empty());
}

TEST_F(DeviceFault, IdentifyDataOfTheDeviceItselfIsNotSpoilt) {
    const Bytes good = pf().identify(nvme::Cns::controller);
    {
        const ArmedFault fault{pf(), on::identify_controller.for_ever(), Fault::garbage()};
        EXPECT_NE(pf().identify(nvme::Cns::controller), good);
    }
    EXPECT_EQ(difference(pf().identify(nvme::Cns::controller), good), "");
}

TEST_F(DeviceFault, TrackReportThatDoesNotEnd) {
    Machine &vf = open(0);
    Bytes start(20);
    start.at(4) = std::byte{1};
    store<std::uint32_t>(start, 16, 1);
    nvme::Sqe track{.opcode = static_cast<std::uint8_t>(nvme::Admin::track_send)};
    track.cdw10 = 1U | 1U << 16;
    track.cdw11 = vf.cntlid().value;
    pf().require(track, start);
    const ArmedFault fault{pf(), on::track_receive.for_ever(), Fault::poke(1, 1, 1)};
    nvme::Sqe report{.opcode = static_cast<std::uint8_t>(nvme::Admin::track_receive)};
    report.cdw11 = vf.cntlid().value;
    report.cdw12 = 15;
    for (unsigned i = 0; i < 3; ++i) {
        Bytes data(64);
        pf().require(report, data);
        EXPECT_EQ(load<std::uint8_t>(data, 1) & 1, 1) << "more";
        EXPECT_EQ(load<std::uint32_t>(data, 4), 0U) << "changes";
    }
}

TEST_F(DeviceFault, BadRulesAreRefused) {
    const auto refused = [](const nvme::FaultMatch &match, const Fault &fault) {
        return pf().submit(nvme::arm_fault(match, fault)).status == invalid_field;
    };
    EXPECT_TRUE(refused(on::suspend, {.action = 0}));
    EXPECT_TRUE(refused(on::suspend, {.action = 13}));
    EXPECT_TRUE(refused(on::suspend, Fault::poke(0, 0, 0)));
    EXPECT_TRUE(refused(on::suspend, Fault::poke(0, 0, 5)));
    EXPECT_TRUE(refused({nvme::Admin::async_event_request}, Fault::hold()));
    EXPECT_TRUE(refused({static_cast<nvme::Admin>(0xe8)}, Fault::hold())) << "Arm itself";
    EXPECT_EQ(pf().submit(nvme::disarm_fault(16)).status, invalid_field);
    EXPECT_EQ(pf().submit(nvme::count_fault(16)).status, invalid_field);
    EXPECT_EQ(pf().require(nvme::disarm_all_faults()).result, 0U);
}

TEST_F(DeviceFault, ThereAreSixteenRules) {
    for (unsigned i = 0; i < 16; ++i)
        EXPECT_EQ(pf().require(nvme::arm_fault(on::suspend, Fault::delay(0))).result, i);
    EXPECT_EQ(pf().submit(nvme::arm_fault(on::suspend, Fault::delay(0))).status,
              not_enough_resources);
    pf().require(nvme::disarm_fault(7));
    EXPECT_EQ(pf().require(nvme::arm_fault(on::suspend, Fault::delay(0))).result, 7U);
}

TEST_F(DeviceFault, FunctionCannotArmAny) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const nvme::DataBuffer data = guest.buffer();
    for (const nvme::Sqe &sqe : {nvme::arm_fault(on::suspend, Fault::hold()),
                                 nvme::disarm_all_faults(true), nvme::count_fault(0)})
        EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode);
}

/// Faults that the host's driver finds out, and resets the PF for.
class DeviceFaultOfThePf : public DeviceFault, public testing::WithParamInterface<Fault> {
  protected:
    void TearDown() override { the_rig().recreate(); }

    /// Whether an Identify of this kind comes back, and with success.
    static bool answers(nvme::Cns cns) {
        Bytes data(4096);
        try {
            return pf().submit(nvme::identify(cns), data, 2s).status.ok();
        } catch (const std::exception &) {
            return false;
        }
    }
};

TEST_P(DeviceFaultOfThePf, IsOverAfterAReset) {
    pf().require(nvme::arm_fault(on::identify_formats, GetParam()));
    EXPECT_FALSE(answers(nvme::Cns::controller_state_formats)) << "this one is lost";
    wait_until([] { return answers(nvme::Cns::controller); }, "the PF to be reset by its driver");
}

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceFaultOfThePf,
                         testing::Values(Fault::controller_fatal(), Fault::internal_error(),
                                         Fault::reset_itself()));

} // namespace lm::test
