// SPDX-License-Identifier: GPL-2.0-only
/// A device that tells lies of itself: whom it controls, what a state looks like, which
/// namespaces there are.
#include "hostile/fixture.hpp"
#include "util/sysfs.hpp"

namespace lm::test {

using namespace nvme::status;

namespace {

const nvme::Status internal{0, 0x06};
constexpr FaultMatch secondaries = on::identify_secondaries;
constexpr FaultMatch formats = on::identify_formats;
constexpr FaultMatch allocated{nvme::Admin::identify, 0x10};
constexpr FaultMatch namespace_of_others{nvme::Admin::identify, 0x11};
constexpr FaultMatch controllers_of_namespace{nvme::Admin::identify, 0x12};

/// The Secondary Controller List: its count, and the SCID of an entry.
constexpr std::uint32_t numid = 0;
constexpr std::uint32_t scid(unsigned entry) {
    return 32 + 32 * entry;
}

NamedFault always(const char *name, FaultMatch match, Fault fault) {
    return {name, match.for_ever(), fault};
}

/// Lies in the list of whom it controls; the last function of the rig is looked for.
std::vector<NamedFault> lists() {
    return {
        always("ListRefused", secondaries, Fault::status(internal)),
        always("ListOfNoise", secondaries, Fault::garbage(0, 3)),
        always("List128Long", secondaries, Fault::poke(numid, 128, 1)),
        always("List255Long", secondaries, Fault::poke(numid, 255, 1)),
        always("CntlidTwice", secondaries, Fault::poke(scid(1), 1, 2)),
        always("CntlidsDescend", secondaries, Fault::poke(scid(0), 0xfff0, 2)),
        always("CntlidReserved", secondaries, Fault::poke(scid(0), 0xffff, 2)),
        always("ListIsEmpty", secondaries, Fault::poke(numid, 0, 1)),
        always("NothingComes", secondaries, Fault::short_data(0)),
    };
}

std::vector<NamedFault> descriptions() {
    return {
        always("FormatsRefused", formats, Fault::status(internal)),
        always("NoFormat", formats, Fault::poke(0, 0, 2)),
        always("MoreFormatsThanFit", formats, Fault::poke(0, 0xffff, 2)),
        always("NamespacesRefused", allocated, Fault::status(internal)),
        always("NamespacesOfNoise", allocated, Fault::garbage(0, 3)),
        always("NamespacesDescend", allocated, Fault::poke(4, 1)),
        always("NamespaceRefused", namespace_of_others, Fault::status(internal)),
        always("FormatOfNamespaceBeyond", namespace_of_others, Fault::poke(26, 15, 1)),
        always("ControllersRefused", controllers_of_namespace, Fault::status(internal)),
        always("ControllersMoreThanFit", controllers_of_namespace, Fault::poke(0, 0xffff, 2)),
    };
}

std::string name_of_case(const testing::TestParamInfo<NamedFault> &info) {
    return info.param.name;
}

constexpr std::size_t last_function = 2;

} // namespace

class HostileIdentify : public Hostile, public testing::WithParamInterface<NamedFault> {};

TEST_P(HostileIdentify, OpensAsAPlainFunction) {
    {
        const ArmedFault fault{pf(), GetParam().match, GetParam().fault};
        Machine &machine = open(last_function);
        const migration::Migration migration{machine.device()};
        EXPECT_TRUE(!migration.supported() || migration.flags() == 0);
        EXPECT_GT(fault.fired(), 0U);
        Guest &guest = boot(machine);
        guest.write_and_verify(guest.queue(), Lba{0}, 1);
        close(machine);
    }
    expect_no_pf_reset();
    Source from = source(last_function);
    Endpoint to = endpoint(1);
    expect_moves(from, to);
}

std::vector<NamedFault> all_lies() {
    std::vector<NamedFault> all = lists();
    for (const NamedFault &fault : descriptions())
        all.push_back(fault);
    return all;
}

INSTANTIATE_TEST_SUITE_P(Device, HostileIdentify, testing::ValuesIn(all_lies()), name_of_case);

class HostileTopology : public Hostile, public testing::WithParamInterface<NamedFault> {};

/// The list is read again before a function is stopped.
TEST_P(HostileTopology, LiesWhenTheFunctionIsToStop) {
    Source from = source(last_function);
    Endpoint to = endpoint(1);
    {
        const ArmedFault fault{pf(), GetParam().match, GetParam().fault};
        const int error = bounded([&] { from.end.migration.set(State::stop); });
        EXPECT_TRUE(error == EREMOTEIO || error == ENXIO) << errno_name(error);
        EXPECT_GT(fault.fired(), 0U);
        expect_goes_on(from);
        EXPECT_EQ(bounded([&] { (void)from.end.migration.data_size(); }), error);
    }
    expect_no_pf_reset();
    expect_moves(from, to);
}

/// Who reads sysfs meanwhile gets an error or what was said, and nothing breaks.
TEST_P(HostileTopology, LiesToWhomeverReadsSysfs) {
    Source from = source(last_function);
    {
        const ArmedFault fault{pf(), GetParam().match, GetParam().fault};
        const auto folder = the_rig().pf().address.sysfs() / "nvme_lm";
        for (const auto &entry : std::filesystem::recursive_directory_iterator{folder})
            if (entry.is_regular_file())
                bounded([&] { (void)sysfs::read(entry.path()); });
    }
    expect_goes_on(from);
}

INSTANTIATE_TEST_SUITE_P(Device, HostileTopology, testing::ValuesIn(lists()), name_of_case);

class HostileDescription : public Hostile, public testing::WithParamInterface<NamedFault> {};

/// Asked again before PRE_COPY, and at the destination.
TEST_P(HostileDescription, LiesInTheMiddleOfAMigration) {
    Source from = source();
    Endpoint to = endpoint(1);
    const Bytes stream = from.end.migration.save();
    expect_runs_again(from);
    {
        // formats do not change while it is open, and are not asked for again
        const ArmedFault fault{pf(), GetParam().match, GetParam().fault};
        const int source_error = bounded([&] { from.end.migration.set(State::pre_copy); });
        const int destination_error = bounded([&] { to.migration.set(State::resuming); });
        EXPECT_EQ(source_error != 0, fault.fired() > 0) << errno_name(source_error);
        EXPECT_EQ(source_error, destination_error);
        for (int error : {source_error, destination_error})
            EXPECT_TRUE(error == 0 || error == EREMOTEIO || error == EINVAL) << errno_name(error);
    }
    expect_runs_again(from);
    reset(to);
    EXPECT_EQ(errno_name(load_error(to, stream)), errno_name(0));
    reset(to);
    expect_moves(from, to);
}

INSTANTIATE_TEST_SUITE_P(Device, HostileDescription, testing::ValuesIn(descriptions()),
                         name_of_case);

} // namespace lm::test
