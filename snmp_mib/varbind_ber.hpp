#pragma once

// Variable bindings as they stand in a datagram (RFC 3416 section 3), and back. Pure.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "snmp_mib/ber_reader.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

// What a notification says. Encoded once, however many are told.
struct NotificationBody {
    std::vector<Varbind> varbinds;
    std::string encoded;  // the VarBindList with its header; empty: not in this short way
};
// Shared: many messages on their way, and each resend of them, say the same.
using SharedBody = std::shared_ptr<const NotificationBody>;
[[nodiscard]] SharedBody notification_body(std::vector<Varbind> varbinds);

// The content of a VarBindList. Strict: nothing when anything in it is of a type that no
// notification of ours uses, or is not written as it should be.
[[nodiscard]] std::optional<std::vector<Varbind>> varbinds_in_list(ber::Bytes content);

// The content of an OBJECT IDENTIFIER, 1 to 128 sub-identifiers of 32 bits.
[[nodiscard]] std::optional<Oid> object_identifier_of(ber::Bytes content);

}  // namespace snmp_mib
