// SPDX-License-Identifier: GPL-2.0-only
/// A state of one kind of function is not for another: boot with the profile kinds,
/// and use the PF with the standard commands.
#include "kinds/elsewhere.hpp"

namespace lm::test {

using migration::Stream;

class OtherKind : public Elsewhere {
  protected:
    /// A function of a kind, and the stream of a guest on it.
    struct Kind {
        std::string name;
        rig::Function function;
        std::uint16_t command_set;
    };

    static void SetUpTestSuite() {
        kinds_ = {{"standard", the_rig().function(0), NVME_LM_CS_STANDARD},
                  {"ipu", one_function("0000:03:00.0", false), NVME_LM_CS_IPU},
                  {"control page", one_function("0000:04:00.0", false), NVME_LM_CS_CONTROL_PAGE}};
    }

    static const std::vector<Kind> &kinds() { return kinds_; }

    Stream save(const Kind &kind) {
        Endpoint from = endpoint_of(kind.function);
        Guest &guest = boot(from.machine);
        guest.write_and_verify(guest.queue(), Lba{0}, 1);
        Stream stream = Stream::parse(from.migration.save());
        close(from.machine);
        return stream;
    }

    /// Load the stream of each kind, changed for it, into a function of each other kind.
    template <typename Change> void expect_refused(const std::string &error, Change change) {
        std::vector<Stream> streams;
        for (const Kind &kind : kinds())
            streams.push_back(save(kind));
        for (const Kind &to : kinds()) {
            Endpoint end = endpoint_of(to.function);
            for (std::size_t from = 0; from < kinds().size(); ++from) {
                if (kinds()[from].command_set == to.command_set)
                    continue;
                Stream stream = streams[from];
                change(stream, to);
                EXPECT_EQ(errno_name(load_error(end, stream.encode())), error)
                    << kinds()[from].name << " to " << to.name;
                reset(end);
            }
            close(end.machine);
        }
    }

  private:
    static inline std::vector<Kind> kinds_;
};

TEST_F(OtherKind, StreamSaysWhichItIs) {
    for (const Kind &kind : kinds()) {
        const Stream stream = save(kind);
        EXPECT_EQ(stream.header.command_set, kind.command_set) << kind.name;
        EXPECT_FALSE(stream.state().empty()) << kind.name;
    }
}

TEST_F(OtherKind, IsRefusedAndTheOwnIsTakenAfterwards) {
    expect_refused("EOPNOTSUPP", [](Stream &, const Kind &) {});
    for (const Kind &kind : kinds()) {
        const Stream own = save(kind);
        Endpoint end = endpoint_of(kind.function);
        EXPECT_EQ(errno_name(load_error(end, own.encode())), errno_name(0)) << kind.name;
        close(end.machine);
    }
}

TEST_F(OtherKind, IsRefusedAlsoUnderItsName) {
    expect_refused("EXDEV", [](Stream &stream, const Kind &to) {
        stream.header.command_set = to.command_set;
    });
}

TEST_F(OtherKind, FormatOfTheStandardIsRefusedByTheOthers) {
    const Stream standard = save(kinds()[0]);
    for (const Kind &kind : kinds()) {
        if (kind.command_set == NVME_LM_CS_STANDARD)
            continue;
        Stream stream = save(kind);
        stream.records[1] = standard.records[1];
        Endpoint end = endpoint_of(kind.function);
        EXPECT_EQ(errno_name(load_error(end, stream.encode())), "EOPNOTSUPP") << kind.name;
        close(end.machine);
    }
}

TEST_F(OtherKind, StateLargerThanItsKindHasIsRefused) {
    for (const Kind &kind : kinds()) {
        if (kind.command_set == NVME_LM_CS_STANDARD)
            continue;
        const std::size_t most = kind.command_set == NVME_LM_CS_IPU ? 256 * 1024 : 64 * 1024;
        Stream stream = save(kind);
        migration::Record &piece = stream.records[stream.find(NVME_LM_REC_STATE)];
        Endpoint end = endpoint_of(kind.function);
        for (std::size_t size : {most + 4, 2 * most}) {
            piece.payload.resize(sizeof(nvme_lm_state_piece) + size);
            EXPECT_EQ(errno_name(load_error(end, stream.encode())), "EFBIG")
                << kind.name << ", " << size;
            reset(end);
        }
        piece.payload.resize(sizeof(nvme_lm_state_piece) + most);
        EXPECT_NE(errno_name(load_error(end, stream.encode())), "EFBIG") << kind.name;
        close(end.machine);
    }
}

} // namespace lm::test
