#include "snmp_mib/library_trap.hpp"

#include <algorithm>
#include <utility>

#include "snmp_mib/ber_reader.hpp"
#include "snmp_mib/datagram.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind_ber.hpp"

namespace snmp_mib {

namespace {

constexpr std::uint8_t v2_response_pdu = 0xa2;
constexpr std::uint8_t v1_trap_pdu = 0xa4;
constexpr std::uint8_t inform_pdu = 0xa6;
constexpr std::uint8_t v2_trap_pdu = 0xa7;
constexpr std::uint8_t tag_ip_address = 0x40;
constexpr std::uint32_t version_1 = 0;
constexpr std::uint32_t version_2c = 1;
constexpr std::int32_t enterprise_specific = 6;  // generic-trap (RFC 1157 4.1.6)
constexpr std::size_t trap_varbinds_max = 64;
constexpr std::size_t community_max = 256;

// Enterprise arcs, and the numbers of the traps below them. Between arc and number firmware puts a
// 0 or a group; a hint can do no harm, so any one or two identifiers may stand there.
struct DriveTrap {
    Oid arc;
    std::uint32_t number;
    std::string_view name;
};
const std::vector<DriveTrap>& drive_traps() {
    static const Oid sml{1, 3, 6, 1, 4, 1, 14851, 3, 1, 16};        // SNIA-SML-MIB
    static const Oid scalar_i3{1, 3, 6, 1, 4, 1, 3697, 1, 10, 15};  // Quantum Scalar i3, i6
    static const Oid scalar_i500{1, 3,    6, 1,  4,
                                 1, 3764, 1, 10, 10};            // Quantum Scalar i40, i80, i500
    static const Oid storagetek{1, 3, 6, 1, 4, 1, 1211, 1, 15};  // Oracle SL150, SL3000, SL8500
    static const std::vector<DriveTrap> traps{
        {sml, 8, "SML driveOpStatusChanged"},
        {scalar_i3, 108, "Quantum driveModeChange"},
        {scalar_i3, 109, "Quantum driveStateChange"},
        {scalar_i3, 111, "Quantum driveRASStatusChange"},
        {scalar_i500, 117, "Quantum driveOnlineStateChange"},
        {storagetek, 41, "StorageTek drive good"},
        {storagetek, 45, "StorageTek drive check"},
    };
    return traps;
}

std::optional<Varbind> varbind_of(ber::Bytes content) {
    ber::BerReader reader(content);
    const auto name = object_identifier_of(reader.element(ber::tag_object_identifier));
    std::uint8_t tag = 0;
    const ber::Bytes value = reader.any(&tag);
    if (!name || !reader.good() || !reader.empty()) return std::nullopt;
    if (tag == ber::tag_octet_string)
        return Varbind{*name, OctetString{std::string(value.begin(), value.end())}};
    if (tag != ber::tag_object_identifier) return Varbind{*name, OtherType{tag}};
    const auto oid = object_identifier_of(value);
    if (!oid) return std::nullopt;
    return Varbind{*name, *oid};
}

// The variables, when the whole list is sound.
std::optional<std::vector<Varbind>> varbinds_in(ber::Bytes content) {
    std::vector<Varbind> varbinds;
    ber::BerReader list(content);
    while (!list.empty()) {
        auto varbind = varbind_of(list.element(ber::tag_sequence));
        if (!varbind || !list.good() || varbinds.size() == trap_varbinds_max) return std::nullopt;
        varbinds.push_back(std::move(*varbind));
    }
    return varbinds;
}

// The front of a Trap-PDU of version 1, as the snmpTrapOID that later versions have (RFC 3584 3.1).
std::optional<Oid> v1_trap_oid(ber::BerReader& pdu) {
    static const Oid snmp_traps{1, 3, 6, 1, 6, 3, 1, 1, 5};
    const auto enterprise = object_identifier_of(pdu.element(ber::tag_object_identifier));
    const bool address = pdu.element(tag_ip_address).size() == 4;
    const auto generic = pdu.integer();
    const auto specific = pdu.integer();
    const std::size_t time_size = pdu.element(ber::tag_time_ticks).size();
    if (!pdu.good() || !enterprise || !address || time_size < 1 || time_size > 5)
        return std::nullopt;
    if (*generic < 0 || *generic > enterprise_specific || *specific < 0) return std::nullopt;
    if (*generic == enterprise_specific)
        return oids::below(*enterprise, {0, static_cast<std::uint32_t>(*specific)});
    return oids::below(snmp_traps, {static_cast<std::uint32_t>(*generic) + 1});
}

// What answers an inform has its request-id and its variables (RFC 3416 4.2.7): the inform itself,
// but for the tag of its PDU.
std::string response_to(std::span<const std::uint8_t> inform, ber::Bytes pdu) {
    std::string response(inform.begin(), inform.end());
    response[static_cast<std::size_t>(pdu.data() - inform.data())] =
        static_cast<char>(v2_response_pdu);
    return response;
}

bool begins_with(const Oid& oid, const Oid& arc) {
    return oid.size() > arc.size() && std::equal(arc.begin(), arc.end(), oid.begin());
}

bool part_of_a_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool stands_alone_in(const std::string& text, const std::string& word) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool begins = at == 0 || !part_of_a_word(text[at - 1]);
        if (begins && (end == text.size() || !part_of_a_word(text[end]))) return true;
    }
    return false;
}

}  // namespace

