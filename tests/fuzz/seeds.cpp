// SPDX-License-Identifier: GPL-2.0-only
/// Writes what fuzzing starts from: good streams and every way of
/// harness/tests/streams to make them bad, each into a file of its own.
///   seeds FOLDER
#include "streams/bad_streams.hpp"
#include "streams/good_stream.hpp"
#include "streams/passes.hpp"

#include <cstdio>
#include <fstream>

namespace {

void save(const std::string &path, const lm::Bytes &bytes) {
    std::ofstream file{path, std::ios::binary};
    file.write(reinterpret_cast<const char *>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush())
        throw std::runtime_error{"cannot write " + path};
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    const std::string folder = argv[1];
    const lm::migration::Stream good = lm::test::good_stream();
    save(folder + "/good", good.encode());
    for (const lm::test::BadStream &bad : lm::test::bad_streams())
        save(folder + "/" + bad.name, bad.make(good));
    // the smallest granule is of 4096 bytes, and two are not enough to be out of order
    const lm::migration::Stream longer = lm::test::good_stream(9000, 4096);
    save(folder + "/passes", lm::test::in_passes(longer).encode());
    save(folder + "/passes-shrunk", lm::test::in_passes(longer, {.first_more = 4000}).encode());
    for (const lm::test::BadStream &bad : lm::test::bad_passes())
        save(folder + "/passes-" + bad.name, bad.make(longer));
    return 0;
}
