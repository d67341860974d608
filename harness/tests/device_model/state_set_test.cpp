// SPDX-License-Identifier: GPL-2.0-only
/// Set Controller State: the sequence of pieces, and states that must be refused.
#include "device_model/fixture.hpp"

#include <functional>

namespace lm::test {

using namespace nvme::status;

class DeviceModelSet : public DeviceModel {
  protected:
    /// The state of a guest with one queue pair that has done some I/O, taken
    /// from function 0, which is left suspended.
    nvme::ControllerState guest_state() {
        source_ = &open(0);
        guest_ = &boot(*source_, queue_pairs(1, *source_, 16, 16, true));
        guest_->write(guest_->queue(), Lba{16}, 99);
        return take_state(*source_);
    }

    /// Function 1, reset and suspended: ready for a state.
    Machine &destination() {
        Machine &vf = open(1);
        suspend(vf);
        return vf;
    }

    static nvme::Status put(Machine &vf, nvme::Sequence sequence, std::size_t offset,
                            ByteView bytes) {
        return pf()
            .set_state(pf().piece(vf.cntlid(), ByteOffset{offset}, bytes.size()), sequence, bytes)
            .status;
    }

    [[nodiscard]] Machine &source() const { return *source_; }

    /// A suspended function's state, without vendor-specific data.
    static Bytes read_queues(Machine &vf) {
        nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{0}, 48);
        piece.uuid_index = 0;
        Bytes state(48);
        EXPECT_EQ(pf().get_state(piece, state).status, success);
        EXPECT_EQ(load<std::uint64_t>(state, 32), 0U) << "VSS";
        state.resize(48 + 4 * load<std::uint64_t>(state, 16));
        piece.dwords = static_cast<std::uint32_t>(state.size() / 4);
        EXPECT_EQ(pf().get_state(piece, state).status, success);
        return state;
    }
    static nvme::Status set_queues(Machine &vf, ByteView state) {
        nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{0}, state.size());
        piece.uuid_index = 0;
        return pf().set_state(piece, nvme::Sequence::entire, state).status;
    }

    /// Whether the guest lives on at the destination.
    void expect_alive(Machine &vf) {
        guest_->move_to(vf);
        resume(vf);
        guest_->verify(guest_->queue(), Lba{16}, 99);
        guest_->write_and_verify(guest_->queue(), Lba{24}, 100);
    }

    /// Whether nothing of a refused state was applied, and a good one still is.
    void expect_untouched(Machine &vf, ByteView good) {
        EXPECT_EQ(read_register(vf, nvme::reg::cc) & nvme::cc_enable, 0U) << "CC.EN";
        const nvme::ControllerState now{pf().read_whole_state(vf.cntlid())};
        EXPECT_TRUE(now.submission_queues().empty());
        EXPECT_TRUE(now.completion_queues().empty());
        ASSERT_EQ(set_entire(vf.cntlid(), good), success);
        expect_alive(vf);
    }

    static std::uint32_t read_register(Machine &vf, std::size_t offset) {
        return vf.device().map_bar(VFIO_PCI_BAR0_REGION_INDEX, 4096).read<std::uint32_t>(offset);
    }

  private:
    Machine *source_ = nullptr;
    Guest *guest_ = nullptr;
};

TEST_F(DeviceModelSet, EntireInOneCommand) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(set_entire(vf.cntlid(), state.bytes()), success);
    expect_alive(vf);
}

TEST_F(DeviceModelSet, WhatWasSetIsWhatIsRead) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    ASSERT_EQ(set_entire(vf.cntlid(), state.bytes()), success);
    const nvme::ControllerState back{pf().read_whole_state(vf.cntlid())};
    EXPECT_TRUE(std::ranges::equal(back.nvmecs(), state.nvmecs()));
    EXPECT_TRUE(back.suspended());
    expect_alive(vf);
}

class DeviceModelSetPieces : public DeviceModelSet,
                             public testing::WithParamInterface<std::size_t> {};

TEST_P(DeviceModelSetPieces, FirstMiddleLast) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(pf().write_whole_state(vf.cntlid(), state.bytes(), GetParam()).status, success);
    expect_alive(vf);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DeviceModelSetPieces, testing::Values(4, 8, 48, 52, 60, 512));

TEST_F(DeviceModelSet, NewFirstDropsWhatWasHalfSent) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    Bytes garbage(64, std::byte{0xa5});
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, garbage), success);
    EXPECT_EQ(pf().write_whole_state(vf.cntlid(), state.bytes(), 64).status, success);
    expect_alive(vf);
}

