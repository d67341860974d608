// SPDX-License-Identifier: GPL-2.0-only
#include "nvme/ipu.hpp"

namespace lm::nvme::ipu {

Sqe query_size(std::uint16_t vf_index) {
    return {.opcode = 0xc4, .cdw10 = vf_index};
}
Sqe suspend(std::uint16_t vf_index) {
    return {.opcode = 0xc8, .cdw10 = vf_index};
}
Sqe resume(std::uint16_t vf_index) {
    return {.opcode = 0xcc, .cdw10 = vf_index};
}
Sqe save(std::uint16_t vf_index) {
    return {.opcode = 0xd2, .cdw10 = vf_index};
}
Sqe load(std::uint16_t vf_index, std::uint32_t bytes) {
    return {.opcode = 0xd5, .cdw10 = vf_index, .cdw11 = bytes};
}

} // namespace lm::nvme::ipu
