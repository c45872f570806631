// What PostgreSQL's programs and files say, as a damaged disk or another version may say it.

#include <cstdint>

#include "agent/core/assert.hpp"
#include "agent/postgres/control_data.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
    using namespace agent::postgres;
    const std::string_view text(reinterpret_cast<const char*>(bytes), count);
    if (const auto data = control_data_from_text(text)) {
        static_cast<void>(is_stopped_in_order(*data));
        AGENT_ASSERT(lsn_from_text(lsn_text(data->checkpoint_lsn)) == data->checkpoint_lsn);
    }
    if (const auto ends = timeline_ends_from_text(text)) {
        AGENT_ASSERT(ends->size() <= timeline_ends_max);
        SourceLog source;
        source.end = {~std::uint64_t{0}, 0};
        source.history = *ends;
        for (const auto& end : *ends)
            AGENT_ASSERT(!has_diverged({end.timeline, end.lsn}, source));
    }
    if (const auto process = process_from_pid_file(text)) AGENT_ASSERT(*process > 0);
    static_cast<void>(is_ready_by_pid_file(text));
    return 0;
}
