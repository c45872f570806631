#pragma once

// A command's reply as PDUs (RFC 7143 11.4, 11.7).

#include <vector>

#include "drive_iface/iscsi/negotiation.hpp"
#include "drive_iface/iscsi/output.hpp"
#include "drive_iface/iscsi/pdu.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::iscsi {

struct OutgoingPdu {
    TargetPdu pdu;
    Slice data;
};

// Overflow when the command has more than the initiator expects, underflow when less (11.4.5.1).
[[nodiscard]] Residual residual_of(std::size_t transfer_length, std::uint32_t expected_length);

// Data-In PDUs no longer than the initiator's MaxRecvDataSegmentLength, F at each MaxBurstLength,
// status with the last one when it is GOOD; otherwise and without data a SCSI Response.
// `data_out_length`: what the command takes from the initiator. Sequence numbers are filled in as
// the PDUs go out.
[[nodiscard]] std::vector<OutgoingPdu> reply_pdus(const ScsiCommand& command,
                                                  std::uint32_t r2t_count,
                                                  std::size_t data_out_length,
                                                  virtual_library::CommandReply reply,
                                                  const OperationalParameters& parameters);

}  // namespace drive_iface::iscsi
