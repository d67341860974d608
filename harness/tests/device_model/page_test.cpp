// SPDX-License-Identifier: GPL-2.0-only
/// Functions with a control page: use a PF that has hmlm-page=on.
#include "device_model/fixture.hpp"
#include "pci/config.hpp"
#include "util/deadline.hpp"

#include <thread>

namespace lm::test {

/// The registers of the data sheet, through a mapping of the BAR.
class ControlPage {
  public:
    enum Register : std::size_t {
        id = 0x00,
        version = 0x04,
        max_size = 0x08,
        command = 0x0c,
        status = 0x10,
        size = 0x14,
        base = 0x18,
        window = 0x800,
    };
    enum Command : std::uint32_t { stop = 1, go, save, load };
    enum Error : std::uint32_t { none, no_command, wrong_state, too_large, bad_state };

    explicit ControlPage(Machine &machine)
        : bar_{machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX,
                                        machine.device().region(VFIO_PCI_BAR0_REGION_INDEX).size)} {
    }

    [[nodiscard]] std::uint32_t read(std::size_t at) const {
        return bar_.read<std::uint32_t>(bar_.size() - page_size + at);
    }
    void write(std::size_t at, std::uint32_t value) {
        bar_.write<std::uint32_t>(bar_.size() - page_size + at, value);
    }
    [[nodiscard]] bool stopped() const { return read(status) & 2; }
    [[nodiscard]] bool busy() const { return read(status) & 1; }

    /// Run a command to its end.
    Error run(std::uint32_t what) {
        write(command, what);
        wait_until([&] { return !busy(); }, "the control page");
        return static_cast<Error>(read(status) >> 8 & 0xff);
    }
    [[nodiscard]] Bytes buffer() {
        Bytes bytes(read(size));
        for (std::size_t at = 0; at < bytes.size(); at += 4) {
            write(base, static_cast<std::uint32_t>(at / window_size * window_size));
            store<std::uint32_t>(bytes, at, read(window + at % window_size));
        }
        return bytes;
    }
    void set_buffer(ByteView bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += 4) {
            write(base, static_cast<std::uint32_t>(at / window_size * window_size));
            write(window + at % window_size, lm::load<std::uint32_t>(bytes, at));
        }
        write(size, static_cast<std::uint32_t>(bytes.size()));
    }

    static constexpr std::size_t page_size = 4096;
    static constexpr std::size_t window_size = 2048;

  private:
    vfio::Bar bar_;
};

class DevicePage : public DeviceModel {
  protected:
    static Bytes stop_and_save(ControlPage &page) {
        EXPECT_EQ(page.run(ControlPage::stop), ControlPage::none);
        EXPECT_TRUE(page.stopped());
        EXPECT_EQ(page.run(ControlPage::save), ControlPage::none);
        return page.buffer();
    }
};

TEST_F(DevicePage, FunctionsHaveTheirIdAndPage) {
    Machine &vf = open(0);
    EXPECT_EQ(vf.device().config_read<std::uint32_t>(pci::ConfigOffset{0}), 0xfff01b36U);
    const ControlPage page{vf};
    EXPECT_EQ(page.read(ControlPage::id), 0x5043484eU);
    EXPECT_EQ(page.read(ControlPage::version), 1U);
    EXPECT_EQ(page.read(ControlPage::max_size), 65536U);
    EXPECT_EQ(page.read(ControlPage::status), 0U);
    EXPECT_EQ(page.read(ControlPage::size), 0U);
}

TEST_F(DevicePage, PfHasNoCommandsForIt) {
    Machine &vf = open(0);
    EXPECT_FALSE(pf().has_live_migration());
    EXPECT_EQ(pf().suspend(vf.cntlid()).status, nvme::status::invalid_opcode);
}

TEST_F(DevicePage, MovesAGuest) {
    Machine &a = open(0);
    Machine &b = open(1);
    ControlPage from{a};
    ControlPage to{b};
    Guest &guest = boot(a, queue_pairs(2, a, 16, 16, true));
    guest.write(guest.queue(1), Lba{0}, 1);
    guest.write(guest.queue(2), Lba{8}, 2);
    const Bytes state = stop_and_save(from);
    EXPECT_GT(state.size(), 48U);
    EXPECT_EQ(to.run(ControlPage::stop), ControlPage::none);
    to.set_buffer(state);
    ASSERT_EQ(to.run(ControlPage::load), ControlPage::none);
    EXPECT_TRUE(to.stopped());
    guest.move_to(b);
    EXPECT_EQ(to.run(ControlPage::go), ControlPage::none);
    guest.verify(guest.queue(1), Lba{0}, 1);
    guest.verify(guest.queue(2), Lba{8}, 2);
    guest.write_and_verify(guest.queue(1), Lba{16}, 3);
}

