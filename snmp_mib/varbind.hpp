#pragma once

// A variable binding (RFC 3416 section 3) as a value: what is said, without how it is encoded.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace snmp_mib {

using Oid = std::vector<std::uint32_t>;  // at most 128 sub-identifiers (RFC 2578 3.5)

struct Integer32 {
    std::int32_t value = 0;
    bool operator==(const Integer32&) const = default;
};
struct Unsigned32 {  // also Gauge32
    std::uint32_t value = 0;
    bool operator==(const Unsigned32&) const = default;
};
struct Counter64 {
    std::uint64_t value = 0;
    bool operator==(const Counter64&) const = default;
};
struct TimeTicks {  // hundredths of a second
    std::uint32_t value = 0;
    bool operator==(const TimeTicks&) const = default;
};
struct OctetString {
    std::string bytes;
    bool operator==(const OctetString&) const = default;
};
// A type that no notification of ours uses (IpAddress, Opaque, Counter32, exceptions...); `tag` is
// its BER identifier.
struct OtherType {
    std::uint8_t tag = 0;
    bool operator==(const OtherType&) const = default;
};
using VarbindValue =
    std::variant<Integer32, Unsigned32, Counter64, TimeTicks, OctetString, Oid, OtherType>;

struct Varbind {
    Oid name;
    VarbindValue value;
    bool operator==(const Varbind&) const = default;
};

}  // namespace snmp_mib
