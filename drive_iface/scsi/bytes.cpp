#include "drive_iface/scsi/bytes.hpp"

#include <algorithm>

#include "agent/core/assert.hpp"

namespace drive_iface::scsi {

ByteView ByteReader::take(std::size_t size) {
    if (!ok_ || size > bytes_.size() - position_) {
        ok_ = false;
        return {};
    }
    const ByteView taken = bytes_.subspan(position_, size);
    position_ += size;
    return taken;
}

std::uint64_t ByteReader::number(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(size))
        value = value << 8 | byte;
    return value;
}

ByteWriter& ByteWriter::zeros(std::size_t count) {
    bytes_.insert(bytes_.end(), count, std::uint8_t{0});
    return *this;
}

ByteWriter& ByteWriter::bytes(ByteView value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
}

ByteWriter& ByteWriter::ascii(std::string_view text, std::size_t width) {
    const std::size_t used = std::min(text.size(), width);
    for (const char c : text.substr(0, used))
        bytes_.push_back(static_cast<std::uint8_t>(c));
    bytes_.insert(bytes_.end(), width - used, std::uint8_t{' '});
    return *this;
}

ByteWriter& ByteWriter::number(std::uint64_t value, std::size_t size) {
    bytes_.resize(bytes_.size() + size);
    set_number(bytes_.size() - size, value, size);
    return *this;
}

void ByteWriter::set_number(std::size_t at, std::uint64_t value, std::size_t size) {
    AGENT_ASSERT(at + size <= bytes_.size());
    for (std::size_t i = size; i > 0; --i) {
        bytes_[at + i - 1] = static_cast<std::uint8_t>(value);
        value >>= 8;
    }
}

std::string to_hex(ByteView bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    }
    return text;
}

std::string trimmed_ascii(ByteView bytes) {
    const auto is_text = [](std::uint8_t byte) { return byte != ' ' && byte != 0; };
    const auto first = std::find_if(bytes.begin(), bytes.end(), is_text);
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), is_text).base();
    if (first >= last) return {};
    std::string text(first, last);
    // A serial number goes into logs and notices: whatever is not printable becomes visible instead
    // of acting there.
    for (char& c : text) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    return text;
}

}  // namespace drive_iface::scsi
