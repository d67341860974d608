// SPDX-License-Identifier: GPL-2.0-only
/// The registers by which a function is controlled are not for its user: boot with the
/// profile kinds, and use the PF whose functions have a control page (--no-lm).
#include "kinds/bar_paths.hpp"
#include "migration/fixture.hpp"
#include "rig/modules.hpp"
#include "util/deadline.hpp"

#include <sys/eventfd.h>

namespace lm::test {

/// Of the data sheet: the last 4096 bytes of BAR 0.
namespace page {
constexpr std::uint64_t bytes = 4096;
constexpr std::uint64_t id = 0x00;
constexpr std::uint64_t command = 0x0c;
constexpr std::uint64_t status = 0x10;
constexpr std::uint64_t size = 0x14;
constexpr std::uint64_t window = 0x800;
constexpr std::uint32_t id_value = 0x5043484e;
constexpr std::uint32_t stop = 1;
constexpr std::uint32_t go = 2;
constexpr std::uint32_t stopped = 2;
} // namespace page

class HiddenPage : public MigrationTest {
  protected:
    void SetUp() override { use(open(0)); }

    void use(Machine &machine) {
        machine_ = &machine;
        bar_.emplace(machine.device());
        hidden_ = {bar_->size() - page::bytes, page::bytes};
    }

    Machine &machine() { return *machine_; }
    [[nodiscard]] const BarPaths &bar() const { return *bar_; }
    [[nodiscard]] const Part &hidden() const { return hidden_; }
    /// Where a register of the page is in the BAR.
    [[nodiscard]] std::uint64_t at(std::uint64_t reg) const { return hidden_.offset + reg; }
    [[nodiscard]] Part before() const { return {hidden_.offset - page::bytes, page::bytes}; }

    [[nodiscard]] std::uint32_t read_register(std::uint64_t reg) const {
        Bytes bytes(4);
        bar().read_all(at(reg), bytes);
        return load<std::uint32_t>(bytes, 0);
    }
    void write_register(std::uint64_t reg, std::uint32_t value) const {
        bar().write_all(at(reg), bytes_of(value));
    }
    /// What mmap(), ioeventfds and DMA-bufs are tried with: parts that lie in the
    /// hidden one, begin before it, end in it, or have it inside.
    [[nodiscard]] std::vector<Part> forbidden() const {
        return {hidden(),
                {before().offset, 2 * page::bytes},
                {0, bar().size()},
                {page::bytes, bar().size() - page::bytes}};
    }

