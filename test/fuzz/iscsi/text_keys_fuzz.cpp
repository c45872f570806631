// Any bytes as login text: nothing breaks, and every list that parses is itself after writing it
// again.

#include "agent/core/assert.hpp"
#include "drive_iface/iscsi/negotiation.hpp"

using namespace drive_iface::iscsi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = parse_text({data, size});
    const auto* keys = std::get_if<TextKeys>(&parsed);
    if (!keys) return 0;
    Bytes written;
    for (const auto& [name, value] : *keys) {
        append_text(written, name, value);
        static_cast<void>(binary_from_text(value, 1024));
    }
    AGENT_ASSERT(std::get<TextKeys>(parse_text(written)) == *keys);
    OperationalParameters parameters;
    TextKeys answers;
    negotiate(*keys, parameters, answers);
    AGENT_ASSERT(answers.size() <= keys->size());
    AGENT_ASSERT(parameters.first_burst_length <= parameters.max_burst_length);
    AGENT_ASSERT(parameters.initiator_data_segment_max >= 512);
    return 0;
}
