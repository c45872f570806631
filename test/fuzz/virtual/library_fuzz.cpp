#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"

using namespace drive_iface::virtual_library;

namespace {

constexpr std::size_t hosts = 3;
constexpr std::size_t cdb_size = 16;

agent::core::InitiatorPort port(std::size_t host) {
    return {.transport = agent::core::Transport::iscsi,
            .name = "iqn.x:" + std::to_string(host),
            .isid = "00023d000001",
            .address = {}};
}

// What a drive tells about itself must hold together whatever it was sent.
void check(const Library& library) {
    for (const auto& drive : library.drives()) {
        const bool reserved = drive.reservation.state == agent::core::ReservationState::reserved;
        AGENT_ASSERT(reserved == !drive.reservation.holders.empty());
        AGENT_ASSERT(drive.reservation.persistent.has_value() ==
                     (drive.reservation.kind == agent::core::ReservationKind::persistent));
        AGENT_ASSERT(
            std::is_sorted(drive.reservation.holders.begin(), drive.reservation.holders.end()));
    }
}

}  // namespace

// A stream of records: who and what (1 byte), data-out length (1), CDB (16), data-out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MemoryShelf shelf;
    shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000});
    Library library({.vendor = "LRA",
                     .product = "VL",
                     .serial = "VL1",
                     .drives = {{.serial = "VT1",
                                 .product = "VIRTUAL",
                                 .element_address = 1,
                                 .cartridge = "VT0001L8"}}},
                    shelf);
    NexusId nexus[hosts];
    for (std::size_t i = 0; i < hosts; ++i)
        nexus[i] = *library.nexus_established("VT1", port(i));

    std::span<const std::uint8_t> rest(data, size);
    while (rest.size() >= 2 + cdb_size) {
        const std::size_t host = rest[0] % hosts;
        const std::uint8_t what = rest[0] >> 4;
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2 - cdb_size);
        const auto cdb = rest.subspan(2, cdb_size);
        const auto data_out = rest.subspan(2 + cdb_size, length);
        rest = rest.subspan(2 + cdb_size + length);
        if (what == 15) {
            library.nexus_lost(nexus[host]);
            nexus[host] = *library.nexus_established("VT1", port(host));
        } else if (what == 14) {
            static_cast<void>(
                library.manage(nexus[host], 0, static_cast<TaskManagement>(cdb[0] % 7)));
        } else if (what == 13) {
            AGENT_ASSERT(library.force_offline("VT1", "fuzz").ok());
        } else if (what == 12) {
            AGENT_ASSERT(library.lift_forced_offline("VT1").ok());
        } else if (what == 11) {
            AGENT_ASSERT(library.restore(library.nonvolatile_state()).ok());
        } else {
            Bytes sent(data_out.begin(), data_out.end());
            const auto reply = library.execute(nexus[host], what == 10 ? 1 : 0, cdb, sent);
            if (reply)
                AGENT_ASSERT((reply->status == Status::check_condition) == !reply->sense.empty());
            static_cast<void>(library.data_out_length(nexus[host], cdb));
        }
        check(library);
    }
    return 0;
}
