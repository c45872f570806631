#pragma once

// The basic encoding rules (ITU-T X.690) as far as SNMP uses them (RFC 3417 section 8), read from
// datagrams of strangers. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace snmp_mib::ber {

inline constexpr std::uint8_t tag_integer = 0x02;
inline constexpr std::uint8_t tag_octet_string = 0x04;
inline constexpr std::uint8_t tag_object_identifier = 0x06;
inline constexpr std::uint8_t tag_sequence = 0x30;
inline constexpr std::uint8_t tag_time_ticks = 0x43;  // RFC 2578 7.1

using Bytes = std::span<const std::uint8_t>;

// Takes BER elements off the front of a piece of a datagram. After the first that does not fit
// nothing fits.
class BerReader {
  public:
    explicit BerReader(Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    [[nodiscard]] Bytes rest() const { return rest_; }  // what no element was taken of yet

    Bytes element(std::uint8_t tag) {
        if (!good_ || rest_.empty() || rest_[0] != tag) return fail();
        return any();
    }

    // The content of the next element whatever its tag; `tag` is told.
    Bytes any(std::uint8_t* tag = nullptr) {
        if (!good_ || rest_.size() < 2) return fail();
        if (tag != nullptr) *tag = rest_[0];
        std::size_t length = rest_[1];
        std::size_t header = 2;
        if (length >= 0x80) {
            const std::size_t octets = length & 0x7fU;
            if (octets == 0 || octets > 4 || rest_.size() < 2 + octets) return fail();
            length = 0;
            for (std::size_t i = 0; i < octets; ++i)
                length = length << 8U | rest_[2 + i];
            header += octets;
        }
        if (length > rest_.size() - header) return fail();
        const Bytes content = rest_.subspan(header, length);
        rest_ = rest_.subspan(header + length);
        return content;
    }

    // 0 .. 2^31-1.
    std::uint32_t natural() {
        const std::optional<std::int32_t> value = integer();
        if (!value || *value < 0) {
            fail();
            return 0;
        }
        return static_cast<std::uint32_t>(*value);
    }

    std::optional<std::int32_t> integer() {
        const Bytes content = element(tag_integer);
        if (!good_ || content.empty() || content.size() > 4) {
            fail();
            return std::nullopt;
        }
        std::uint32_t value = (content[0] & 0x80U) != 0 ? 0xffffffffU : 0;
        for (const std::uint8_t byte : content)
            value = value << 8U | byte;
        return static_cast<std::int32_t>(value);
    }

    std::string text(std::size_t most) {
        const Bytes content = element(tag_octet_string);
        if (content.size() > most) fail();
        return good_ ? std::string(content.begin(), content.end()) : std::string();
    }

  private:
    Bytes fail() {
        good_ = false;
        rest_ = {};
        return {};
    }

    Bytes rest_;
    bool good_ = true;
};

}  // namespace snmp_mib::ber