TEST_F(DeviceModelSet, EntireDropsWhatWasHalfSent) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, ByteView{state.bytes()}.first(48)), success);
    EXPECT_EQ(set_entire(vf.cntlid(), state.bytes()), success);
    expect_alive(vf);
}

TEST_F(DeviceModelSet, RunningControllerRefuses) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = open(1);
    EXPECT_EQ(set_entire(vf.cntlid(), state.bytes()), invalid_controller_identifier);
    suspend(vf);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, ControllerWithQueuesRefuses) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = open(1);
    Guest &resident = boot(vf);
    suspend(vf);
    EXPECT_EQ(set_entire(vf.cntlid(), state.bytes()), invalid_field)
        << "a state is only for a controller without I/O queues";
    resume(vf);
    resident.write_and_verify(resident.queue(), Lba{64}, 3);
}

TEST_F(DeviceModelSet, EnabledControllerBecomesAnother) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = open(1);
    boot(vf, {});
    suspend(vf);
    EXPECT_EQ(set_entire(vf.cntlid(), state.bytes()), success);
    expect_alive(vf);
}

/// Queues alone, without vendor-specific data, are for a controller that was
/// enabled by other means: here, the same guest's.
TEST_F(DeviceModelSet, QueuesAloneJoinAnEnabledController) {
    Machine &vf = open(0);
    Guest &guest = boot(vf, queue_pairs(1, vf, 16, 16, true));
    guest.write(guest.queue(), Lba{16}, 99);
    pf().require(nvme::suspend(vf.cntlid()));
    const Bytes queues = read_queues(vf);
    resume(vf);
    guest.driver().admin_require(nvme::delete_sq(QueueId{1}));
    guest.driver().admin_require(nvme::delete_cq(QueueId{1}));
    suspend(vf);
    EXPECT_EQ(set_queues(vf, queues), success);
    EXPECT_EQ(read_queues(vf), queues) << "all of them are back";
    resume(vf);
    guest.verify(guest.queue(), Lba{16}, 99);
    guest.write_and_verify(guest.queue(), Lba{24}, 100);
}

TEST_F(DeviceModelSet, QueuesAloneAreNotForADisabledController) {
    const nvme::ControllerState state = guest_state();
    const Bytes queues = read_queues(source());
    Machine &vf = destination();
    EXPECT_EQ(set_queues(vf, queues), invalid_field);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, PartsThatTheCommandDoesNotName) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{0}, state.bytes().size());
    for (const auto &[version, uuid] : {std::pair{0, 1}, {1, 0}, {0, 0}}) {
        piece.version_index = static_cast<std::uint8_t>(version);
        piece.uuid_index = static_cast<std::uint8_t>(uuid);
        EXPECT_EQ(pf().set_state(piece, nvme::Sequence::entire, state.bytes()).status,
                  invalid_field)
            << "CSVI " << version << ", CSUUIDI " << uuid;
    }
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, OnlyTheLastMayHaveNoData) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, {}), invalid_field);
    EXPECT_EQ(put(vf, nvme::Sequence::entire, 0, {}), invalid_field);
    ASSERT_EQ(put(vf, nvme::Sequence::first, 0, state.bytes()), success);
    EXPECT_EQ(put(vf, nvme::Sequence::middle, 48, {}), invalid_field);
    EXPECT_EQ(put(vf, nvme::Sequence::last, 0, {}), success);
    expect_alive(vf);
}

TEST_F(DeviceModelSet, MiddleWithoutFirst) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::middle, 0, ByteView{state.bytes()}.first(48)),
              command_sequence_error);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, LastWithoutFirst) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::last, 0, state.bytes()), command_sequence_error);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, LastAfterEntire) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, ByteView{state.bytes()}.first(48)), success);
    Bytes bad = state.bytes();
    store<std::uint16_t>(bad, 0, 0xffff);
    EXPECT_NE(set_entire(vf.cntlid(), bad), success);
    EXPECT_NE(put(vf, nvme::Sequence::last, 48, ByteView{state.bytes()}.subspan(48)), success)
        << "what was half sent before is gone";
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, GapBetweenPieces) {
    const nvme::ControllerState state = guest_state();
    const ByteView bytes = state.bytes();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, bytes.first(48)), success);
    const nvme::Status middle = put(vf, nvme::Sequence::middle, 60, bytes.subspan(60, 12));
    const nvme::Status last = put(vf, nvme::Sequence::last, 72, bytes.subspan(72));
    EXPECT_FALSE(middle.ok() && last.ok()) << "12 bytes were never sent";
    expect_untouched(vf, bytes);
}

