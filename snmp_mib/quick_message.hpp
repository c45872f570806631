#pragma once

// The messages that are sent and received by the thousand, without the SNMP library: informs, traps
// and their Responses, authenticated and encrypted, of users and engines that are known and in
// step. Whatever is out of the ordinary is left to the library, which says what is wrong with it;
// nothing is refused here.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "snmp_mib/datagram.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/v3_layout.hpp"
#include "snmp_mib/varbind_ber.hpp"

namespace snmp_mib {

// Nothing: the user or the engine's clock is not known, or the variables are out of the ordinary.
[[nodiscard]] std::optional<std::string> encode_quickly(const V3Notification& header,
                                                        const NotificationBody& body);

struct QuickMessage {
    V3Pdu type = V3Pdu::response;
    std::int32_t message_id = 0;
    std::int32_t request_id = 0;
    std::int32_t error_status = 0;
    std::string engine_id;  // authoritative
    std::string user;
    std::vector<Varbind> varbinds;  // of a Response: none, they are what was sent
    std::vector<std::uint8_t> scoped_pdu;
};
// A message whose signature, time and content are right. Nothing: something is not, or it is out
// of the ordinary. `envelope` is the datagram's own.
[[nodiscard]] std::optional<QuickMessage> open_quickly(const V3Envelope& envelope,
                                                       std::span<const std::uint8_t> datagram);
// The Response to an inform.
[[nodiscard]] std::optional<std::string> answer_quickly(const QuickMessage& inform);

}  // namespace snmp_mib
