// SPDX-License-Identifier: GPL-2.0-only
/// What the source gives: the stream in words, and reads of any size.
#include "migration/fixture.hpp"
#include "nvme/controller_state.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <thread>

namespace lm::test {

using migration::Stream;

class MigrationSave : public MigrationTest {
  protected:
    /// A guest with some history on function 0, and its stream.
    Stream save() {
        end_.emplace(endpoint(0));
        guest_ = &boot(end_->machine, queue_pairs(1, end_->machine, 16, 16, true));
        for (unsigned i = 0; i < 5; ++i)
            guest_->write(guest_->queue(), Lba{i}, i);
        bytes_ = end_->migration.save();
        return Stream::parse(bytes_);
    }
    Endpoint &end() { return *end_; }
    Guest &guest() { return *guest_; }
    [[nodiscard]] const Bytes &bytes() const { return bytes_; }

  private:
    std::optional<Endpoint> end_;
    Guest *guest_ = nullptr;
    Bytes bytes_;
};

TEST_F(MigrationSave, StreamIsWellFormed) {
    const Stream stream = save();
    EXPECT_EQ(stream.header.command_set, NVME_LM_CS_STANDARD);
    EXPECT_GT(stream.state().size(), nvme::ControllerState::header_size);
}

TEST_F(MigrationSave, IdentityIsThatOfTheFunctionAndTheSubsystem) {
    const Stream stream = save();
    const auto id = stream.records.at(0).as<nvme_lm_identity>();
    vfio::Device &device = end().machine.device();
    const rig::Function &function = end().machine.function();
    EXPECT_EQ(id.vid, device.config_read<std::uint16_t>(pci::ConfigOffset::vendor_id));
    EXPECT_EQ(id.did, device.config_read<std::uint16_t>(pci::ConfigOffset::device_id));
    EXPECT_EQ(id.class_code, device.config_read<std::uint32_t>(pci::ConfigOffset::revision) >> 8);
    EXPECT_EQ(id.cntlid, function.cntlid.value);
    EXPECT_EQ(id.nvq, function.queues);
    EXPECT_EQ(id.nvi, function.interrupts);
    const Bytes identify = pf().identify(nvme::Cns::controller);
    EXPECT_EQ(difference(std::as_bytes(std::span{id.sn}), slice(identify, 4, 20)), "");
    EXPECT_EQ(difference(std::as_bytes(std::span{id.mn}), slice(identify, 24, 40)), "");
    EXPECT_EQ(difference(std::as_bytes(std::span{id.fr}), slice(identify, 64, 8)), "");
    EXPECT_EQ(padded_text(std::as_bytes(std::span{id.subnqn})),
              padded_text(slice(identify, 768, 256)));
}

TEST_F(MigrationSave, FormatIsOneOfTheDevice) {
    const Stream stream = save();
    const auto format = stream.records.at(1).as<nvme_lm_format>();
    const nvme::StateFormats formats = pf().state_formats();
    EXPECT_THAT(formats.versions, testing::Contains(format.version));
    std::array<std::byte, 16> uuid;
    std::ranges::copy(std::as_bytes(std::span{format.uuid}), uuid.begin());
    EXPECT_THAT(formats.uuids, testing::Contains(uuid));
}

TEST_F(MigrationSave, MediumIsTheNamespace) {
    const Stream stream = save();
    const auto media = stream.of_type(NVME_LM_REC_MEDIUM);
    ASSERT_EQ(media.size(), 1U) << "the rig has one namespace";
    const auto medium = media.at(0)->as<nvme_lm_medium>();
    const Bytes ns = pf().identify(nvme::Cns::namespace_nvm, shared_namespace);
    EXPECT_EQ(medium.nsid, shared_namespace.value);
    EXPECT_EQ(medium.nsze, guest().disk().blocks);
    EXPECT_EQ(1U << medium.lbads, guest().disk().block_size);
    EXPECT_TRUE(medium.flags & NVME_LM_MEDIUM_F_SHARED);
    EXPECT_EQ(medium.flbas, load<std::uint8_t>(ns, 26));
    EXPECT_EQ(medium.dps, load<std::uint8_t>(ns, 29));
    EXPECT_EQ(difference(std::as_bytes(std::span{medium.nguid}), slice(ns, 104, 16)), "");
    EXPECT_EQ(difference(std::as_bytes(std::span{medium.eui64}), slice(ns, 120, 8)), "");
    EXPECT_FALSE(all_zero(std::as_bytes(std::span{medium.uuid})));
}

TEST_F(MigrationSave, StateIsThatOfTheDevice) {
    const Stream stream = save();
    EXPECT_EQ(difference(stream.state(), pf().read_whole_state(end().machine.cntlid())), "");
    const nvme::ControllerState state{stream.state()};
    EXPECT_TRUE(state.suspended());
    ASSERT_EQ(state.submission_queues().size(), 1U);
    EXPECT_EQ(state.submission_queues()[0].prp1, guest().queue().sq_iova());
    EXPECT_EQ(state.completion_queues().at(0).prp1, guest().queue().cq_iova());
}

TEST_F(MigrationSave, SavingTwiceGivesTheSame) {
    save();
    const Bytes first = bytes();
    end().migration.set(State::stop);
    EXPECT_EQ(difference(end().migration.save(), first), "");
}

TEST_F(MigrationSave, ReadsOfAnySize) {
    save();
    for (std::size_t chunk : {1UL, 3UL, 31UL, 33UL, 4096UL, 1UL << 20}) {
        migration::DataFile file = end().migration.set_with_file(State::stop_copy);
        EXPECT_EQ(difference(file.read_all(chunk), bytes()), "") << "reads of " << chunk;
        Bytes more(8);
        EXPECT_EQ(file.read_some(more), 0U) << "the end stays the end";
        end().migration.set(State::stop);
    }
}

TEST_F(MigrationSave, DataSizeIsAnHonestEstimate) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    const std::uint64_t running = vf.migration.data_size();
    const Bytes stream = vf.migration.save();
    EXPECT_GE(running, stream.size() / 2);
    EXPECT_LE(running, stream.size() * 2);
    EXPECT_GE(vf.migration.data_size(), stream.size()) << "exact or more while stopped";
}

