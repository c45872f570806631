#pragma once

// The basic encoding rules (ITU-T X.690) as far as SNMP uses them (RFC 3417 section 8), written
// backwards: what is inside comes before its header, so each length is known when it is written.
// Pure.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "snmp_mib/ber_reader.hpp"

namespace snmp_mib::ber {

// Fills `space` from its end. After the first element that does not fit nothing fits.
class BerWriter {
  public:
    explicit BerWriter(std::span<std::uint8_t> space) : space_(space), at_(space.size()) {}

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] std::size_t size() const { return space_.size() - at_; }
    [[nodiscard]] std::span<std::uint8_t> written() const { return space_.subspan(at_); }

    void octet(std::uint8_t value) {
        if (at_ == 0) good_ = false;
        if (good_) space_[--at_] = value;
    }
    void octets(Bytes bytes) {
        if (bytes.size() > at_) good_ = false;
        if (!good_) return;
        at_ -= bytes.size();
        std::copy(bytes.begin(), bytes.end(), space_.begin() + static_cast<std::ptrdiff_t>(at_));
    }
    void zeros(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            octet(0);
    }
    // The header of what was written since size() was `before`.
    void header(std::uint8_t tag, std::size_t before) {
        const std::size_t length = size() - before;
        unsigned length_octets = 0;
        for (std::size_t rest = length; length >= 0x80 && rest != 0; rest >>= 8U, ++length_octets)
            octet(static_cast<std::uint8_t>(rest & 0xffU));
        octet(static_cast<std::uint8_t>(length_octets == 0 ? length : 0x80U | length_octets));
        octet(tag);
    }
    void integer(std::int32_t value) {
        const std::size_t before = size();
        std::int32_t rest = value;
        do {
            octet(static_cast<std::uint8_t>(rest & 0xff));
            rest >>= 8;
        } while (rest != 0 && rest != -1);
        const bool looks_negative = good_ && (space_[at_] & 0x80U) != 0;
        if (looks_negative != (value < 0)) octet(value < 0 ? 0xff : 0);
        header(tag_integer, before);
    }
    // Never negative: a number whose first bit is set has a zero before it.
    void natural(std::uint8_t tag, std::uint64_t value) {
        const std::size_t before = size();
        std::uint64_t rest = value;
        do {
            octet(static_cast<std::uint8_t>(rest & 0xffU));
            rest >>= 8U;
        } while (rest != 0);
        if (good_ && (space_[at_] & 0x80U) != 0) octet(0);
        header(tag, before);
    }
    void text(std::string_view bytes) {
        const std::size_t before = size();
        octets({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
        header(tag_octet_string, before);
    }

  private:
    std::span<std::uint8_t> space_;
    std::size_t at_;
    bool good_ = true;
};

}  // namespace snmp_mib::ber
