#include "drive_iface/cartridge/tap_format.hpp"

#include <algorithm>

#include "drive_iface/cartridge/little_endian.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::cartridge {

namespace {

constexpr std::uint64_t window_size = 1 << 20;

}  // namespace

std::size_t put_tap_joint(std::span<std::uint8_t> into, std::uint32_t block_length,
                          std::uint32_t next) {
    std::size_t at = 0;
    if ((block_length & 1U) != 0) into[at++] = 0;
    set_little_endian<std::uint32_t>(into, at, block_length);
    set_little_endian<std::uint32_t>(into, at + tap_word, next);
    return at + 2 * tap_word;
}

TapScanner::TapScanner(ReadAt read_at, std::uint64_t offset, std::uint64_t file_size)
    : read_at_(std::move(read_at)), offset_(offset), file_size_(file_size) {
    buffer_.resize(std::min(window_size, file_size));
}

// `size` bytes at `offset` when the file has them and they can be read, nothing otherwise.
ByteView TapScanner::window(std::uint64_t offset, std::uint64_t size) {
    if (offset > file_size_ || size > file_size_ - offset) return {};
    const bool there = offset >= buffer_offset_ && offset + size <= buffer_offset_ + buffer_filled_;
    if (!there) {
        if (buffer_.size() < size) buffer_.resize(size);
        buffer_filled_ = 0;
        const auto wanted = std::min<std::uint64_t>(buffer_.size(), file_size_ - offset);
        if (!read_at_(offset, std::span(buffer_).first(wanted))) {
            read_failed_ = true;
            return {};
        }
        buffer_offset_ = offset;
        buffer_filled_ = wanted;
    }
    return ByteView(buffer_).subspan(offset - buffer_offset_, size);
}

TapItem TapScanner::next() {
    for (;;) {
        if (offset_ >= file_size_) return {TapItem::Kind::end_of_medium, offset_, 0, 0};
        const auto leading = window(offset_, tap_word);
        if (leading.empty()) return {TapItem::Kind::torn, offset_, 0, 0};
        const auto word = little_endian_at<std::uint32_t>(leading, 0);
        if (word == tap_end_of_medium) return {TapItem::Kind::end_of_medium, offset_, 0, 0};
        if (word == tap_erase_gap) {
            offset_ += tap_word;
            continue;
        }
        if (word == tap_filemark) {
            offset_ += tap_word;
            return {TapItem::Kind::filemark, offset_ - tap_word, 0, 0};
        }
        return block(word);
    }
}

TapItem TapScanner::block(std::uint32_t word) {
    const TapItem torn{TapItem::Kind::torn, offset_, 0, 0};
    const auto length = word & ~tap_error_flag;
    if (length == 0 || length > virtual_library::block_length_max) return torn;
    const auto record = window(offset_, tap_size(length));
    if (record.empty()) return torn;
    if (little_endian_at<std::uint32_t>(record, record.size() - tap_word) != word) return torn;
    const auto kind = word == length ? TapItem::Kind::block : TapItem::Kind::block_in_error;
    const TapItem item{kind, offset_, length, checksum::crc32c(record.subspan(tap_word, length))};
    offset_ += record.size();
    return item;
}

}  // namespace drive_iface::cartridge
