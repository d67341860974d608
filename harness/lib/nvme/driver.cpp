// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/driver.hpp"

#include "nvme/passthrough.hpp"

#include <fmt/format.h>

namespace lm::nvme {

namespace {
constexpr std::size_t largest_stride_window = 0x4000;

/// The part of BAR 0 that holds registers and doorbells, as far as there is one.
std::size_t window_size(const vfio::Device &device) {
    const std::size_t bar = device.region(VFIO_PCI_BAR0_REGION_INDEX).size;
    return std::min(bar, largest_stride_window);
}
} // namespace

Driver::Driver(std::shared_ptr<iommu::AddressSpace> space, std::uint16_t admin_entries)
    : space_{std::move(space)},
      admin_{space_, {.sq_entries = admin_entries, .cq_entries = admin_entries}} {}

void Driver::plug(vfio::Device &device) {
    device_ = &device;
    bar_.emplace(device.map_bar(VFIO_PCI_BAR0_REGION_INDEX, window_size(device)));
    const auto cap = bar_->read<std::uint64_t>(reg::cap);
    stride_ = std::size_t{4} << (cap >> 32 & 0xf);
}

void Driver::unplug() {
    bar_.reset();
    device_ = nullptr;
}

void Driver::wait_ready(bool ready) {
    wait_until(
        [&] {
            const auto csts = read_register<std::uint32_t>(reg::csts);
            if (csts & csts_fatal)
                throw std::runtime_error{fmt::format(
                    "the controller is in a fatal state, CSTS {:#x}; is it online?", csts)};
            return ((csts & csts_ready) != 0) == ready;
        },
        ready ? "CSTS.RDY to become 1" : "CSTS.RDY to become 0");
}

void Driver::disable() {
    write_register<std::uint32_t>(reg::cc, 0);
    wait_until([&] { return !(read_register<std::uint32_t>(reg::csts) & csts_ready); },
               "CSTS.RDY to become 0");
    pairs_.clear();
    kept_.clear();
    admin_.reset();
}

void Driver::bring_up() {
    disable();
    const std::uint32_t entries = admin_.options().sq_entries - 1U;
    write_register<std::uint32_t>(reg::aqa, entries << 16 | entries);
    write_register<std::uint64_t>(reg::asq, admin_.sq_iova().value);
    write_register<std::uint64_t>(reg::acq, admin_.cq_iova().value);
    write_register<std::uint32_t>(reg::cc, cc_defaults | cc_enable);
    wait_ready(true);
}

void Driver::write_sq_doorbell(QueueId id, std::uint32_t value) {
    bar_->write<std::uint32_t>(reg::doorbells + 2 * id.value * stride_, value);
}

Cid Driver::submit(QueuePair &queue, const Sqe &sqe) {
    const Cid cid = queue.push(sqe);
    ring(queue);
    return cid;
}

void Driver::ring(QueuePair &queue) {
    queue.ring_submission(*bar_, stride_);
}

std::size_t Driver::reap(QueuePair &queue) {
    std::size_t count = 0;
    while (std::optional<Cqe> cqe = queue.take()) {
        kept_.emplace(std::pair{queue.id(), Cid{cqe->cid}}, *cqe);
        ++count;
    }
    if (count)
        queue.ring_completion(*bar_, stride_);
    return count;
}

std::optional<Cqe> Driver::completed(QueuePair &queue, Cid cid) {
    auto found = kept_.find({queue.id(), cid});
    if (found == kept_.end())
        return std::nullopt;
    const Cqe cqe = found->second;
    kept_.erase(found);
    return cqe;
}

Cqe Driver::wait(QueuePair &queue, Cid cid, std::chrono::milliseconds limit) {
    std::optional<Cqe> cqe;
    wait_until(
        [&] {
            reap(queue);
            cqe = completed(queue, cid);
            return cqe.has_value();
        },
        fmt::format("command {:#x} of queue {} to complete", cid.value, queue.id().value), limit);
    return *cqe;
}

Cqe Driver::admin(const Sqe &sqe) {
    return wait(admin_, submit(admin_, sqe));
}

Cqe Driver::admin_require(const Sqe &sqe) {
    const Cqe cqe = admin(sqe);
    if (!cqe.status().ok())
        throw NvmeError{sqe, cqe.status()};
    return cqe;
}

Cqe Driver::admin_with_data(Sqe sqe, const DataBuffer &data, std::size_t size) {
    data.describe(sqe, size);
    return admin(sqe);
}

QueuePair &Driver::create_io_pair(const QueueOptions &options) {
    auto pair = std::make_unique<QueuePair>(space_, options);
    admin_require(create_cq(options.id, options.cq_entries, pair->cq_iova(), options.vector,
                            options.interrupts));
    admin_require(create_sq(options.id, options.sq_entries, pair->sq_iova(), options.id));
    return *(pairs_[options.id] = std::move(pair));
}

void Driver::delete_io_pair(QueueId id) {
    admin_require(delete_sq(id));
    admin_require(delete_cq(id));
    pairs_.erase(id);
}

NamespaceInfo Driver::identify_namespace(Nsid nsid) {
    DataBuffer data{space_, 4096};
    Sqe sqe = identify(Cns::namespace_nvm, nsid);
    data.describe(sqe, 4096);
    admin_require(sqe);
    const ByteView id = data.bytes();
    const auto format = load<std::uint8_t>(id, 26) & 0xf; // FLBAS
    const auto lbaf = load<std::uint32_t>(id, 128 + 4 * static_cast<std::size_t>(format));
    return {.nsid = nsid,
            .blocks = load<std::uint64_t>(id, 0), // NSZE
            .block_size = 1U << (lbaf >> 16 & 0xff)};
}

Cid Driver::submit_io(QueuePair &queue, Io opcode, const NamespaceInfo &ns, Lba lba,
                      std::uint16_t blocks, const DataBuffer &data) {
    Sqe sqe = nvme::io(opcode, ns.nsid, lba, blocks);
    data.describe(sqe, std::size_t{blocks} * ns.block_size);
    return submit(queue, sqe);
}

Cqe Driver::io(QueuePair &queue, Io opcode, const NamespaceInfo &ns, Lba lba, std::uint16_t blocks,
               const DataBuffer &data) {
    return wait(queue, submit_io(queue, opcode, ns, lba, blocks, data));
}

} // namespace lm::nvme