  private:
    Machine *machine_ = nullptr;
    std::optional<BarPaths> bar_;
    Part hidden_{};
};

TEST_F(HiddenPage, ReadsAsZeros) {
    Bytes whole(page::bytes, std::byte{0xaa});
    bar().read_all(hidden().offset, whole);
    EXPECT_TRUE(all_zero(whole));
    for (std::size_t width : {1UL, 2UL, 3UL, 4UL, 8UL, 16UL})
        for (std::uint64_t reg :
             {page::id, page::id + 1, page::status, page::window, page::bytes - 16}) {
            Bytes some(width, std::byte{0xaa});
            EXPECT_EQ(bar().read(at(reg), some), static_cast<ssize_t>(width)) << reg;
            EXPECT_TRUE(all_zero(some)) << width << " bytes at " << reg;
        }
    Bytes scattered(64, std::byte{0xaa});
    EXPECT_GT(bar().read_scattered(at(0), scattered), 0);
    EXPECT_TRUE(all_zero(ByteView{scattered}.first(32)));
}

TEST_F(HiddenPage, ReadsThatBeginBeforeItStopThere) {
    for (std::size_t width : {8UL, 16UL, 64UL, 8192UL}) {
        Bytes some(width, std::byte{0xaa});
        const std::size_t outside = width / 2;
        bar().read_all(hidden().offset - outside, some);
        EXPECT_TRUE(all_zero(ByteView{some}.subspan(outside))) << width;
    }
    Bytes beyond(8);
    EXPECT_LE(bar().read(bar().size() - 4, beyond), 4) << "the BAR ends there";
    EXPECT_LT(bar().read(bar().size(), beyond), 0);
}

TEST_F(HiddenPage, WritesAreIgnored) {
    Guest &guest = boot(machine());
    const Bytes stop_everywhere = [] {
        Bytes bytes(page::bytes);
        for (std::size_t i = 0; i < bytes.size(); i += 4)
            store<std::uint32_t>(bytes, i, page::stop);
        return bytes;
    }();
    const std::uint32_t stop = page::stop;
    const std::uint64_t wide = page::stop | std::uint64_t{page::stop} << 32;
    EXPECT_EQ(bar().write(at(page::command), bytes_of(stop)), 4);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
    EXPECT_EQ(bar().write(at(page::command - 4), bytes_of(wide)), 8);
    guest.write_and_verify(guest.queue(), Lba{0}, 2);
    EXPECT_GT(bar().write_gathered(at(page::command - 4), bytes_of(wide)), 0);
    guest.write_and_verify(guest.queue(), Lba{0}, 3);
    bar().write_all(hidden().offset, stop_everywhere);
    guest.write_and_verify(guest.queue(), Lba{0}, 4);
}

TEST_F(HiddenPage, WritesThatBeginBeforeItStopThere) {
    Guest &guest = boot(machine());
    Bytes bytes(64);
    store<std::uint32_t>(bytes, 32 + page::command, page::stop);
    bar().write_all(hidden().offset - 32, bytes);
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(HiddenPage, CannotBeMapped) {
    for (const Part &part : forbidden())
        for (int protection : {PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE})
            for (int flags : {MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE})
                EXPECT_EQ(errno_name(bar().map_error(part, protection, flags)), "EINVAL")
                    << part.offset << "+" << part.size;
    EXPECT_NE(bar().map_error({bar().size(), page::bytes}), 0);
}

TEST_F(HiddenPage, MappingDoesNotGrowIntoIt) {
    EXPECT_EQ(errno_name(bar().map_error(before())), errno_name(0));
    EXPECT_EQ(errno_name(bar().grow_error(before(), 2 * page::bytes)), "EFAULT");
    EXPECT_NE(bar().remap_error(before(), hidden()), 0);
}

TEST_F(HiddenPage, RegionInfoTellsOfTheRest) {
    EXPECT_EQ(bar().flags() & (VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_READ),
              std::uint32_t{VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_READ});
    const auto areas = bar().areas();
    ASSERT_TRUE(areas.has_value()) << "a user that knows of no areas maps all of it";
    std::uint64_t covered = 0;
    for (const Part &area : *areas) {
        EXPECT_FALSE(area.meets(hidden())) << area.offset << "+" << area.size;
        EXPECT_LE(area.end(), bar().size());
        covered += area.size;
        EXPECT_EQ(errno_name(bar().map_error(area)), errno_name(0));
    }
    EXPECT_EQ(covered, bar().size() - page::bytes);
}

TEST_F(HiddenPage, RegionInfoWithoutRoomTellsHowMuchItWants) {
    const Bytes small = bar().info(sizeof(vfio_region_info));
    const auto wanted = load<std::uint32_t>(small, offsetof(vfio_region_info, argsz));
    EXPECT_TRUE(load<std::uint32_t>(small, offsetof(vfio_region_info, flags)) &
                VFIO_REGION_INFO_FLAG_CAPS);
    EXPECT_EQ(load<std::uint32_t>(small, offsetof(vfio_region_info, cap_offset)), 0U);
    ASSERT_GT(wanted, sizeof(vfio_region_info));
    EXPECT_NE(load<std::uint32_t>(bar().info(wanted), offsetof(vfio_region_info, cap_offset)), 0U);
}

TEST_F(HiddenPage, TheRestIsThatOfTheFunction) {
    const Mapping registers = bar().map({0, page::bytes});
    Bytes same(4);
    bar().read_all(nvme::reg::vs, same);
    EXPECT_NE(load<std::uint32_t>(same, 0), 0U);
    EXPECT_EQ(*reinterpret_cast<volatile std::uint32_t *>(registers.data() + nvme::reg::vs),
              load<std::uint32_t>(same, 0));
}

TEST_F(HiddenPage, NoIoeventfdWritesToIt) {
    const UniqueFd event{check(::eventfd(0, EFD_CLOEXEC), "eventfd")};
    Guest &guest = boot(machine());
    for (unsigned width : {1U, 2U, 4U, 8U})
        for (std::uint64_t reg : {page::command, page::command & ~std::uint64_t{7}, page::window})
            EXPECT_NE(bar().ioeventfd_error(at(reg), width, page::stop, event.get()), 0);
    const std::uint64_t once = 1;
    check(::write(event.get(), &once, sizeof(once)), "write of an eventfd");
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
}

TEST_F(HiddenPage, NoDmaBufHasIt) {
    if (!bar().has_dma_buf())
        GTEST_SKIP() << "this kernel exports no DMA-bufs of BARs";
    ASSERT_EQ(errno_name(bar().dma_buf_error({before()})), errno_name(0));
    for (const Part &part : forbidden()) {
        EXPECT_EQ(errno_name(bar().dma_buf_error({part})), "EINVAL");
        EXPECT_EQ(errno_name(bar().dma_buf_error({before(), part})), "EINVAL");
        EXPECT_EQ(errno_name(bar().dma_buf_error({part, before()})), "EINVAL");
    }
    // an end beyond 64 bits, and a range without bytes
    EXPECT_NE(bar().dma_buf_error({{page::bytes, ~std::uint64_t{0} - 2 * page::bytes + 1}}), 0);
    EXPECT_NE(bar().dma_buf_error({{~std::uint64_t{0} - page::bytes + 1, page::bytes}}), 0);
    EXPECT_NE(bar().dma_buf_error({{hidden().offset, 0}}), 0);
}

TEST_F(HiddenPage, NoOtherRegionLeadsThere) {
    for (std::uint32_t index = VFIO_PCI_BAR1_REGION_INDEX; index < VFIO_PCI_CONFIG_REGION_INDEX;
         ++index) {
        const auto where = static_cast<off_t>(std::uint64_t{index} << 40 | hidden().offset);
        std::uint32_t value = 0;
        const ssize_t n = ::pread(machine().device().fd(), &value, sizeof(value), where);
        EXPECT_TRUE(n < 0 || value != page::id_value) << "region " << index;
    }
}

TEST_F(HiddenPage, StaysHiddenWhileTheDriverUsesIt) {
    boot(machine());
    migration::Migration migration{machine().device()};
    migration::DataFile file = migration.set_with_file(State::stop_copy);
    EXPECT_GT(file.read_all().size(), 0U);
    Bytes whole(page::bytes, std::byte{0xaa});
    bar().read_all(hidden().offset, whole);
    EXPECT_TRUE(all_zero(whole)) << "the state of the function is in the window";
    write_register(page::command, page::go);
    EXPECT_EQ(migration.state(), State::stop_copy);
    file = migration::DataFile{UniqueFd{}};
    migration.set(State::stop);
    EXPECT_GT(migration.save().size(), 0U) << "it was not let go";
}

/// What all of these would do without the driver: that shows that they look at the
/// right place.
class HiddenPagePlain : public HiddenPage {
  protected:
    void SetUp() override { give_to("vfio-pci"); }
    void TearDown() override {
        close(machine());
        give_to(rig::variant_driver, false);
    }

  private:
    void give_to(const std::string &driver, bool open_it = true) {
        pci::bind(the_rig().function(0).address, driver);
        the_rig().reconnect();
        if (open_it)
            use(open(0));
    }
};

TEST_F(HiddenPagePlain, IsReachedByEveryPath) {
    EXPECT_EQ(read_register(page::id), page::id_value);
    EXPECT_EQ(bar().map_error(hidden()), 0);
    EXPECT_EQ(bar().map_error({0, bar().size()}), 0);
    write_register(page::size, 64);
    EXPECT_EQ(read_register(page::size), 64U);
    write_register(page::command, page::stop);
    wait_until([&] { return read_register(page::status) == page::stopped; }, "the stop");
    write_register(page::command, page::go);
    const UniqueFd event{check(::eventfd(0, EFD_CLOEXEC), "eventfd")};
    ASSERT_EQ(bar().ioeventfd_error(at(page::command), 4, page::stop, event.get()), 0);
    const std::uint64_t once = 1;
    check(::write(event.get(), &once, sizeof(once)), "write of an eventfd");
    wait_until([&] { return read_register(page::status) == page::stopped; }, "the ioeventfd");
    if (bar().has_dma_buf()) {
        EXPECT_EQ(bar().dma_buf_error({hidden()}), 0);
    }
}

} // namespace lm::test
