// SPDX-License-Identifier: GPL-2.0-only
/// A state of gigabytes, more than there is memory for: run with a PF whose functions
/// have device memory of that size, e.g. hmlm-mem-size=4G, hmlm-mem-rate=0, hmlm-churn=on.
#include "migration/fixture.hpp"
#include "nvme/churn.hpp"
#include "nvme/controller_state.hpp"
#include "rig/kernel_memory.hpp"
#include "util/sysfs.hpp"

#include <fmt/format.h>

namespace lm::test {

class HugeState : public MigrationTest {
  protected:
    static constexpr std::uint64_t mib = std::uint64_t{1} << 20;
    static constexpr std::uint64_t least = std::uint64_t{4} << 30;
    /// Two migrations at a time: that of the source, and that of the destination.
    static constexpr std::uint64_t most_kernel_memory = 2 * 10 * mib;
    static constexpr std::size_t piece = 128 * 1024;
    static constexpr const char *random_write = "/sys/module/nvme_lm/parameters/random_write";

    static std::uint64_t state_bytes(const Endpoint &end) {
        Bytes header(nvme::ControllerState::header_size);
        pf().require(nvme::get_controller_state(
                         pf().piece(end.machine.cntlid(), ByteOffset{0}, header.size())),
                     header);
        return nvme::ControllerState::total_size(header);
    }
    static void touch(const Endpoint &end, std::uint32_t first, std::uint32_t count,
                      std::uint32_t stride) {
        pf().require(nvme::touch_memory(end.machine.cntlid(), first, count, stride));
    }

    /// What is read on the one side is written on the other, and nobody keeps it: to the
    /// end, or the temporary end. The bytes that went.
    std::uint64_t pump(migration::DataFile &from, migration::DataFile &to) {
        Bytes buffer(mib);
        std::uint64_t bytes = 0;
        for (;;) {
            std::size_t n = 0;
            const int error = error_of([&] { n = from.read_some(buffer); });
            if (error == ENOMSG || (!error && n == 0))
                return bytes;
            if (error)
                throw std::system_error{error, std::generic_category(), "read"};
            to.write_all(ByteView{buffer}.first(n));
            bytes += n;
            if (bytes / (64 * mib) != (bytes - n) / (64 * mib))
                peak_ = std::max(peak_, memory_.now() - std::min(memory_.now(), before_));
        }
    }

    /// The device's own word on both, piece by piece.
    static void expect_same(const Endpoint &a, const Endpoint &b) {
        const std::uint64_t size = state_bytes(a);
        ASSERT_EQ(state_bytes(b), size);
        Bytes one(piece), other(piece);
        for (std::uint64_t at = 0; at < size; at += piece) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece, size - at));
            for (auto [end, part] : {std::pair{&a, &one}, std::pair{&b, &other}})
                pf().require(nvme::get_controller_state(
                                 pf().piece(end->machine.cntlid(), ByteOffset{at}, n)),
                             ByteSpan{*part}.first(n));
            ASSERT_TRUE(std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(n),
                                   other.begin()))
                << "they differ at " << at;
        }
    }

    void expect_bounded(std::uint64_t bytes) const {
        fmt::print("{} MiB of stream, at most {} KiB of kernel memory\n", bytes / mib,
                   peak_ / 1024);
        EXPECT_TRUE(memory_.counts()) << "this kernel has no memory cgroups";
        EXPECT_LE(peak_, most_kernel_memory);
    }

    static void expect_alive(Guest &guest, Endpoint &to) {
        guest.move_to(to.machine);
        to.migration.set(State::running);
        guest.verify(guest.queue(), Lba{0}, 1);
        guest.write_and_verify(guest.queue(), Lba{64}, 2);
    }

  private:
    rig::KernelMemory memory_;
    std::uint64_t before_ = memory_.now();
    std::uint64_t peak_ = 0;
};

TEST_F(HugeState, TravelsInBoundedMemory) {
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    Guest &guest = boot(a.machine);
    guest.write(guest.queue(), Lba{0}, 1);
    ASSERT_GT(state_bytes(a), least) << "boot with the PF property hmlm-mem-size=4G";
    touch(a, 5, 1000, 1000);
    {
        migration::DataFile from = a.migration.set_with_file(State::stop_copy);
        migration::DataFile to = b.migration.set_with_file(State::resuming);
        const std::uint64_t bytes = pump(from, to);
        EXPECT_GT(bytes, least);
        expect_bounded(bytes);
    }
    b.migration.set(State::stop);
    expect_same(a, b);
    expect_alive(guest, b);
}

TEST_F(HugeState, TravelsInPasses) {
    const std::string before = sysfs::read(random_write);
    sysfs::write(random_write, "Y");
    Endpoint a = endpoint(0);
    Endpoint b = endpoint(1);
    sysfs::write(random_write, before);
    Guest &guest = boot(a.machine);
    guest.write(guest.queue(), Lba{0}, 1);
    ASSERT_GT(state_bytes(a), least) << "boot with the PF property hmlm-mem-size=4G";
    {
        migration::DataFile from = a.migration.set_with_file(State::pre_copy);
        migration::DataFile to = b.migration.set_with_file(State::resuming);
        std::uint64_t bytes = pump(from, to);
        EXPECT_GT(bytes, least);
        touch(a, 3, 500, 2000);
        a.migration.set(State::stop_copy);
        const std::uint64_t rest = pump(from, to);
        EXPECT_LT(rest, 64 * mib) << "what changed, and no more";
        expect_bounded(bytes + rest);
    }
    b.migration.set(State::stop);
    expect_same(a, b);
    expect_alive(guest, b);
}

} // namespace lm::test
