// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/churn.hpp"

namespace lm::nvme {

Sqe touch_memory(Cntlid cntlid, std::uint32_t first, std::uint32_t count, std::uint32_t stride) {
    return {.opcode = 0xe0, .cdw10 = cntlid.value, .cdw11 = first, .cdw12 = count, .cdw13 = stride};
}

Sqe resize_memory(Cntlid cntlid, std::uint64_t bytes) {
    return {.opcode = 0xe4,
            .cdw10 = cntlid.value,
            .cdw12 = static_cast<std::uint32_t>(bytes),
            .cdw13 = static_cast<std::uint32_t>(bytes >> 32)};
}

} // namespace lm::nvme
