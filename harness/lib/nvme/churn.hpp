// SPDX-License-Identifier: GPL-2.0-only
/// Vendor commands of the emulated PF that change the device memory of a
/// function (its property hmlm-churn=on; rig/qemu/README.md).
#pragma once

#include "nvme/wire.hpp"

namespace lm::nvme {

/// What the device memory is counted in.
inline constexpr std::uint32_t memory_block = 4096;

/// Change the contents of @count blocks: @first, @first + @stride..., wrapping
/// around at the end of the memory.
Sqe touch_memory(Cntlid cntlid, std::uint32_t first, std::uint32_t count, std::uint32_t stride = 1);

/// Let the device memory be @bytes long from now on.
Sqe resize_memory(Cntlid cntlid, std::uint64_t bytes);

} // namespace lm::nvme