TEST_F(DevicePage, StoppedDoesNothingAndGoesOn) {
    Machine &vf = open(0);
    ControlPage page{vf};
    Guest &guest = boot(vf);
    (void)stop_and_save(page);
    const nvme::DataBuffer data = guest.buffer();
    const Cid cid =
        guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{0}, 1, data);
    std::this_thread::sleep_for(silence);
    EXPECT_TRUE(all_zero(data.bytes()));
    EXPECT_EQ(page.run(ControlPage::go), ControlPage::none);
    EXPECT_EQ(guest.driver().wait(guest.queue(), cid).status(), nvme::status::success);
}

TEST_F(DevicePage, SaveMayBeRepeated) {
    Machine &vf = open(0);
    ControlPage page{vf};
    boot(vf);
    const Bytes once = stop_and_save(page);
    EXPECT_EQ(page.run(ControlPage::save), ControlPage::none);
    EXPECT_EQ(difference(once, page.buffer()), "");
}

TEST_F(DevicePage, CommandsInTheWrongStateAreRefused) {
    Machine &vf = open(0);
    ControlPage page{vf};
    Guest &guest = boot(vf);
    EXPECT_EQ(page.run(ControlPage::go), ControlPage::wrong_state);
    EXPECT_EQ(page.run(ControlPage::save), ControlPage::wrong_state);
    EXPECT_EQ(page.run(ControlPage::load), ControlPage::wrong_state);
    for (std::uint32_t command : {0U, 5U, 0x100U, ~0U})
        EXPECT_EQ(page.run(command), ControlPage::no_command) << command;
    EXPECT_EQ(page.run(ControlPage::stop), ControlPage::none);
    EXPECT_EQ(page.run(ControlPage::stop), ControlPage::wrong_state);
    EXPECT_EQ(page.run(ControlPage::load), ControlPage::wrong_state) << "it is enabled";
    EXPECT_TRUE(page.stopped());
    EXPECT_EQ(page.run(ControlPage::go), ControlPage::none);
    guest.write_and_verify(guest.queue(), Lba{0}, 8);
}

TEST_F(DevicePage, BadStatesAreRefused) {
    Machine &a = open(0);
    Machine &b = open(1);
    ControlPage from{a};
    ControlPage to{b};
    Guest &guest = boot(a);
    const Bytes good = stop_and_save(from);
    EXPECT_EQ(to.run(ControlPage::stop), ControlPage::none);
    EXPECT_EQ(to.run(ControlPage::load), ControlPage::bad_state) << "no bytes";
    Bytes bad = good;
    bad.at(good.size() / 2) ^= std::byte{0x40};
    for (const Bytes &state : {Bytes(good.begin(), good.end() - 4), bad, Bytes(65536)}) {
        to.set_buffer(state);
        EXPECT_EQ(to.run(ControlPage::load), ControlPage::bad_state);
    }
    to.set_buffer(good);
    ASSERT_EQ(to.run(ControlPage::load), ControlPage::none);
    guest.move_to(b);
    EXPECT_EQ(to.run(ControlPage::go), ControlPage::none);
    guest.write_and_verify(guest.queue(), Lba{0}, 9);
}

TEST_F(DevicePage, BadSizesAndBasesAreIgnored) {
    Machine &vf = open(0);
    ControlPage page{vf};
    page.write(ControlPage::size, 100);
    for (std::uint32_t size : {1U, 2U, 65540U, ~3U})
        page.write(ControlPage::size, size);
    EXPECT_EQ(page.read(ControlPage::size), 100U);
    page.write(ControlPage::base, 2048);
    for (std::uint32_t base : {4U, 2044U, 65536U, ~2047U})
        page.write(ControlPage::base, base);
    EXPECT_EQ(page.read(ControlPage::base), 2048U);
    for (std::size_t reserved : {0x1cU, 0x20U, 0x7fcU}) {
        page.write(reserved, ~0U);
        EXPECT_EQ(page.read(reserved), 0U) << reserved;
    }
}

TEST_F(DevicePage, ResetClearsItAll) {
    Machine &vf = open(0);
    ControlPage page{vf};
    boot(vf);
    (void)stop_and_save(page);
    vf.device().reset();
    vf.device().enable_bus_master();
    EXPECT_EQ(page.read(ControlPage::status), 0U);
    EXPECT_EQ(page.read(ControlPage::size), 0U);
    EXPECT_EQ(page.read(ControlPage::window), 0U);
}

TEST_F(DevicePage, OneFunctionLeavesTheOther) {
    Machine &a = open(0);
    Machine &b = open(1);
    ControlPage page{a};
    boot(a);
    Guest &other = boot(b);
    (void)stop_and_save(page);
    other.write_and_verify(other.queue(), Lba{0}, 4);
    EXPECT_FALSE(ControlPage{b}.stopped());
}

} // namespace lm::test
