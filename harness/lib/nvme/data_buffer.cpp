// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/data_buffer.hpp"

#include <stdexcept>

namespace lm::nvme {

namespace {
constexpr std::size_t page = 4096;
constexpr std::size_t list_entries = page / sizeof(std::uint64_t);

/// A word that depends on every bit of seed and position (the splitmix64 mixer's shape).
constexpr std::uint64_t pattern(std::uint64_t seed, std::uint64_t position) {
    std::uint64_t x = seed * 0x9e3779b97f4a7c15ULL + position;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}
} // namespace

DataBuffer::DataBuffer(const std::shared_ptr<iommu::AddressSpace> &space, std::size_t size)
    : data_{space, size} {
    const std::size_t pages = data_.size() / page;
    if (pages - 1 > list_entries)
        throw std::length_error{"a data buffer is at most 2 MiB: it has one page of PRPs"};
    if (pages <= 2)
        return;
    list_.emplace(space, page);
    for (std::size_t i = 1; i < pages; ++i)
        list_->at<std::uint64_t>(i - 1) = (data_.iova() + i * page).value;
}

void DataBuffer::describe(Sqe &sqe, std::size_t size) const {
    if (size > data_.size())
        throw std::length_error{"more data was asked for than the buffer has"};
    sqe.prp1 = data_.iova().value;
    if (size > 2 * page)
        sqe.prp2 = list_->iova().value;
    else if (size > page)
        sqe.prp2 = (data_.iova() + page).value;
}

void DataBuffer::fill(std::uint64_t seed, std::size_t size) const {
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t))
        store<std::uint64_t>(bytes(), at, pattern(seed, at));
}

std::optional<std::size_t> DataBuffer::mismatch(std::uint64_t seed, std::size_t size) const {
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t))
        if (load<std::uint64_t>(bytes(), at) != pattern(seed, at))
            return at;
    return std::nullopt;
}

} // namespace lm::nvme
