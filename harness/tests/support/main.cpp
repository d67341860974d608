// SPDX-License-Identifier: GPL-2.0-only
/// main() of the test programs that run in the rig.
#include "support/run.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lm::test {

namespace {

std::unique_ptr<rig::Rig> current;

class RigEnvironment : public testing::Environment {
  public:
    explicit RigEnvironment(rig::Options options) : options_{std::move(options)} {}

    void SetUp() override {
        current = std::make_unique<rig::Rig>(options_);
        fmt::print("[ rig      ] PF {} ({}), {} on {}\n", current->pf().address.text(),
                   current->pf().device, options_.driver,
                   current->backend().kind() == vfio::BackendKind::iommufd ? "iommufd" : "type1");
        for (std::size_t i = 0; i < current->functions(); ++i)
            fmt::print("[ rig      ] function {}: {}, CNTLID {}, {} queue pairs, {} vectors\n", i,
                       current->function(i).address.text(), current->function(i).cntlid.value,
                       current->function(i).queues, current->function(i).interrupts);
    }

    void TearDown() override { current.reset(); }

  private:
    rig::Options options_;
};

} // namespace

rig::Rig &the_rig() {
    return *current;
}

} // namespace lm::test

int main(int argc, char **argv) {
    testing::InitGoogleTest(&argc, argv);

    lm::rig::Options options = lm::test::default_options();
    for (const char *variable : {"RIG_MODULES", "NVME_LM_MODULES"})
        if (const char *modules = std::getenv(variable))
            options.modules = modules;
    std::string backend = "auto";

    CLI::App app{"A test program of nvme-lm; runs as root inside the rig"};
    app.add_option("--pf", options.pf, "PCI address of the controlling controller");
    app.add_option("--modules", options.modules, "Folder with nvme-lm.ko and nvme-vfio-pci.ko");
    app.add_option("--driver", options.driver, "VFIO driver for the functions")
        ->capture_default_str();
    app.add_option("--vfs", options.vfs, "How many functions to create")->capture_default_str();
    app.add_option("--linked", options.linked,
                   "PCI addresses of functions that are no VFs, to be linked to the PF");
    app.add_option("--iommu", backend, "auto, type1 or iommufd")->capture_default_str();
    app.add_flag("!--no-lm", options.live_migration, "Use a PF that has no live migration");
    CLI11_PARSE(app, argc, argv);

    try {
        options.backend = lm::vfio::parse_backend_kind(backend);
    } catch (const std::exception &error) {
        fmt::print(stderr, "{}\n", error.what());
        return 2;
    }
    testing::AddGlobalTestEnvironment(new lm::test::RigEnvironment{std::move(options)});
    return RUN_ALL_TESTS();
}