std::optional<CommunityTrap> community_trap_of(std::span<const std::uint8_t> datagram) {
    if (datagram.size() > datagram_length_max) return std::nullopt;
    ber::BerReader outside(datagram);
    ber::BerReader message(outside.element(ber::tag_sequence));
    const std::uint32_t version = message.natural();
    CommunityTrap trap;
    trap.community = message.text(community_max);
    const ber::Bytes whole_pdu = message.rest();
    std::uint8_t type = 0;
    const ber::Bytes content = message.any(&type);
    if (!outside.good() || !outside.empty() || !message.good() || !message.empty())
        return std::nullopt;
    const bool fits = version == version_1
                          ? type == v1_trap_pdu
                          : version == version_2c && (type == v2_trap_pdu || type == inform_pdu);
    if (!fits) return std::nullopt;
    ber::BerReader pdu(content);
    std::optional<Oid> oid_of_v1;
    if (version == version_1) {
        oid_of_v1 = v1_trap_oid(pdu);
        if (!oid_of_v1) return std::nullopt;
    } else {
        static_cast<void>(pdu.integer());  // request-id, error-status, error-index
        static_cast<void>(pdu.integer());
        static_cast<void>(pdu.integer());
    }
    auto varbinds = varbinds_in(pdu.element(ber::tag_sequence));
    if (!varbinds || !pdu.good() || !pdu.empty()) return std::nullopt;
    trap.varbinds = std::move(*varbinds);
    trap.trap = oid_of_v1 ? *oid_of_v1 : trap_oid_of(trap.varbinds).value_or(Oid());
    if (type == inform_pdu) trap.response = response_to(datagram, whole_pdu);
    return trap;
}

std::optional<std::string_view> drive_trap_name(const Oid& trap) {
    for (const DriveTrap& known : drive_traps()) {
        const bool fits = begins_with(trap, known.arc) && trap.back() == known.number &&
                          trap.size() <= known.arc.size() + 3;
        if (fits) return known.name;
    }
    return std::nullopt;
}

std::optional<Oid> trap_oid_of(std::span<const Varbind> varbinds) {
    for (const Varbind& varbind : varbinds) {
        const auto* oid = std::get_if<Oid>(&varbind.value);
        if (varbind.name == oids::snmp_trap_oid_0 && oid != nullptr) return *oid;
    }
    return std::nullopt;
}

std::vector<agent::core::DriveSerial> drives_named_in(
    std::span<const Varbind> varbinds, const std::vector<agent::core::DriveSerial>& drives) {
    std::vector<agent::core::DriveSerial> named;
    for (const auto& drive : drives) {
        const bool here = std::any_of(varbinds.begin(), varbinds.end(), [&](const Varbind& one) {
            const auto* text = std::get_if<OctetString>(&one.value);
            return text != nullptr && stands_alone_in(text->bytes, drive.text);
        });
        if (here) named.push_back(drive);
    }
    return named;
}

}  // namespace snmp_mib
