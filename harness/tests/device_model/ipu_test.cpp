// SPDX-License-Identifier: GPL-2.0-only
/// The vendor command set IPU: use a PF that has hmlm-ipu=on and hmlm=off.
#include "device_model/fixture.hpp"
#include "nvme/ipu.hpp"
#include "pci/config.hpp"

namespace lm::test {

using namespace nvme::status;
namespace ipu = nvme::ipu;

class DeviceIpu : public DeviceModel {
  protected:
    static constexpr std::uint16_t first = 1;
    static constexpr std::uint16_t second = 2;

    static nvme::Status run(const nvme::Sqe &sqe, ByteSpan data = {}) {
        return pf().submit(sqe, data).status;
    }
    static std::size_t size_of(std::uint16_t vf_index) {
        return pf().require(ipu::query_size(vf_index)).result & 0xffffffff;
    }
    /// Suspend and save, as the host does: the size is asked after the suspension.
    static Bytes suspend_and_save(std::uint16_t vf_index) {
        pf().require(ipu::suspend(vf_index));
        Bytes state(size_of(vf_index));
        pf().require(ipu::save(vf_index), state);
        return state;
    }
    static nvme::Status put(std::uint16_t vf_index, Bytes state) {
        return run(ipu::load(vf_index, static_cast<std::uint32_t>(state.size())), state);
    }
    static std::uint32_t csts(Machine &vf) {
        return vf.device()
            .map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096)
            .read<std::uint32_t>(nvme::reg::csts);
    }
};

TEST_F(DeviceIpu, SaysSoInIdentify) {
    const Bytes id = pf().identify(nvme::Cns::controller);
    EXPECT_EQ(load<std::uint8_t>(id, ipu::identify_byte), 1);
    EXPECT_FALSE(pf().has_live_migration());
}

TEST_F(DeviceIpu, FunctionsHaveTheirIds) {
    Machine &vf = open(0);
    EXPECT_EQ(vf.device().config_read<std::uint32_t>(pci::ConfigOffset{0}), 0x14578086U);
}

TEST_F(DeviceIpu, StandardCommandsAreNotThere) {
    Machine &vf = open(0);
    EXPECT_EQ(run(nvme::suspend(vf.cntlid())), invalid_opcode);
    EXPECT_EQ(run(nvme::resume(vf.cntlid())), invalid_opcode);
}

TEST_F(DeviceIpu, MovesAGuest) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a, queue_pairs(2, a, 16, 16, true));
    guest.write(guest.queue(1), Lba{0}, 1);
    guest.write(guest.queue(2), Lba{8}, 2);
    const Bytes state = suspend_and_save(first);
    EXPECT_EQ(state.size() % 4, 0U);
    EXPECT_LE(state.size(), ipu::largest_state);
    pf().require(ipu::suspend(second));
    ASSERT_EQ(put(second, state), success);
    guest.move_to(b);
    pf().require(ipu::resume(second));
    guest.verify(guest.queue(1), Lba{0}, 1);
    guest.verify(guest.queue(2), Lba{8}, 2);
    guest.write_and_verify(guest.queue(1), Lba{16}, 3);
}

TEST_F(DeviceIpu, SaveDisablesTheFunction) {
    Machine &vf = open(0);
    boot(vf);
    EXPECT_EQ(csts(vf) & nvme::csts_ready, nvme::csts_ready);
    (void)suspend_and_save(first);
    EXPECT_EQ(csts(vf) & nvme::csts_ready, 0U);
    EXPECT_EQ(run(ipu::suspend(first)), controller_suspended);
}

TEST_F(DeviceIpu, SavedFunctionGoesOnWithItsStateLoaded) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    guest.write(guest.queue(), Lba{0}, 7);
    ASSERT_EQ(put(first, suspend_and_save(first)), success);
    pf().require(ipu::resume(first));
    guest.verify(guest.queue(), Lba{0}, 7);
}

