#include "drive_iface/iscsi/frame.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::iscsi {

namespace {

constexpr std::size_t total_ahs_length_at = 4;
constexpr std::size_t data_segment_length_at = 5;
// Small enough that a long segment is read in place for the most part, large enough for many small
// PDUs at a time.
constexpr std::size_t staging_size = std::size_t{32} * 1024;
// A buffer grows as its bytes come, not as they are announced.
constexpr std::size_t growth_max = std::size_t{256} * 1024;

bool digest_is_right(std::uint32_t sum, ByteView digest) {
    for (std::size_t i = 0; i < digest_size; ++i) {
        if (digest[i] != static_cast<std::uint8_t>(sum >> (8 * i))) return false;
    }
    return true;
}

}  // namespace

FrameReader::Room FrameReader::room() {
    if (consumed_ > 0) {
        std::copy(staging_.begin() + static_cast<std::ptrdiff_t>(consumed_),
                  staging_.begin() + static_cast<std::ptrdiff_t>(end_), staging_.begin());
        end_ -= std::exchange(consumed_, 0);
    }
    if (staging_.size() < end_ + staging_size / 2)
        staging_.resize(std::max(staging_size, end_ + staging_size / 2));
    Room room{.segment = {}, .beyond = std::span(staging_).subspan(end_)};
    if (begun_ && begun_->filled < begun_->segment_end) {
        auto& data = begun_->frame.data;
        data.resize(std::min(begun_->segment_end, begun_->filled + growth_max));
        room.segment = std::span(data).subspan(begun_->filled);
        // What is behind this part belongs to the same segment and would only be copied.
        if (data.size() < begun_->segment_end) room.beyond = {};
    }
    return room;
}

void FrameReader::received(std::size_t size) {
    if (broken_) return;
    if (begun_ && begun_->filled < begun_->segment_end) {
        const auto here = std::min(size, begun_->frame.data.size() - begun_->filled);
        begun_->filled += here;
        size -= here;
    }
    end_ += size;
}

void FrameReader::append(ByteView bytes) {
    if (broken_) return;
    staging_.resize(end_);
    staging_.insert(staging_.end(), bytes.begin(), bytes.end());
    end_ = staging_.size();
}

std::variant<std::monostate, Frame, StreamBroken> FrameReader::next() {
    if (broken_) return *broken_;
    if (!begun_) {
        if (auto broken = begin()) {
            broken_ = std::move(broken);
            return *broken_;
        }
    }
    if (!begun_ || !fill()) return std::monostate{};
    auto& frame = begun_->frame;
    if (begun_->digest) {
        const auto tail = ByteView(begun_->tail).first(begun_->tail_size);
        const auto padding = tail.first(tail.size() - digest_size);
        const auto sum = checksum::crc32c(padding, checksum::crc32c(frame.segment()));
        frame.data_digest_wrong = !digest_is_right(sum, tail.subspan(padding.size()));
    }
    std::variant<std::monostate, Frame, StreamBroken> whole(std::move(frame));
    begun_.reset();
    return whole;
}

// Takes a whole header out of what is staged, when there is one.
std::optional<StreamBroken> FrameReader::begin() {
    const auto rest = staged();
    if (rest.size() < basic_header_size) return std::nullopt;
    const std::size_t data_size = (std::size_t{rest[data_segment_length_at]} << 16) |
                                  (std::size_t{rest[data_segment_length_at + 1]} << 8) |
                                  std::size_t{rest[data_segment_length_at + 2]};
    const std::size_t header_size = basic_header_size + std::size_t{rest[total_ahs_length_at]} * 4;
    const std::size_t header_end = header_size + (digests_.header ? digest_size : 0);
    // Without a digest a length beyond all bounds is told at once; with one it has to be right
    // first.
    if (rest.size() < header_end && digests_.header) return std::nullopt;
    if (digests_.header &&
        !digest_is_right(checksum::crc32c(rest.first(header_size)), rest.subspan(header_size))) {
        // ERL 0: lengths that can not be trusted end the connection (RFC 7143 7.7).
        return StreamBroken{"header digest error"};
    }
    if (data_size > data_size_max_) {
        return StreamBroken{"data segment of " + std::to_string(data_size) + " bytes, at most " +
                            std::to_string(data_size_max_) + " were declared"};
    }
    if (rest.size() < header_end) return std::nullopt;

    auto& begun = begun_.emplace();
    std::copy_n(rest.begin(), basic_header_size, begun.frame.header.begin());
    consumed_ += header_end;
    if (data_size == 0) return std::nullopt;
    if (lender_) begun.frame.data = lender_(begun.frame.header, data_size);
    begun.frame.segment_from = begun.filled = begun.frame.data.size();
    begun.segment_end = begun.filled + data_size;
    begun.digest = digests_.data;
    begun.tail_size = (4 - data_size % 4) % 4 + (begun.digest ? digest_size : 0);
    return std::nullopt;
}

// Moves staged bytes to where they belong; true when the PDU is whole.
bool FrameReader::fill() {
    auto& begun = *begun_;
    if (begun.filled < begun.segment_end) {
        auto& data = begun.frame.data;
        const auto size = std::min(staged().size(), begun.segment_end - begun.filled);
        const auto from = staged().first(size);
        if (data.capacity() < begun.segment_end) data.reserve(begun.segment_end);
        if (!from.empty()) {
            data.resize(begun.filled);
            data.insert(data.end(), from.begin(), from.end());
        }
        begun.filled += size;
        consumed_ += size;
        if (begun.filled < begun.segment_end) return false;
    }
    const auto rest =
        staged().first(std::min(staged().size(), begun.tail_size - begun.tail_filled));
    std::copy(rest.begin(), rest.end(),
              begun.tail.begin() + static_cast<std::ptrdiff_t>(begun.tail_filled));
    begun.tail_filled += rest.size();
    consumed_ += rest.size();
    return begun.tail_filled == begun.tail_size;
}

}  // namespace drive_iface::iscsi
