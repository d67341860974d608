// SPDX-License-Identifier: GPL-2.0-only
/// The vendor command set "IPU" of a PF for its VFs.
#pragma once

#include "nvme/wire.hpp"

namespace lm::nvme::ipu {

/// A state is never larger.
inline constexpr std::size_t largest_state = std::size_t{256} << 10;
/// Where Identify Controller says whether the commands are there.
inline constexpr std::size_t identify_byte = 3072;

/// All take the index of the VF, counted from 1.
Sqe query_size(std::uint16_t vf_index);
Sqe suspend(std::uint16_t vf_index);
Sqe resume(std::uint16_t vf_index);
Sqe save(std::uint16_t vf_index);
Sqe load(std::uint16_t vf_index, std::uint32_t bytes);

} // namespace lm::nvme::ipu
