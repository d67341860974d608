// SPDX-License-Identifier: GPL-2.0-only
/// What the destination takes and refuses.
#include "migration/fixture.hpp"
#include "nvme/controller_state.hpp"
#include "streams/bad_streams.hpp"

namespace lm::test {

using migration::Record;
using migration::Stream;

class MigrationLoad : public MigrationTest {
  protected:
    /// The stream of a guest on function 0, which stays in STOP.
    Stream save() {
        source_.emplace(endpoint(0));
        guest_ = &boot(source_->machine);
        guest_->write(guest_->queue(), Lba{16}, 99);
        return Stream::parse(source_->migration.save());
    }

    /// Whether the guest lives on at the destination.
    void expect_alive(Endpoint &end) {
        guest_->move_to(end.machine);
        end.migration.set(State::running);
        guest_->verify(guest_->queue(), Lba{16}, 99);
        guest_->write_and_verify(guest_->queue(), Lba{24}, 100);
    }

  private:
    std::optional<Endpoint> source_;
    Guest *guest_ = nullptr;
};

class MigrationLoadPieces : public MigrationLoad,
                            public testing::WithParamInterface<std::size_t> {};

TEST_P(MigrationLoadPieces, WritesOfAnySize) {
    const Stream stream = save();
    Endpoint to = endpoint(1);
    EXPECT_EQ(errno_name(load_error(to, stream.encode(), GetParam())), errno_name(0));
    expect_alive(to);
}

INSTANTIATE_TEST_SUITE_P(Sizes, MigrationLoadPieces, testing::Values(1, 3, 32, 100, 4096));

TEST_F(MigrationLoad, StateInPiecesOfAnySize) {
    const Stream stream = save();
    Endpoint to = endpoint(1);
    for (std::size_t piece : {4UL, 52UL, 1000UL}) {
        EXPECT_EQ(errno_name(load_error(to, with_pieces(stream, piece).encode())), errno_name(0))
            << "pieces of " << piece;
        reset(to);
    }
    EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, UnknownOptionalRecordIsSkipped) {
    Stream stream = save();
    stream.records.insert(stream.records.begin() + 2, {.type = 0x7777, .payload = Bytes(5000)});
    Endpoint to = endpoint(1);
    EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, LongerHeaderOfALaterWriterIsTaken) {
    Stream stream = save();
    stream.header_rest.assign(64, std::byte{7});
    stream.header.header_len = 96;
    Endpoint to = endpoint(1);
    EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, OtherCntlidIsNoReasonToRefuse) {
    Stream stream = save();
    stream.records[0].change<nvme_lm_identity>([](nvme_lm_identity &id) { id.cntlid = 77; });
    Endpoint to = endpoint(1);
    EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, SourceWithFewerQueuesFits) {
    Stream stream = save();
    stream.records[0].change<nvme_lm_identity>([](nvme_lm_identity &id) { --id.nvq, --id.nvi; });
    Endpoint to = endpoint(1);
    EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, ResidentOfTheDestinationIsReplaced) {
    const Stream stream = save();
    Endpoint to = endpoint(1);
    Guest &resident = boot(to.machine);
    resident.write_and_verify(resident.queue(), Lba{200}, 1);
    EXPECT_EQ(errno_name(load_error(to, stream.encode())), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, AbandonedInTheMiddleThenDoneRight) {
    const Stream stream = save();
    const Bytes bytes = stream.encode();
    Endpoint to = endpoint(1);
    for (std::size_t part : {0UL, 10UL, 100UL, bytes.size() - 1}) {
        migration::DataFile file = to.migration.set_with_file(State::resuming);
        file.write_all(ByteView{bytes}.first(part));
        reset(to);
        EXPECT_NE(error_of([&] { file.write_some(ByteView{bytes}.subspan(part)); }), 0);
    }
    EXPECT_EQ(errno_name(load_error(to, bytes)), errno_name(0));
    expect_alive(to);
}

TEST_F(MigrationLoad, LoadingFileCannotBeReadNorSeeked) {
    Endpoint to = endpoint(1);
    migration::DataFile file = to.migration.set_with_file(State::resuming);
    Bytes some(16);
    EXPECT_NE(error_of([&] { file.read_some(some); }), 0);
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_SET), -1);
    EXPECT_EQ(::pwrite(file.fd(), some.data(), some.size(), 4), -1);
}

TEST_F(MigrationLoad, NothingOfTheStreamIsAppliedBeforeItsEnd) {
    const Stream stream = save();
    const Bytes bytes = stream.encode();
    Endpoint to = endpoint(1);
    migration::DataFile file = to.migration.set_with_file(State::resuming);
    vfio::Bar bar = to.machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096);
    bar.write<std::uint64_t>(nvme::reg::asq, 0xabc000); // a reset leaves it as it was
    file.write_all(ByteView{bytes}.first(bytes.size() - 1));
    EXPECT_EQ(bar.read<std::uint32_t>(nvme::reg::cc) & nvme::cc_enable, 0U);
    EXPECT_EQ(bar.read<std::uint64_t>(nvme::reg::asq), 0xabc000U);
    const Bytes now = pf().read_whole_state(to.machine.cntlid());
    EXPECT_TRUE(nvme::ControllerState{now}.submission_queues().empty());
}

TEST_F(MigrationLoad, BackIntoTheSourceAfterReset) {
    const Stream stream = save();
    Endpoint again = endpoint(1);
    EXPECT_EQ(errno_name(load_error(again, stream.encode())), errno_name(0));
    reset(again);
    EXPECT_EQ(errno_name(load_error(again, stream.encode())), errno_name(0));
    expect_alive(again);
}

/// Every bad stream has its errno and leaves the function resettable, and a good
/// stream is taken afterwards. The functions are opened once for all of them.
class MigrationLoadBad : public MigrationTest, public testing::WithParamInterface<BadStream> {
  protected:
    struct Pair {
        Machine source{the_rig(), 0};
        Machine destination{the_rig(), 1};
        Guest guest{source, queue_pairs(1, source)};
        Stream good;
        ~Pair() { guest.driver().unplug(); }
    };

    static void SetUpTestSuite() {
        pair_ = std::make_unique<Pair>();
        pair_->guest.write(pair_->guest.queue(), Lba{16}, 99);
        const Bytes saved = migration::Migration{pair_->source.device()}.save();
        pair_->good = with_pieces(Stream::parse(saved), 300);
    }
    static void TearDownTestSuite() { pair_.reset(); }

    static inline std::unique_ptr<Pair> pair_;
};

TEST_P(MigrationLoadBad, IsRefused) {
    Endpoint to{pair_->destination, migration::Migration{pair_->destination.device()}};
    EXPECT_EQ(errno_name(load_error(to, GetParam().make(pair_->good))),
              errno_name(GetParam().error));
    EXPECT_NE(error_of([&] { to.migration.set(State::running); }), 0)
        << "a function must not run with a bad state";
    reset(to);
    vfio::Bar bar = to.machine.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096);
    EXPECT_EQ(bar.read<std::uint32_t>(nvme::reg::cc) & nvme::cc_enable, 0U);
    EXPECT_EQ(errno_name(load_error(to, pair_->good.encode())), errno_name(0));
    reset(to);
}

INSTANTIATE_TEST_SUITE_P(All, MigrationLoadBad, testing::ValuesIn(bad_streams()),
                         [](const auto &info) { return info.param.name; });

} // namespace lm::test
