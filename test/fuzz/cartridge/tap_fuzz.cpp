// Any bytes as a data file: the scanner walks forward, ends, and tells only of what is inside.

#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/cartridge/tap_format.hpp"

using namespace drive_iface::cartridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView tape(data, size);
    TapScanner scanner(
        [&](std::uint64_t offset, std::span<std::uint8_t> into) {
            AGENT_ASSERT(offset <= tape.size() && into.size() <= tape.size() - offset);
            std::copy_n(tape.begin() + static_cast<std::ptrdiff_t>(offset), into.size(),
                        into.begin());
            return true;
        },
        0, tape.size());
    std::uint64_t offset = 0;
    for (;;) {
        const auto item = scanner.next();
        AGENT_ASSERT(item.offset >= offset && item.offset <= tape.size());
        if (item.kind == TapItem::Kind::end_of_medium || item.kind == TapItem::Kind::torn) break;
        AGENT_ASSERT(scanner.offset() > item.offset && scanner.offset() <= tape.size());
        offset = scanner.offset();
    }
    return 0;
}
