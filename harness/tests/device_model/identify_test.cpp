// SPDX-License-Identifier: GPL-2.0-only
/// What the controlling controller says of itself.
#include "device_model/fixture.hpp"

#include <gmock/gmock.h>

namespace lm::test {

using DeviceModelIdentify = DeviceModel;

TEST_F(DeviceModelIdentify, OacsHasHostManagedLiveMigration) {
    const Bytes id = pf().identify(nvme::Cns::controller);
    EXPECT_TRUE(load<std::uint16_t>(id, 256) & 1U << 11);
}

TEST_F(DeviceModelIdentify, LimitsOfTrackingAreZeroWhereThereIsNoTracking) {
    const Bytes id = pf().identify(nvme::Cns::controller);
    const bool tracks_memory = load<std::uint8_t>(id, 576) & 1; // TRATTR.THMCS
    if (tracks_memory) {
        EXPECT_GT(load<std::uint16_t>(id, 570), 0) << "CMMRTD";
        EXPECT_LE(load<std::uint8_t>(id, 574), load<std::uint8_t>(id, 575)) << "MINMRTG, MAXMRTG";
    } else {
        EXPECT_EQ(load<std::uint16_t>(id, 570), 0) << "CMMRTD";
        EXPECT_EQ(load<std::uint16_t>(id, 572), 0) << "NMMRTD";
    }
}

TEST_F(DeviceModelIdentify, StateFormatsHaveVersionZero) {
    const nvme::StateFormats formats = pf().state_formats();
    EXPECT_THAT(formats.versions, testing::Contains(0));
}

TEST_F(DeviceModelIdentify, StateFormatUuidsAreNotZero) {
    const nvme::StateFormats formats = pf().state_formats();
    ASSERT_FALSE(formats.uuids.empty()) << "the vendor-specific data has a format to be named";
    for (const auto &uuid : formats.uuids)
        EXPECT_FALSE(all_zero(uuid));
}

TEST_F(DeviceModelIdentify, FunctionsAreOnlineSecondaryControllers) {
    const auto list = pf().secondary_controllers();
    for (std::size_t i = 0; i < the_rig().functions(); ++i) {
        const rig::Function &function = the_rig().function(i);
        EXPECT_THAT(list, testing::Contains(testing::AllOf(
                              testing::Field(&nvme::SecondaryController::cntlid, function.cntlid),
                              testing::Field(&nvme::SecondaryController::online, true))));
    }
}

} // namespace lm::test
