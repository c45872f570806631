#include "drive_iface/iscsi/text_keys.hpp"

#include <algorithm>
#include <utility>

namespace drive_iface::iscsi {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

std::optional<Bytes> bytes_from_hex(std::string_view digits) {
    Bytes bytes;
    // An odd number of digits has a zero in front of it.
    std::size_t at = 0;
    while (at < digits.size()) {
        const std::size_t count = (digits.size() - at) % 2 == 1 ? 1 : 2;
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const int digit = hex_digit(digits[at + i]);
            if (digit < 0) return std::nullopt;
            value = value * 16 + digit;
        }
        bytes.push_back(static_cast<std::uint8_t>(value));
        at += count;
    }
    return bytes;
}

std::optional<Bytes> bytes_from_base64(std::string_view text) {
    while (!text.empty() && text.back() == '=')
        text.remove_suffix(1);
    Bytes bytes;
    std::uint32_t collected = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const int digit = base64_digit(c);
        if (digit < 0) return std::nullopt;
        collected = ((collected << 6) | static_cast<std::uint32_t>(digit)) & 0xffffU;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes.push_back(static_cast<std::uint8_t>(collected >> bits));
    }
    return bytes;
}

bool is_key_name(std::string_view name) {
    return !name.empty() && name.size() <= text_key_size_max &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::variant<TextKeys, BadText> parse_text(ByteView bytes) {
    if (bytes.size() > text_size_max) return BadText{"text too long"};
    TextKeys keys;
    for (auto rest = bytes; !rest.empty();) {
        const auto end = std::find(rest.begin(), rest.end(), 0);
        const std::string pair(rest.begin(), end);
        rest = rest.subspan(pair.size() + (end == rest.end() ? 0 : 1));
        if (pair.empty()) continue;  // some initiators pad with NULs
        const auto equals = pair.find('=');
        if (equals == std::string::npos) return BadText{"a key without '='"};
        TextKey key{pair.substr(0, equals), pair.substr(equals + 1)};
        if (!is_key_name(key.name)) return BadText{"not a key name"};
        if (key.value.size() > text_value_size_max)
            return BadText{"the value of " + key.name + " is too long"};
        if (find_key(keys, key.name)) return BadText{key.name + " stands twice"};
        if (keys.size() == text_keys_max)
            return BadText{"more than " + std::to_string(text_keys_max) + " keys"};
        keys.push_back(std::move(key));
    }
    return keys;
}

void append_text(Bytes& bytes, std::string_view name, std::string_view value) {
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.push_back('=');
    bytes.insert(bytes.end(), value.begin(), value.end());
    bytes.push_back(0);
}

std::optional<std::string> find_key(const TextKeys& keys, std::string_view name) {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const TextKey& key) { return key.name == name; });
    if (found == keys.end()) return std::nullopt;
    return found->value;
}

std::vector<std::string> split_values(std::string_view value) {
    std::vector<std::string> values;
    while (true) {
        const auto comma = value.find(',');
        values.emplace_back(value.substr(0, comma));
        if (comma == std::string_view::npos) return values;
        value.remove_prefix(comma + 1);
    }
}

std::optional<std::uint32_t> number_from_text(std::string_view text) {
    const bool hexadecimal =
        text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const std::uint64_t base = hexadecimal ? 16 : 10;
    if (hexadecimal) text.remove_prefix(2);
    if (text.empty()) return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text) {
        const int digit = hex_digit(c);
        if (digit < 0 || static_cast<std::uint64_t>(digit) >= base) return std::nullopt;
        number = number * base + static_cast<std::uint64_t>(digit);
        if (number > 0xffffffffU) return std::nullopt;
    }
    return static_cast<std::uint32_t>(number);
}

std::optional<Bytes> binary_from_text(std::string_view text, std::size_t size_max) {
    if (text.size() < 3 || text[0] != '0') return std::nullopt;
    const char kind = text[1];
    text.remove_prefix(2);
    std::optional<Bytes> bytes;
    if (kind == 'x' || kind == 'X') bytes = bytes_from_hex(text);
    if (kind == 'b' || kind == 'B') bytes = bytes_from_base64(text);
    if (bytes && bytes->size() > size_max) return std::nullopt;
    return bytes;
}

bool TextCollector::add(ByteView piece) {
    if (bytes_.size() + piece.size() > text_size_max) return false;
    bytes_.insert(bytes_.end(), piece.begin(), piece.end());
    return true;
}

Bytes TextCollector::take() {
    return std::exchange(bytes_, {});
}

}  // namespace drive_iface::iscsi
