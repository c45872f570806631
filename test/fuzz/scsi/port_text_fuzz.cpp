#include "agent/core/assert.hpp"
#include "agent/core/reservation.hpp"

using namespace agent::core;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto port = initiator_port_from_text(text);
    if (port) AGENT_ASSERT(initiator_port_from_text(to_text(*port)) == port);
    return 0;
}