TEST_F(DeviceModelSet, FirstNotAtTheStart) {
    const nvme::ControllerState state = guest_state();
    const ByteView bytes = state.bytes();
    Machine &vf = destination();
    const nvme::Status first = put(vf, nvme::Sequence::first, 4, bytes.subspan(4, 44));
    const nvme::Status last = put(vf, nvme::Sequence::last, 48, bytes.subspan(48));
    EXPECT_FALSE(first.ok() && last.ok()) << "4 bytes were never sent";
    expect_untouched(vf, bytes);
}

TEST_F(DeviceModelSet, LastTooEarly) {
    const nvme::ControllerState state = guest_state();
    const ByteView bytes = state.bytes();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, bytes.first(48)), success);
    EXPECT_NE(put(vf, nvme::Sequence::last, 48, bytes.subspan(48, bytes.size() - 52)), success);
    expect_untouched(vf, bytes);
}

TEST_F(DeviceModelSet, BytesBehindTheState) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    Bytes longer = state.bytes();
    longer.resize(longer.size() + 4);
    EXPECT_NE(set_entire(vf.cntlid(), longer), success);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, NoDwordsAtAll) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_NE(put(vf, nvme::Sequence::entire, 0, {}), success);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, MisalignedOffset) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    EXPECT_EQ(put(vf, nvme::Sequence::first, 0, ByteView{state.bytes()}.first(48)), success);
    EXPECT_EQ(put(vf, nvme::Sequence::middle, 50, ByteView{state.bytes()}.subspan(50, 4)),
              invalid_field);
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, OffsetBeyondAnything) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    for (std::uint64_t offset : {std::uint64_t{1} << 40, ~std::uint64_t{3}}) {
        EXPECT_EQ(put(vf, nvme::Sequence::first, 0, ByteView{state.bytes()}.first(48)), success);
        EXPECT_NE(put(vf, nvme::Sequence::middle, offset, ByteView{state.bytes()}.subspan(48, 8)),
                  success)
            << "offset " << offset;
    }
    expect_untouched(vf, state.bytes());
}

TEST_F(DeviceModelSet, UnknownVersionIndex) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    nvme::StatePiece piece = pf().piece(vf.cntlid(), ByteOffset{0}, state.bytes().size());
    for (unsigned index : {pf().state_formats().versions.size() + 1, 255UL}) {
        piece.version_index = static_cast<std::uint8_t>(index);
        EXPECT_EQ(pf().set_state(piece, nvme::Sequence::entire, state.bytes()).status,
                  invalid_field);
    }
    expect_untouched(vf, state.bytes());
}

/// One field of a good state made wrong.
struct Damage {
    std::string name;
    std::function<void(Bytes &, const nvme::ControllerState &)> apply;
};

void PrintTo(const Damage &damage, std::ostream *out) {
    *out << damage.name;
}

class DeviceModelSetBad : public DeviceModelSet, public testing::WithParamInterface<Damage> {};

TEST_P(DeviceModelSetBad, IsRefusedAndChangesNothing) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    Bytes bad = state.bytes();
    GetParam().apply(bad, state);
    ASSERT_NE(bad, state.bytes()) << "the damage did nothing";
    EXPECT_NE(set_entire(vf.cntlid(), bad), success);
    expect_untouched(vf, state.bytes());
}

