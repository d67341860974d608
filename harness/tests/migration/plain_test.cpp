// SPDX-License-Identifier: GPL-2.0-only
/// A function without live migration on the variant driver is as on vfio-pci.
/// Run with --no-lm: a PF that has none.
#include "migration/fixture.hpp"
#include "util/deadline.hpp"

namespace lm::test {

using PlainFunction = MigrationTest;

TEST_F(PlainFunction, HasNoMigration) {
    Endpoint vf = endpoint(0);
    EXPECT_FALSE(vf.migration.supported());
    EXPECT_EQ(errno_name(error_of([&] { return vf.migration.flags(); })), "ENOTTY");
    EXPECT_EQ(errno_name(error_of([&] { return vf.migration.state(); })), "ENOTTY");
    EXPECT_EQ(errno_name(error_of([&] { return vf.migration.data_size(); })), "ENOTTY");
}

TEST_F(PlainFunction, ServesAGuest) {
    Endpoint vf = endpoint(0);
    Guest &guest = boot(vf.machine, queue_pairs(1, vf.machine, 16, 16, true));
    guest.write_and_verify(guest.queue(), Lba{0}, 1);
    EXPECT_TRUE(vf.machine.interrupts().wait(guest.queue().options().vector, patience));
}

TEST_F(PlainFunction, ResetsAndServesAgain) {
    Endpoint vf = endpoint(0);
    boot(vf.machine);
    vf.machine.device().reset();
    Guest &again = boot(vf.machine);
    again.write_and_verify(again.queue(), Lba{0}, 2);
}

TEST_F(PlainFunction, RegionsAreThoseOfPlainVfio) {
    Endpoint vf = endpoint(0);
    EXPECT_EQ(vf.machine.device().info().num_regions, std::uint32_t{VFIO_PCI_NUM_REGIONS});
    EXPECT_EQ(vf.machine.device().info().num_irqs, std::uint32_t{VFIO_PCI_NUM_IRQS});
    EXPECT_TRUE(vf.machine.device().info().flags & VFIO_DEVICE_FLAGS_RESET);
}

TEST_F(PlainFunction, TwoFunctionsSideBySide) {
    Endpoint one = endpoint(0);
    Endpoint two = endpoint(1);
    Guest &first = boot(one.machine);
    Guest &second = boot(two.machine);
    first.write(first.queue(), Lba{0}, 3);
    second.verify(second.queue(), Lba{0}, 3);
}

} // namespace lm::test
