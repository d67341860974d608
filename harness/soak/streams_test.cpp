// SPDX-License-Identifier: GPL-2.0-only
/// Real streams, changed, for the real driver: it never oopses, a controller is never
/// loaded from a bad stream, and the function is usable again.
#include "fuzz/mutator.hpp"
#include "nvme/wire.hpp"
#include "soak/settings.hpp"
#include "soak/world.hpp"
#include "streams/bad_streams.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lm::soak {

using migration::DataFile;
using migration::Record;
using migration::State;
using migration::Stream;

namespace {

/// Every errno that a stream may be refused with, and no other.
bool is_refusal(int error) {
    constexpr std::array refusals{ENOMSG,    EPROTONOSUPPORT, EPROTO,   EILSEQ, EBADMSG,
                                  ENODATA,   EOVERFLOW,       EFBIG,    EXDEV,  EOPNOTSUPP,
                                  ENOMEDIUM, EMEDIUMTYPE,     EREMOTEIO};
    return std::ranges::find(refusals, error) != refusals.end();
}

/// Write in pieces of any size; the number of writes, and the errno that ended them.
struct Written {
    unsigned writes = 0;
    int error = 0;
};

Written write_pieces(DataFile &file, ByteView bytes, Random &random) {
    Written result;
    // at once, or in pieces of about that size
    const std::size_t most = std::array<std::size_t, 3>{0, 1500, 150}[random() % 3];
    while (!bytes.empty()) {
        const std::size_t n =
            most ? std::min<std::size_t>(bytes.size(), 1 + random() % most) : bytes.size();
        ++result.writes;
        try {
            bytes = bytes.subspan(file.write_some(bytes.first(n)));
        } catch (const std::system_error &error) {
            result.error = error.code().value();
            break;
        }
    }
    return result;
}

int set_error(const migration::Migration &migration, State state) {
    try {
        migration::Migration{migration}.set(state);
    } catch (const std::system_error &error) {
        return error.code().value();
    }
    return 0;
}

/// Scramble bytes, as they would be by bad memory or by malice.
void scramble(Bytes &bytes, Random &random) {
    for (unsigned i = 1 + random() % 8; i && !bytes.empty(); --i)
        bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (random() % 4 == 0)
        bytes.resize(random() % (bytes.size() + 64));
}

Bytes damage(const Bytes &good, Random &random) {
    if (random() % 4) {
        lm::fuzz::Random small{random()};
        return lm::fuzz::mutate(good, small,
                                [&](Bytes &bytes, std::size_t) { scramble(bytes, random); });
    }
    Bytes bytes = good;
    scramble(bytes, random);
    return bytes;
}

/// What a stream says of the function and the medium, which must be so here.
std::vector<Bytes> claims(const Stream &stream) {
    std::vector<Bytes> found;
    for (const Record &record : stream.records) {
        Record copy = record;
        // the destination may have more of both, and another number
        if (record.type == NVME_LM_REC_IDENTITY)
            copy.change<nvme_lm_identity>(
                [](nvme_lm_identity &id) { id.cntlid = id.nvq = id.nvi = 0; });
        if (record.type == NVME_LM_REC_IDENTITY || record.type == NVME_LM_REC_FORMAT ||
            record.type == NVME_LM_REC_MEDIUM)
            found.push_back(copy.payload);
    }
    return found;
}

/// Records that may be skipped do not make a stream bad, but the own reader knows none.
Stream without_optional(Stream stream) {
    std::erase_if(stream.records, [](const Record &r) {
        return r.type > NVME_LM_REC_END || (r.type == 0 && r.flags == 0);
    });
    return stream;
}

} // namespace

TEST(MutatedStreams, AreNeverLoaded) {
    fmt::print("seed {}: the same streams with SOAK_SEED={}\n", seed(), seed());
    Random random{seed()};
    World world{random};
    world.tenant(0).work();
    Bytes good = world.seat(world.place(0)).migration().save();
    world.seat(world.place(0)).migration().set(State::running);
    good = test::with_pieces(Stream::parse(good), 200).encode();
    const std::vector<Bytes> truth = claims(Stream::parse(good));

    const std::size_t to = world.free_seat();
    migration::Migration destination = world.seat(to).migration();
    vfio::Bar bar = world.seat(to).machine->device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096);
    std::map<int, unsigned> refused;
    unsigned writes = 0;
    unsigned taken = 0;
    unsigned streams = 0;
    while (writes < soak::writes() && !HasFailure()) {
        ++streams;
        SCOPED_TRACE(fmt::format("seed {}, stream {}", seed(), streams));
        const Bytes bytes = damage(good, random);
        DataFile file = destination.set_with_file(State::resuming);
        const Written written = write_pieces(file, bytes, random);
        writes += written.writes;
        int error = written.error;
        if (!error)
            error = set_error(destination, State::stop);
        if (error) {
            ++refused[error];
            EXPECT_TRUE(is_refusal(error)) << strerrorname_np(error);
            EXPECT_NE(set_error(destination, State::running), 0)
                << "a function must not run with a bad state";
            world.reset(to);
            EXPECT_EQ(bar.read<std::uint32_t>(nvme::reg::cc) & nvme::cc_enable, 0U);
            continue;
        }
        ++taken;
        try {
            const Stream stream =
                Stream::parse(without_optional(lm::fuzz::take_apart(bytes)).encode());
            EXPECT_EQ(claims(stream), truth) << "a stream of something else was taken";
        } catch (const migration::MalformedStream &malformed) {
            ADD_FAILURE() << "a bad stream was taken: " << malformed.what();
        }
        world.reset(to);
    }
    world.tenant(0).check_all();
    world.migrate(0, to);
    world.tenant(0).check_all();
    fmt::print("{} streams in {} writes: {} taken, which differ in nothing that counts\n", streams,
               writes, taken);
    for (const auto &[error, count] : refused)
        fmt::print("  {:5} x {}\n", count, strerrorname_np(error));
}

} // namespace lm::soak
