#include "snmp_mib/varbind_ber.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "snmp_mib/ber_writer.hpp"
#include "snmp_mib/datagram.hpp"

namespace snmp_mib {

namespace {

using ber::BerReader;
using ber::BerWriter;
using ber::Bytes;

// RFC 2578 7.1.
constexpr std::uint8_t tag_unsigned32 = 0x42;
constexpr std::uint8_t tag_counter64 = 0x46;
constexpr std::size_t sub_identifiers_max = 128;  // RFC 2578 3.5
constexpr std::size_t list_varbinds_max = 256;

// The first two sub-identifiers share an octet (X.690 8.19.4).
bool write_object_identifier(BerWriter& writer, const Oid& oid) {
    const bool fits =
        oid.size() >= 2 && oid.size() <= sub_identifiers_max && oid[0] <= 2 && oid[1] < 40;
    if (!fits) return false;
    const std::size_t before = writer.size();
    for (std::size_t i = oid.size(); i-- > 2;) {
        std::uint32_t rest = oid[i];
        writer.octet(static_cast<std::uint8_t>(rest & 0x7fU));
        while ((rest >>= 7U) != 0)
            writer.octet(static_cast<std::uint8_t>(0x80U | (rest & 0x7fU)));
    }
    writer.octet(static_cast<std::uint8_t>(oid[0] * 40 + oid[1]));
    writer.header(ber::tag_object_identifier, before);
    return true;
}

struct WriteValue {
    BerWriter& writer;
    bool operator()(const Integer32& number) const {
        writer.integer(number.value);
        return true;
    }
    bool operator()(const Unsigned32& number) const {
        writer.natural(tag_unsigned32, number.value);
        return true;
    }
    bool operator()(const Counter64& number) const {
        writer.natural(tag_counter64, number.value);
        return true;
    }
    bool operator()(const TimeTicks& ticks) const {
        writer.natural(ber::tag_time_ticks, ticks.value);
        return true;
    }
    bool operator()(const OctetString& octets) const {
        writer.text(octets.bytes);
        return true;
    }
    bool operator()(const Oid& oid) const { return write_object_identifier(writer, oid); }
    bool operator()(const OtherType& /*value*/) const { return false; }
};

// Not negative, below 2^(8 * octets_max).
std::optional<std::uint64_t> natural_in(Bytes content, std::size_t octets_max) {
    if (content.empty() || (content[0] & 0x80U) != 0 || content.size() > octets_max + 1 ||
        (content.size() > octets_max && content[0] != 0)) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const std::uint8_t octet : content)
        value = value << 8U | octet;
    return value;
}

std::optional<VarbindValue> value_in(BerReader& reader) {
    if (reader.rest().empty()) return std::nullopt;
    if (reader.rest()[0] == ber::tag_integer) {
        const auto number = reader.integer();
        if (!number) return std::nullopt;
        return Integer32{*number};
    }
    std::uint8_t tag = 0;
    const Bytes content = reader.any(&tag);
    if (!reader.good()) return std::nullopt;
    if (tag == ber::tag_octet_string) {
        return OctetString{std::string(content.begin(), content.end())};
    }
    if (tag == ber::tag_object_identifier) {
        auto oid = object_identifier_of(content);
        if (!oid) return std::nullopt;
        return std::move(*oid);
    }
    const bool is_number =
        tag == tag_unsigned32 || tag == ber::tag_time_ticks || tag == tag_counter64;
    if (!is_number) return std::nullopt;
    const auto number = natural_in(content, tag == tag_counter64 ? 8 : 4);
    if (!number) return std::nullopt;
    if (tag == tag_counter64) return Counter64{*number};
    const auto narrow = static_cast<std::uint32_t>(*number);
    if (tag == ber::tag_time_ticks) return TimeTicks{narrow};
    return Unsigned32{narrow};
}

std::string encode_list(std::span<const Varbind> varbinds) {
    std::array<std::uint8_t, datagram_length_max> space;
    BerWriter writer(space);
    for (auto varbind = varbinds.rbegin(); varbind != varbinds.rend(); ++varbind) {
        const std::size_t before = writer.size();
        if (!std::visit(WriteValue{writer}, varbind->value) ||
            !write_object_identifier(writer, varbind->name)) {
            return {};
        }
        writer.header(ber::tag_sequence, before);
    }
    writer.header(ber::tag_sequence, 0);
    if (!writer.good()) return {};
    return {writer.written().begin(), writer.written().end()};
}

}  // namespace

SharedBody notification_body(std::vector<Varbind> varbinds) {
    std::string encoded = encode_list(varbinds);
    return std::make_shared<const NotificationBody>(
        NotificationBody{std::move(varbinds), std::move(encoded)});
}

std::optional<Oid> object_identifier_of(Bytes content) {
    Oid oid;
    oid.reserve(content.size() + 1);
    std::uint64_t identifier = 0;
    bool inside = false;
    for (const std::uint8_t octet : content) {
        identifier = identifier << 7U | (octet & 0x7fU);
        if (identifier > 0xffffffffU) return std::nullopt;
        inside = (octet & 0x80U) != 0;
        if (inside) continue;
        if (oid.empty()) {
            const std::uint64_t first = std::min<std::uint64_t>(identifier / 40, 2);
            oid.push_back(static_cast<std::uint32_t>(first));
            identifier -= first * 40;
        }
        oid.push_back(static_cast<std::uint32_t>(identifier));
        if (oid.size() > sub_identifiers_max) return std::nullopt;
        identifier = 0;
    }
    if (oid.empty() || inside) return std::nullopt;
    return oid;
}

std::optional<std::vector<Varbind>> varbinds_in_list(Bytes content) {
    std::vector<Varbind> varbinds;
    varbinds.reserve(16);
    BerReader list(content);
    while (!list.empty()) {
        BerReader one(list.element(ber::tag_sequence));
        auto name = object_identifier_of(one.element(ber::tag_object_identifier));
        if (!name) return std::nullopt;
        auto value = value_in(one);
        if (!value || !one.good() || !one.empty() || varbinds.size() == list_varbinds_max)
            return std::nullopt;
        varbinds.push_back({std::move(*name), std::move(*value)});
    }
    if (!list.good()) return std::nullopt;
    return varbinds;
}

}  // namespace snmp_mib