TEST_F(MigrationSave, PollSaysThatThereIsSomethingToRead) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    migration::DataFile file = vf.migration.set_with_file(State::stop_copy);
    ASSERT_EQ(::fcntl(file.fd(), F_SETFL, O_NONBLOCK), 0);
    Bytes all;
    for (;;) {
        pollfd waiting{.fd = file.fd(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&waiting, 1, 5000), 1) << "poll must not wait for ever";
        Bytes some(64);
        const std::size_t n = file.read_some(some);
        if (n == 0)
            break;
        all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
    }
    EXPECT_NO_THROW(Stream::parse(all));
}

TEST_F(MigrationSave, SavingFileCannotBeWrittenNorSeeked) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    migration::DataFile file = vf.migration.set_with_file(State::stop_copy);
    Bytes some(16);
    EXPECT_NE(error_of([&] { file.write_some(some); }), 0);
    EXPECT_EQ(::lseek(file.fd(), 0, SEEK_SET), -1);
    EXPECT_EQ(::pread(file.fd(), some.data(), some.size(), 4), -1);
}

TEST_F(MigrationSave, FileEndsWhenItsStateIsLeft) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    migration::DataFile file = vf.migration.set_with_file(State::stop_copy);
    Bytes some(16);
    EXPECT_EQ(file.read_some(some), some.size());
    vf.migration.set(State::stop);
    EXPECT_NE(error_of([&] { file.read_some(some); }), 0);
}

TEST_F(MigrationSave, CancelledHalfWayTheGuestGoesOn) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    guest.write(guest.queue(), Lba{0}, 1);
    for (std::size_t bytes : {0UL, 1UL, 100UL, 500UL}) {
        migration::DataFile file = vf.migration.set_with_file(State::stop_copy);
        Bytes some(bytes);
        if (bytes) {
            EXPECT_GT(file.read_some(some), 0U);
        }
        vf.migration.set(State::running);
        guest.verify(guest.queue(), Lba{0}, 1);
        guest.write_and_verify(guest.queue(), Lba{8}, bytes);
    }
}

TEST_F(MigrationSave, CancelledAtTheEndTheGuestGoesOn) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine);
    const nvme::DataBuffer data = guest.buffer();
    std::vector<Cid> cids;
    for (unsigned i = 0; i < 20; ++i)
        cids.push_back(
            guest.driver().submit_io(guest.queue(), nvme::Io::read, guest.disk(), Lba{i}, 1, data));
    vf.migration.save();
    vf.migration.set(State::running);
    for (Cid cid : cids)
        EXPECT_TRUE(guest.driver().wait(guest.queue(), cid).status().ok());
    EXPECT_EQ(guest.queue().outstanding(), 0U);
}

TEST_F(MigrationSave, DisabledControllerCanBeSaved) {
    Endpoint vf = endpoint(0);
    const nvme::ControllerState state{Stream::parse(vf.migration.save()).state()};
    EXPECT_TRUE(state.submission_queues().empty());
}

TEST_F(MigrationSave, TwoFunctionsAtOnce) {
    Endpoint one = endpoint(0);
    Endpoint two = endpoint(1);
    boot(one.machine);
    boot(two.machine);
    Bytes first;
    {
        const std::jthread other{[&] { first = one.migration.save(); }};
        EXPECT_NO_THROW(Stream::parse(two.migration.save()));
    }
    EXPECT_NO_THROW(Stream::parse(first));
}

} // namespace lm::test
