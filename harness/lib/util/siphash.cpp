// SPDX-License-Identifier: GPL-2.0-only
#include "util/siphash.hpp"

namespace lm {

namespace {

/// The four words of state that the paper calls v0 ... v3.
class SipState {
  public:
    explicit SipState(const SipKey &key) {
        const auto k0 = load<std::uint64_t>(key, 0);
        const auto k1 = load<std::uint64_t>(key, 8);
        v_[0] ^= k0;
        v_[1] ^= k1;
        v_[2] ^= k0;
        v_[3] ^= k1;
    }

    /// One word of the message, with two rounds.
    void compress(std::uint64_t word) {
        v_[3] ^= word;
        rounds(2);
        v_[0] ^= word;
    }

    /// After the last word: four rounds.
    std::uint64_t finish() {
        v_[2] ^= 0xff;
        rounds(4);
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

  private:
    /// Half of a SipRound: two words are added, rotated, and mixed.
    void mix(unsigned a, unsigned b, int rotation) {
        v_[a] += v_[b];
        v_[b] = std::rotl(v_[b], rotation) ^ v_[a];
    }
    void rounds(unsigned count) {
        while (count--) {
            mix(0, 1, 13);
            v_[0] = std::rotl(v_[0], 32);
            mix(2, 3, 16);
            mix(0, 3, 21);
            mix(2, 1, 17);
            v_[2] = std::rotl(v_[2], 32);
        }
    }

    // "somepseudorandomlygeneratedbytes"
    std::array<std::uint64_t, 4> v_{0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261,
                                    0x7465646279746573};
};

} // namespace

std::uint64_t siphash24(const SipKey &key, ByteView bytes) {
    SipState state{key};
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + at, sizeof(word));
        state.compress(word);
    }
    // What is left, with the length in the last byte.
    std::uint64_t last = std::uint64_t{bytes.size()} << 56;
    for (unsigned i = 0; at + i < bytes.size(); ++i)
        last |= std::to_integer<std::uint64_t>(bytes[at + i]) << 8 * i;
    state.compress(last);
    return state.finish();
}

} // namespace lm