TEST_F(DeviceIpu, SuspendedFunctionGoesOnWithoutSave) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    pf().require(ipu::suspend(first));
    (void)size_of(first);
    pf().require(ipu::resume(first));
    guest.write_and_verify(guest.queue(), Lba{0}, 7);
}

TEST_F(DeviceIpu, OrderIsKept) {
    Machine &vf = open(0);
    boot(vf);
    Bytes state(size_of(first));
    EXPECT_EQ(run(ipu::save(first), state), controller_not_suspended);
    EXPECT_EQ(run(ipu::resume(first)), controller_not_suspended);
    EXPECT_EQ(put(first, state), controller_not_suspended);
    pf().require(ipu::suspend(first));
    EXPECT_EQ(run(ipu::suspend(first)), controller_suspended);
    EXPECT_EQ(put(first, state), command_sequence_error) << "it is enabled";
    pf().require(ipu::resume(first));
}

TEST_F(DeviceIpu, UnknownIndexIsRefused) {
    Machine &vf = open(0);
    boot(vf);
    Bytes data(4096);
    // the fourth function is possible, but offline
    for (std::uint16_t index : {0, 4, 5, 255, 0xffff}) {
        EXPECT_EQ(run(ipu::query_size(index)), invalid_field) << index;
        EXPECT_EQ(run(ipu::suspend(index)), invalid_field) << index;
        EXPECT_EQ(run(ipu::resume(index)), invalid_field) << index;
        EXPECT_EQ(run(ipu::save(index), data), invalid_field) << index;
        EXPECT_EQ(run(ipu::load(index, 4096), data), invalid_field) << index;
    }
}

TEST_F(DeviceIpu, BadStatesAreRefused) {
    Machine &a = open(0);
    Machine &b = open(1);
    Guest &guest = boot(a);
    guest.write(guest.queue(), Lba{0}, 9);
    const Bytes good = suspend_and_save(first);
    pf().require(ipu::suspend(second));
    const auto shorter = [&](std::size_t by) { return Bytes(good.begin(), good.end() - by); };
    EXPECT_EQ(put(second, shorter(4)), invalid_field);
    Bytes longer = good;
    longer.resize(good.size() + 4);
    EXPECT_EQ(put(second, longer), invalid_field);
    EXPECT_EQ(run(ipu::load(second, ipu::largest_state + 4), longer), invalid_field);
    Bytes bad = good;
    bad.at(good.size() / 2) ^= std::byte{0x40};
    EXPECT_EQ(put(second, bad), invalid_field);
    bad = good;
    EXPECT_EQ(run(ipu::load(second, static_cast<std::uint32_t>(good.size() - 2)), bad),
              invalid_field);
    EXPECT_EQ(run(ipu::load(second, 0)), invalid_field);
    ASSERT_EQ(put(second, good), success);
    guest.move_to(b);
    pf().require(ipu::resume(second));
    guest.verify(guest.queue(), Lba{0}, 9);
}

TEST_F(DeviceIpu, ResetDropsSuspension) {
    Machine &vf = open(0);
    boot(vf);
    pf().require(ipu::suspend(first));
    vf.device().reset();
    EXPECT_EQ(run(ipu::resume(first)), controller_not_suspended);
}

TEST_F(DeviceIpu, FunctionCannotDoItItself) {
    Machine &vf = open(0);
    Guest &guest = boot(vf);
    const nvme::DataBuffer data = guest.buffer();
    for (const nvme::Sqe &sqe : {ipu::query_size(first), ipu::suspend(first), ipu::resume(first),
                                 ipu::save(first), ipu::load(first, 4096)})
        EXPECT_EQ(guest.driver().admin_with_data(sqe, data, 4096).status(), invalid_opcode);
    EXPECT_TRUE(all_zero(data.bytes()));
    guest.write_and_verify(guest.queue(), Lba{0}, 8);
}

} // namespace lm::test