namespace {

/// Overwrite a 16-bit field of the first SQ entry.
Damage sq16(const char *name, std::size_t field, std::uint16_t value) {
    return {name, [=](Bytes &bytes, const nvme::ControllerState &state) {
                store<std::uint16_t>(bytes, state.sq_position(0) + field, value);
            }};
}

Damage cq16(const char *name, std::size_t field, std::uint16_t value) {
    return {name, [=](Bytes &bytes, const nvme::ControllerState &state) {
                store<std::uint16_t>(bytes, state.cq_position(0) + field, value);
            }};
}

Damage at16(const char *name, std::size_t position, std::uint16_t value) {
    return {name, [=](Bytes &bytes, const nvme::ControllerState &) {
                store<std::uint16_t>(bytes, position, value);
            }};
}

/// Add to a dword, where setting it could leave it as it was.
Damage add32(const char *name, std::size_t position, std::uint32_t delta) {
    return {name, [=](Bytes &bytes, const nvme::ControllerState &) {
                store<std::uint32_t>(bytes, position, load<std::uint32_t>(bytes, position) + delta);
            }};
}

Damage vsd_bit(const char *name, double where) {
    return {name, [=](Bytes &bytes, const nvme::ControllerState &state) {
                const ByteView vsd = state.vendor_specific();
                const std::size_t start = bytes.size() - vsd.size();
                const auto at =
                    static_cast<std::size_t>(where * static_cast<double>(vsd.size() - 1));
                bytes.at(start + at) ^= std::byte{0x10};
            }};
}

const Damage damages[] = {
    at16("HeaderVersion", 0, 1),
    at16("NvmecsVersion", 48, 1),
    add32("NvmecsSizeMoreByOneDword", 16, 1),
    add32("NvmecsSizeLessByOneDword", 16, ~0U),
    add32("NvmecsSizeHighDword", 28, 1),
    add32("VssMoreByOneDword", 32, 1),
    add32("VssLessByOneDword", 32, ~0U),
    add32("VssHighDword", 44, 0x80000000U),
    at16("MoreSubmissionQueuesThanBytes", 50, 2),
    at16("MoreCompletionQueuesThanBytes", 52, 0xffff),
    at16("NoSubmissionQueueButItsBytes", 50, 0),
    sq16("SqSizeZero", 8, 0),
    sq16("SqSizeBeyondMqes", 8, 0xffff),
    sq16("SqIdZero", 10, 0),
    sq16("SqIdTooHigh", 10, 0x7fff),
    sq16("SqOfMissingCq", 12, 2),
    sq16("SqOfAdminCq", 12, 0),
    sq16("SqNotContiguous", 14, 0),
    sq16("SqHeadBeyondSize", 16, 16),
    sq16("SqTailBeyondSize", 18, 16),
    cq16("CqSizeZero", 8, 0),
    cq16("CqSizeBeyondMqes", 8, 0xffff),
    cq16("CqIdZero", 10, 0),
    cq16("CqIdTooHigh", 10, 0x7fff),
    cq16("CqHeadBeyondSize", 12, 16),
    cq16("CqTailBeyondSize", 14, 16),
    cq16("CqVectorTooHigh", 18, 0x7ff),
    {"SqRingMisaligned",
     [](Bytes &bytes, const nvme::ControllerState &state) {
         bytes.at(state.sq_position(0)) ^= std::byte{0x01};
     }},
    {"CqRingMisaligned",
     [](Bytes &bytes, const nvme::ControllerState &state) {
         bytes.at(state.cq_position(0)) ^= std::byte{0x01};
     }},
    vsd_bit("VendorDataFirstByte", 0.0),
    vsd_bit("VendorDataQuarter", 0.25),
    vsd_bit("VendorDataHalf", 0.5),
    vsd_bit("VendorDataLastByte", 1.0),
};

} // namespace

INSTANTIATE_TEST_SUITE_P(Fields, DeviceModelSetBad, testing::ValuesIn(damages),
                         [](const auto &info) { return info.param.name; });

TEST_F(DeviceModelSet, SameQueueTwice) {
    Machine &vf0 = open(0);
    boot(vf0, queue_pairs(2, vf0, 16, 16));
    const nvme::ControllerState state = take_state(vf0);
    Machine &vf = destination();
    Bytes bad = state.bytes();
    store<std::uint16_t>(bad, state.sq_position(1) + 10, 1);
    EXPECT_NE(set_entire(vf.cntlid(), bad), success) << "SQ 1 twice";
    bad = state.bytes();
    store<std::uint16_t>(bad, state.cq_position(1) + 10, 1);
    EXPECT_NE(set_entire(vf.cntlid(), bad), success) << "CQ 1 twice, CQ 2 missing";
    EXPECT_EQ(set_entire(vf.cntlid(), state.bytes()), success);
    resume(vf);
}

TEST_F(DeviceModelSet, EveryTruncationIsRefused) {
    const nvme::ControllerState state = guest_state();
    Machine &vf = destination();
    const ByteView bytes = state.bytes();
    for (std::size_t size = 4; size < bytes.size(); size += 4)
        EXPECT_NE(set_entire(vf.cntlid(), bytes.first(size)), success) << size << " bytes";
    expect_untouched(vf, bytes);
}

} // namespace lm::test
