// SPDX-License-Identifier: GPL-2.0-only
/// The controlling side and its functions, set up for a test run and put back after it.
#pragma once

#include "nvme/passthrough.hpp"
#include "pci/address.hpp"
#include "vfio/backend.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lm::rig {

/// What a test run wants.
struct Options {
    std::string pf{};    ///< PCI address of the PF; empty: the first that can
    unsigned vfs = 2;    ///< how many functions to create
    unsigned queues = 0; ///< per function with the admin queue; 0: as many as it may have
    std::string driver = "vfio-pci"; ///< which driver the functions get
    std::string modules{};           ///< folder with our modules; empty: none is loaded
    /// PCI addresses of functions that are no VFs: linked to the PF, instead of VFs.
    std::vector<std::string> linked{};
    bool live_migration = true; ///< look for a PF that has it, or for one that has not
    vfio::BackendKind backend = vfio::BackendKind::automatic;
};

/// A controlled function that is online and bound.
struct Function {
    pci::Address address;
    Cntlid cntlid;
    std::uint16_t queues;     ///< queue pairs, the admin queue among them
    std::uint16_t interrupts; ///< vectors
};

/// A controlling controller as the host sees it.
struct Pf {
    pci::Address address;
    std::string device; ///< /dev/nvmeN
};

/// All NVMe controllers of this machine that can have virtual functions.
std::vector<Pf> find_pfs();

/// Creates or links functions on construction, puts all back on destruction.
class Rig {
  public:
    explicit Rig(const Options &options);
    Rig(const Rig &) = delete;
    Rig &operator=(const Rig &) = delete;
    ~Rig();

    [[nodiscard]] const Options &options() const { return options_; }
    [[nodiscard]] const Pf &pf() const { return pf_; }
    [[nodiscard]] const nvme::Passthrough &admin() const { return *admin_; }
    [[nodiscard]] const Function &function(std::size_t n) const { return functions_.at(n); }
    [[nodiscard]] std::size_t functions() const { return functions_.size(); }
    [[nodiscard]] vfio::Backend &backend() { return *backend_; }

    /// Disable SR-IOV and make all functions anew. Nothing of the old ones may be open.
    void recreate();
    /// Let go of the way to the functions and take it anew, as after a driver was
    /// unbound: with type1 a group does not survive that. Nothing may be open.
    void reconnect();

    /// The PF, or its functions, were taken away behind our back: wait until the PF
    /// serves, and make all functions anew. Nothing of the old ones may be open.
    void start_over();

  private:
    void wait_for_pf();
    void create_functions();
    void create_vfs();
    Function bring_online(const nvme::SecondaryController &controller);
    Function link(const pci::Address &address);
    void remove_functions();
    void remove_vfs();
    void unlink_functions();
    void try_to_remove_functions() noexcept;

    Options options_;
    Pf pf_;
    std::unique_ptr<nvme::Passthrough> admin_;
    std::vector<Function> functions_;
    std::unique_ptr<vfio::Backend> backend_;
};

} // namespace lm::rig
