#include "drive_iface/iscsi/frame.hpp"

#include <algorithm>

#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::iscsi {

namespace {

constexpr std::size_t digest_size = 4;
constexpr std::size_t total_ahs_length_at = 4;
constexpr std::size_t data_segment_length_at = 5;

constexpr std::size_t padded(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

bool digest_is_right(ByteView covered, ByteView digest) {
    const auto sum = checksum::crc32c(covered);
    for (std::size_t i = 0; i < digest_size; ++i) {
        if (digest[i] != static_cast<std::uint8_t>(sum >> (8 * i))) return false;
    }
    return true;
}

void append_digest(Bytes& stream, std::size_t covered_from) {
    const auto sum = checksum::crc32c(ByteView(stream).subspan(covered_from));
    for (std::size_t i = 0; i < digest_size; ++i) {
        stream.push_back(static_cast<std::uint8_t>(sum >> (8 * i)));
    }
}

}  // namespace

void FrameReader::append(ByteView bytes) {
    if (broken_) return;
    if (consumed_ > 0) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(consumed_));
        consumed_ = 0;
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::variant<std::monostate, Frame, StreamBroken> FrameReader::next() {
    if (broken_) return *broken_;
    const auto rest = ByteView(bytes_).subspan(consumed_);
    if (rest.size() < basic_header_size) return std::monostate{};

    const std::size_t ahs_size = std::size_t{rest[total_ahs_length_at]} * 4;
    const std::size_t data_size = (std::size_t{rest[data_segment_length_at]} << 16) |
                                  (std::size_t{rest[data_segment_length_at + 1]} << 8) |
                                  std::size_t{rest[data_segment_length_at + 2]};
    const std::size_t header_size = basic_header_size + ahs_size;
    const std::size_t header_end = header_size + (digests_.header ? digest_size : 0);
    if (digests_.header) {
        if (rest.size() < header_end) return std::monostate{};
        // ERL 0: lengths that can not be trusted end the connection (RFC 7143 7.7).
        if (!digest_is_right(rest.first(header_size), rest.subspan(header_size))) {
            broken_ = StreamBroken{"header digest error"};
            return *broken_;
        }
    }
    if (data_size > data_size_max_) {
        broken_ = StreamBroken{"data segment of " + std::to_string(data_size) + " bytes, at most " +
                               std::to_string(data_size_max_) + " were declared"};
        return *broken_;
    }
    const std::size_t data_end = header_end + padded(data_size);
    const bool data_digest = digests_.data && data_size > 0;
    const std::size_t end = data_end + (data_digest ? digest_size : 0);
    if (rest.size() < end) return std::monostate{};

    Frame frame;
    std::copy_n(rest.begin(), basic_header_size, frame.header.begin());
    const auto data = rest.subspan(header_end, data_size);
    frame.data.assign(data.begin(), data.end());
    if (data_digest) {
        frame.data_digest_wrong =
            !digest_is_right(rest.subspan(header_end, padded(data_size)), rest.subspan(data_end));
    }
    consumed_ += end;
    return frame;
}

void append_frame(Bytes& stream, const BasicHeader& header, ByteView data, Digests digests) {
    const auto header_from = stream.size();
    stream.insert(stream.end(), header.begin(), header.end());
    stream[header_from + total_ahs_length_at] = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        stream[header_from + data_segment_length_at + i] =
            static_cast<std::uint8_t>(data.size() >> (8 * (2 - i)));
    }
    if (digests.header) append_digest(stream, header_from);
    if (data.empty()) return;
    const auto data_from = stream.size();
    stream.insert(stream.end(), data.begin(), data.end());
    stream.resize(data_from + padded(data.size()), 0);
    if (digests.data) append_digest(stream, data_from);
}

}  // namespace drive_iface::iscsi
