// SPDX-License-Identifier: GPL-2.0-only
/// A PCI function as sysfs knows it.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lm::pci {

/// Domain, bus, device and function, in sysfs spelling.
class Address {
  public:
    explicit Address(std::string text) : text_{std::move(text)} {}

    [[nodiscard]] const std::string &text() const { return text_; }
    /// The function's folder.
    [[nodiscard]] std::filesystem::path sysfs() const;
    /// The number of the function's IOMMU group; throws when it has none.
    [[nodiscard]] unsigned iommu_group() const;
    /// The bridge that the function is behind; throws when it is behind none.
    [[nodiscard]] Address bridge() const;
    /// The name of the bound driver, if any.
    [[nodiscard]] std::optional<std::string> driver() const;

    friend auto operator<=>(const Address &, const Address &) = default;

  private:
    std::string text_;
};

/// Let the driver of this name, and no other, have the function.
void bind(const Address &function, const std::string &driver);

/// Take the function from its driver, if it has one, and forget the override.
void unbind(const Address &function);

/// Have the kernel forget the function, and what is behind it if it is a bridge.
void remove(const Address &function);

/// Have the kernel look for functions that it does not know.
void rescan();

} // namespace lm::pci
