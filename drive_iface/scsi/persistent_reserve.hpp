#pragma once

// PERSISTENT RESERVE IN and OUT (SPC-4 6.15, 6.16).

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

enum class PrInAction : std::uint8_t {
    read_keys = 0,
    read_reservation = 1,
    report_capabilities = 2,
    read_full_status = 3
};

enum class PrOutAction : std::uint8_t {
    register_key = 0,
    reserve = 1,
    release = 2,
    clear = 3,
    preempt = 4,
    preempt_and_abort = 5,
    register_and_ignore_existing_key = 6,
    register_and_move = 7,
};

// TYPE of a persistent reservation, SPC-4 6.15.3.4. The only SCOPE is 0, the logical unit.
enum class PrType : std::uint8_t {
    write_exclusive = 1,
    exclusive_access = 3,
    write_exclusive_registrants_only = 5,
    exclusive_access_registrants_only = 6,
    write_exclusive_all_registrants = 7,
    exclusive_access_all_registrants = 8,
};
inline constexpr std::array pr_types{PrType::write_exclusive,
                                     PrType::exclusive_access,
                                     PrType::write_exclusive_registrants_only,
                                     PrType::exclusive_access_registrants_only,
                                     PrType::write_exclusive_all_registrants,
                                     PrType::exclusive_access_all_registrants};

[[nodiscard]] std::optional<PrType> pr_type_from_code(std::uint8_t code);
[[nodiscard]] bool is_exclusive_access(PrType type);
[[nodiscard]] bool is_registrants_only(PrType type);  // 5 and 6
[[nodiscard]] bool is_all_registrants(PrType type);   // 7 and 8: every registrant holds it
[[nodiscard]] std::string_view name(PrType type);
[[nodiscard]] std::string_view name(PrOutAction action);

[[nodiscard]] std::array<std::uint8_t, 10> persistent_reserve_in_cdb(
    PrInAction action, std::uint16_t allocation_length);
// `type` is 0 for service actions that have none.
[[nodiscard]] std::array<std::uint8_t, 10> persistent_reserve_out_cdb(
    PrOutAction action, std::uint8_t type, std::uint32_t parameter_list_length);

// Data returned by PERSISTENT RESERVE IN may be cut by the allocation length. `length_needed` is
// the allocation length that would have held all of it; the decoders return what arrived whole and
// are incomplete when that is less.
struct PrInHeader {
    std::uint32_t generation = 0;  // PRGENERATION
    std::size_t length_needed = 0;
    bool complete = true;
    bool operator==(const PrInHeader&) const = default;
};

// SPC-4 6.15.2. Two nexuses may have registered the same key.
struct ReadKeysData {
    PrInHeader header;
    std::vector<std::uint64_t> keys;
    bool operator==(const ReadKeysData&) const = default;
};
[[nodiscard]] agent::core::Result<ReadKeysData> decode_read_keys(ByteView data);
[[nodiscard]] Bytes encode_read_keys(std::uint32_t generation,
                                     const std::vector<std::uint64_t>& keys);

// SPC-4 6.15.3. The key is 0 for the all-registrants types. `type` is the raw code; a target may
// invent one.
struct ReadReservationData {
    struct Held {
        std::uint64_t key = 0;
        std::uint8_t scope = 0;
        std::uint8_t type = 0;
        bool operator==(const Held&) const = default;
    };
    PrInHeader header;
    std::optional<Held> held;
    bool operator==(const ReadReservationData&) const = default;
};
[[nodiscard]] agent::core::Result<ReadReservationData> decode_read_reservation(ByteView data);
[[nodiscard]] Bytes encode_read_reservation(std::uint32_t generation,
                                            const std::optional<ReadReservationData::Held>& held);

// SPC-4 6.15.4.
struct PrCapabilities {
    bool replace_lost_reservation = false;         // RLR_C
    bool compatible_reservation_handling = false;  // CRH
    bool specify_initiator_ports = false;          // SIP_C
    bool all_target_ports = false;                 // ATP_C
    bool persist_through_power_loss = false;       // PTPL_C
    bool persist_active = false;                   // PTPL_A
    std::uint8_t allow_commands = 0;
    std::optional<std::vector<PrType>> types;  // absent: TMV is 0, the target does not say
    bool operator==(const PrCapabilities&) const = default;
};
[[nodiscard]] agent::core::Result<PrCapabilities> decode_report_capabilities(ByteView data);
[[nodiscard]] Bytes encode_report_capabilities(const PrCapabilities& capabilities);

// SPC-4 6.15.5: one descriptor a registered nexus, holder or not.
struct FullStatusDescriptor {
    std::uint64_t key = 0;
    bool all_target_ports = false;
    bool holder = false;     // R_HOLDER; several for the all-registrants types
    std::uint8_t scope = 0;  // scope and type only count when `holder`
    std::uint8_t type = 0;
    std::uint16_t relative_target_port = 0;  // not defined with all_target_ports
    std::optional<agent::core::InitiatorPort>
        port;            // absent: no TransportID, or one that could not be decoded
    Bytes transport_id;  // as received
    bool operator==(const FullStatusDescriptor&) const = default;
};
struct ReadFullStatusData {
    PrInHeader header;
    std::vector<FullStatusDescriptor> descriptors;
    bool operator==(const ReadFullStatusData&) const = default;
};
// A TransportID that can not be decoded does not hide the other descriptors: its `port` is absent.
[[nodiscard]] agent::core::Result<ReadFullStatusData> decode_read_full_status(ByteView data);
// Writes `transport_id` when it is not empty, else `port`; a port that has no TransportID is left
// out (length 0).
[[nodiscard]] Bytes encode_read_full_status(std::uint32_t generation,
                                            const std::vector<FullStatusDescriptor>& descriptors);

// Parameter list of all service actions but REGISTER AND MOVE, SPC-4 6.16.3.
struct PrOutParameters {
    std::uint64_t reservation_key = 0;
    std::uint64_t service_action_reservation_key = 0;
    bool specify_initiator_ports = false;                   // SPEC_I_PT
    bool all_target_ports = false;                          // ALL_TG_PT
    bool persist = false;                                   // APTPL
    std::vector<agent::core::InitiatorPort> transport_ids;  // only with SPEC_I_PT
    bool operator==(const PrOutParameters&) const = default;
};
// Errors name the byte: shorter than 24, longer than 24 without SPEC_I_PT, a list of TransportIDs
// that does not add up.
[[nodiscard]] agent::core::Result<PrOutParameters> decode_pr_out_parameters(ByteView data);
[[nodiscard]] agent::core::Result<Bytes> encode_pr_out_parameters(
    const PrOutParameters& parameters);

// Parameter list of REGISTER AND MOVE, SPC-4 6.16.4.
struct RegisterAndMoveParameters {
    std::uint64_t reservation_key = 0;
    std::uint64_t service_action_reservation_key = 0;
    bool unregister = false;  // UNREG
    bool persist = false;     // APTPL
    std::uint16_t relative_target_port = 0;
    agent::core::InitiatorPort destination;
    bool operator==(const RegisterAndMoveParameters&) const = default;
};
[[nodiscard]] agent::core::Result<RegisterAndMoveParameters> decode_register_and_move_parameters(
    ByteView data);
[[nodiscard]] agent::core::Result<Bytes> encode_register_and_move_parameters(
    const RegisterAndMoveParameters& parameters);

}  // namespace drive_iface::scsi
