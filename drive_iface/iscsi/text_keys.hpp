#pragma once

// Text of Login and Text PDUs: KEY=VALUE pairs, each ended by a NUL (RFC 7143 6.1 and 6.2).

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drive_iface/iscsi/frame.hpp"

namespace drive_iface::iscsi {

inline constexpr std::size_t text_size_max = std::size_t{64} * 1024;
inline constexpr std::size_t text_keys_max = 96;      // so that every answer fits into 8192 bytes
inline constexpr std::size_t text_key_size_max = 63;  // RFC 7143 6.1, key-name
inline constexpr std::size_t text_value_size_max = 8192;

struct TextKey {
    std::string name;
    std::string value;
    bool operator==(const TextKey&) const = default;
};

using TextKeys = std::vector<TextKey>;

struct BadText {
    std::string why;
};

// A last pair without its NUL is accepted; an empty name, a missing '=', a key that stands twice
// and everything beyond the limits above are not.
[[nodiscard]] std::variant<TextKeys, BadText> parse_text(ByteView bytes);

void append_text(Bytes& bytes, std::string_view name, std::string_view value);

[[nodiscard]] std::optional<std::string> find_key(const TextKeys& keys, std::string_view name);

// "a,b,c" as a list.
[[nodiscard]] std::vector<std::string> split_values(std::string_view value);

// Decimal or 0x hexadecimal (RFC 7143 6.1, numerical-value); nothing when it is neither or too
// large.
[[nodiscard]] std::optional<std::uint32_t> number_from_text(std::string_view text);

// "0x..." or "0b..." (base64) as bytes, at most `size_max`; nothing when it is neither.
[[nodiscard]] std::optional<Bytes> binary_from_text(std::string_view text, std::size_t size_max);

// Puts a text back together that was sent in pieces with the C bit.
class TextCollector {
  public:
    // False: longer than text_size_max in all.
    [[nodiscard]] bool add(ByteView piece);
    // What has been collected; begins anew.
    [[nodiscard]] Bytes take();

  private:
    Bytes bytes_;
};

}  // namespace drive_iface::iscsi
