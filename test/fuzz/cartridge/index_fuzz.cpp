// Any bytes as pages and entries of an index: what is taken for whole comes back the same.

#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/cartridge/index_format.hpp"

using namespace drive_iface::cartridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    constexpr VolumeId volume{'v'};
    if (const auto header = decode_index_header(bytes)) {
        AGENT_ASSERT(decode_index_header(encode_index_header(*header)) == header);
    }
    if (const auto commit = decode_index_commit(bytes, volume)) {
        AGENT_ASSERT(decode_index_commit(encode_index_commit(*commit, volume), volume) == commit);
    }
    if (const auto entry = decode_index_entry(bytes, 7, volume)) {
        std::array<std::uint8_t, index_entry_size> again{};
        encode_index_entry(*entry, volume, again);
        const auto twice = decode_index_entry(again, 7, volume);
        AGENT_ASSERT(twice && twice->before == entry->before && twice->crc32c == entry->crc32c);
    }
    return 0;
}
