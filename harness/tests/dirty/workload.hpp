// SPDX-License-Identifier: GPL-2.0-only
/// A guest whose every command says which memory the device writes for it.
#pragma once

#include "dirty/truth.hpp"
#include "support/guest.hpp"

#include <gtest/gtest.h>
#include <utility>

namespace lm::test {

/// Where a buffer is for the device.
inline Iova iova_of(const nvme::DataBuffer &buffer) {
    nvme::Sqe sqe;
    buffer.describe(sqe, 1);
    return Iova{sqe.prp1};
}

/// Runs commands of a guest one by one and keeps the account.
class Workload {
  public:
    explicit Workload(Guest &guest) : guest_{&guest} {}

    /// Memory written since the last call.
    Pages take() { return std::exchange(truth_, Pages{}); }

    /// Read @blocks into the start of @data: its bytes and a completion are written.
    void read(const nvme::DataBuffer &data, Lba lba, std::uint16_t blocks) {
        run(nvme::Io::read, data, lba, blocks);
        truth_.add(iova_of(data), std::uint64_t{blocks} * guest_->disk().block_size);
    }
    /// Read into @pages pages of @data, of which no two are neighbours; @list is a page for their
    /// addresses.
    void read_apart(const nvme::DataBuffer &data, unsigned pages, const nvme::DataBuffer &list) {
        const auto blocks = static_cast<std::uint16_t>(pages * 4096 / guest_->disk().block_size);
        nvme::Sqe sqe = nvme::io(nvme::Io::read, guest_->disk().nsid, Lba{0}, blocks);
        for (unsigned i = 0; i < pages; ++i) {
            const Iova page = iova_of(data) + std::uint64_t{2 * i} * 4096;
            if (i == 0)
                sqe.prp1 = page.value;
            else
                store<std::uint64_t>(list.bytes(), (i - 1) * sizeof(page.value), page.value);
            truth_.add(page, 4096);
        }
        sqe.prp2 = iova_of(list).value;
        nvme::QueuePair &queue = guest_->queue();
        EXPECT_TRUE(
            guest_->driver().wait(queue, guest_->driver().submit(queue, sqe)).status().ok());
        io_completion();
    }
    /// Write @blocks: nothing but a completion is written to memory.
    void write(const nvme::DataBuffer &data, Lba lba, std::uint16_t blocks) {
        run(nvme::Io::write, data, lba, blocks);
    }
    /// Identify: a page and a completion of the admin queue.
    void identify(const nvme::DataBuffer &data) {
        EXPECT_TRUE(guest_->driver()
                        .admin_with_data(nvme::identify(nvme::Cns::controller), data, 4096)
                        .status()
                        .ok());
        truth_.add(iova_of(data), 4096);
        admin_completion();
    }
    /// A command without data.
    void get_feature() {
        EXPECT_TRUE(
            guest_->driver().admin(nvme::get_feature(nvme::Feature::arbitration)).status().ok());
        admin_completion();
    }
    /// The next completion of the admin queue goes to its one page.
    void admin_completion() {
        truth_.add(guest_->driver().admin_queue().cq_iova(), sizeof(nvme::Cqe));
    }
    void io_completion() { truth_.add(guest_->queue().cq_iova(), sizeof(nvme::Cqe)); }

  private:
    void run(nvme::Io opcode, const nvme::DataBuffer &data, Lba lba, std::uint16_t blocks) {
        EXPECT_TRUE(guest_->driver()
                        .io(guest_->queue(), opcode, guest_->disk(), lba, blocks, data)
                        .status()
                        .ok());
        io_completion();
    }

    Guest *guest_;
    Pages truth_;
};

} // namespace lm::test
