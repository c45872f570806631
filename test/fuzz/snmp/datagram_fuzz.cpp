// Whatever arrives on the notification socket: the filter in front of the SNMP library's parser.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "snmp_mib/datagram.hpp"
#include "snmp_mib/library_trap.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const snmp_mib::Envelope envelope = snmp_mib::envelope_of(std::span(data, size));
    if (const auto* v3 = std::get_if<snmp_mib::V3Envelope>(&envelope)) {
        const bool in_bounds = v3->message_id >= 0 && v3->authoritative_engine_id.size() <= 32 &&
                               v3->user.size() <= 32;
        if (!in_bounds || (v3->encrypted && !v3->authenticated)) std::abort();
    }
    if (const auto trap = snmp_mib::community_trap_of(std::span(data, size))) {
        if (trap->varbinds.size() > 64 || trap->community.size() > 256) std::abort();
        if (!trap->response.empty() && trap->response.size() != size) std::abort();
        static_cast<void>(snmp_mib::drive_trap_name(trap->trap));
        static_cast<void>(snmp_mib::drives_named_in(trap->varbinds, {{"VT00000001"}}));
    }
    return 0;
}
