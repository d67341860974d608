// SPDX-License-Identifier: GPL-2.0-only
#include "precopy/fixture.hpp"

#include "nvme/churn.hpp"
#include "util/deadline.hpp"

#include <thread>

namespace lm::test {

using migration::PrecopyInfo;
using migration::Record;
using migration::Stream;

std::size_t Saving::some(std::size_t most) {
    const std::size_t have = bytes_.size();
    bytes_.resize(have + most);
    std::size_t n = 0;
    try {
        n = file_.read_some(ByteSpan{bytes_}.subspan(have));
    } catch (...) {
        bytes_.resize(have);
        throw;
    }
    bytes_.resize(have + n);
    return n;
}

std::size_t Saving::pass(std::size_t chunk) {
    const Bytes more = file_.read_pass(chunk);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return more.size();
}

std::size_t Saving::rest(std::size_t chunk) {
    const Bytes more = file_.read_all(chunk);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return more.size();
}

std::vector<CameAs> Saving::pieces() {
    std::size_t left = 0;
    const Stream stream = Stream::parse_so_far(bytes_, left);
    std::vector<CameAs> pieces;
    for (const Record *record : stream.of_type(NVME_LM_REC_STATE))
        pieces.push_back({.offset = record->as<nvme_lm_state_piece>().offset,
                          .bytes = record->payload.size() - sizeof(nvme_lm_state_piece)});
    const std::size_t all = pieces.size();
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(told_));
    told_ = all;
    return pieces;
}

std::size_t Saving::granule() const {
    std::size_t left = 0;
    const Stream stream = Stream::parse_so_far(bytes_, left);
    return stream.records[stream.find(NVME_LM_REC_PRECOPY)].as<nvme_lm_precopy>().granule;
}

void PreCopy::SetUp() {
    Endpoint vf = endpoint(0);
    const bool offered = has(vf.migration, State::pre_copy);
    const nvme::Sqe nothing = nvme::touch_memory(vf.machine.cntlid(), 0, 0);
    const bool churn = pf().submit(nothing).status.ok();
    close(vf.machine);
    if (!offered && !(promised_flags & VFIO_MIGRATION_PRE_COPY))
        GTEST_SKIP() << "the driver does not offer PRE_COPY yet";
    ASSERT_TRUE(offered) << "the README promises PRE_COPY";
    ASSERT_TRUE(churn) << "boot with the PF properties hmlm-mem-size=3M, hmlm-mem-max=8M, "
                          "hmlm-mem-rate=0, hmlm-churn=on";
}

PreCopy::Source PreCopy::source(std::uint64_t memory) {
    Endpoint end = endpoint(0);
    Guest &guest = boot(end.machine);
    resize(end, memory);
    guest.write(guest.queue(), Lba{0}, 1);
    return {end, guest};
}

void PreCopy::touch(const Endpoint &end, std::uint32_t first, std::uint32_t count,
                    std::uint32_t stride) {
    pf().require(nvme::touch_memory(end.machine.cntlid(), first, count, stride));
}

void PreCopy::resize(const Endpoint &end, std::uint64_t bytes) {
    pf().require(nvme::resize_memory(end.machine.cntlid(), bytes));
}

std::uint64_t PreCopy::restless_bytes(const Source &from, const Saving &saving) {
    const Bytes before = truth(from.end);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    const std::size_t record = sizeof(nvme_lm_record) + sizeof(nvme_lm_state_piece);
    return changed_granules(before, truth(from.end), saving.granule()).size() *
           (saving.granule() + record);
}

PrecopyInfo PreCopy::settle(const Saving &saving, std::uint64_t least) {
    constexpr std::chrono::milliseconds a_while{500};
    auto &file = const_cast<Saving &>(saving).file();
    wait_until([&] { return file.precopy_info().dirty_bytes >= least; },
               std::to_string(least) + " dirty bytes");
    const auto end = std::chrono::steady_clock::now() + a_while;
    while (std::chrono::steady_clock::now() < end) {
        (void)file.precopy_info();
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return file.precopy_info();
}

std::size_t PreCopy::finish(Source &from, Saving &saving) {
    EXPECT_FALSE(from.end.migration.set(State::stop_copy).has_value())
        << "the file of PRE_COPY goes on";
    const std::size_t bytes = saving.rest();
    const Stream stream = Stream::parse(saving.bytes());
    EXPECT_TRUE(stream.has_passes());
    EXPECT_EQ(difference(stream.state(), truth(from.end)), "");
    return bytes;
}

void PreCopy::go_on(Source &from, Saving &saving, Endpoint &to) {
    from.end.migration.set(State::stop);
    to.migration.load(saving.bytes());
    EXPECT_EQ(difference(truth(to), Stream::parse(saving.bytes()).state()), "");
    from.guest.move_to(to.machine);
    to.migration.set(State::running);
    from.guest.verify(from.guest.queue(), Lba{0}, 1);
    from.guest.write_and_verify(from.guest.queue(), Lba{64}, 2);
}

std::set<std::size_t> changed_granules(ByteView before, ByteView after, std::size_t granule) {
    std::set<std::size_t> changed;
    const std::size_t most = std::max(before.size(), after.size());
    for (std::size_t at = 0; at < most; at += granule) {
        const auto part = [&](ByteView bytes) {
            return at < bytes.size() ? bytes.subspan(at, std::min(granule, bytes.size() - at))
                                     : ByteView{};
        };
        if (!std::ranges::equal(part(before), part(after)))
            changed.insert(at / granule);
    }
    return changed;
}

} // namespace lm::test
