// SPDX-License-Identifier: GPL-2.0-only
/// The harness's SipHash against the values that its authors published: key and
/// message are the bytes 0, 1, 2 ...
#include "util/siphash.hpp"

#include <gtest/gtest.h>

namespace lm {

namespace {

Bytes counting(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(i);
    return bytes;
}

SipKey counting_key() {
    SipKey key;
    std::ranges::copy(counting(key.size()), key.begin());
    return key;
}

} // namespace

TEST(SipHash, ExampleOfThePaper) {
    EXPECT_EQ(siphash24(counting_key(), counting(15)), 0xa129ca6149be45e5U);
}

TEST(SipHash, VectorsOfTheReferenceImplementation) {
    const std::uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                      0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
                                      0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462};
    for (std::size_t size = 0; size < std::size(expected); ++size)
        EXPECT_EQ(siphash24(counting_key(), counting(size)), expected[size]) << size << " bytes";
}

} // namespace lm
