#pragma once

// TransportID: who sent a command (SPC-4 7.6.4).

#include <cstddef>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

// PROTOCOL IDENTIFIER, SPC-4 7.6.1.
namespace protocol {
inline constexpr std::uint8_t fibre_channel = 0x0;
inline constexpr std::uint8_t parallel_scsi = 0x1;
inline constexpr std::uint8_t ieee_1394 = 0x3;
inline constexpr std::uint8_t srp = 0x4;
inline constexpr std::uint8_t iscsi = 0x5;
inline constexpr std::uint8_t sas = 0x6;
inline constexpr std::uint8_t sop = 0xa;
}  // namespace protocol

// Size of every TransportID but iSCSI's, which is at least this and a multiple of 4.
inline constexpr std::size_t transport_id_size = 24;

// Longest iSCSI name, RFC 7143 4.2.7.1.
inline constexpr std::size_t iscsi_name_size_max = 223;

// How long the TransportID at the beginning of `bytes` says it is; 0 when `bytes` is too short to
// say.
[[nodiscard]] std::size_t transport_id_length(ByteView bytes);

// Decodes a whole TransportID field. Transports without a place in agent::core::Transport (parallel
// SCSI, IEEE 1394, SOP) become Transport::unknown with all bytes of the field as hex digits for a
// name, so that they still compare. Also understands what real targets send: a NUL between iSCSI
// name and ",i,0x" (LIO, tgt), an ISID cut to 6 digits (LIO; the port's ISID stays empty), a binary
// ISID (tgt), and bare text without a header (istgt). Errors: empty, shorter than its protocol
// says, a name that is not an iSCSI name, an undefined protocol.
[[nodiscard]] agent::core::Result<agent::core::InitiatorPort> decode_transport_id(ByteView field);

// The standard's form; iSCSI with format code 01b when the ISID is known, else 00b.
// Errors: a name that does not fit its transport.
[[nodiscard]] agent::core::Result<Bytes> encode_transport_id(
    const agent::core::InitiatorPort& port);

}  // namespace drive_iface::scsi
