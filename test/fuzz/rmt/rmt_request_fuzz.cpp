// Any bytes as requests: nothing breaks, the requests do not depend on how the bytes arrive, and a
// tape model gets nothing it can not take.

#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/rmt/rmt_codec.hpp"
#include "drive_iface/rmt/tape_operation.hpp"

using namespace drive_iface::rmt;

namespace {

std::vector<Request> requests(std::span<const std::uint8_t> bytes, std::size_t step) {
    RequestReader reader;
    std::vector<Request> found;
    while (!bytes.empty()) {
        auto room = reader.room();
        AGENT_ASSERT(!room.empty());
        const auto count = std::min({step, bytes.size(), room.size()});
        std::copy_n(bytes.begin(), count, room.begin());
        reader.received(count);
        bytes = bytes.subspan(count);
        while (auto request = reader.next())
            found.push_back(std::move(*request));
    }
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto at_once = requests({data + 1, size - 1}, size);
    AGENT_ASSERT(at_once == requests({data + 1, size - 1}, 1 + data[0] % 16));
    for (const auto& request : at_once) {
        if (const auto* write = std::get_if<WriteRequest>(&request))
            AGENT_ASSERT(write->record.size() <= record_length_max);
        if (const auto* open = std::get_if<OpenRequest>(&request))
            AGENT_ASSERT(open->device.size() <= line_size_max);
    }
    return 0;
}
