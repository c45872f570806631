#include "drive_iface/iscsi/output.hpp"

#include <algorithm>

#include "agent/core/assert.hpp"
#include "drive_iface/checksum/crc32c.hpp"

namespace drive_iface::iscsi {

namespace {

constexpr std::size_t total_ahs_length_at = 4;
constexpr std::size_t data_segment_length_at = 5;

void put_digest(std::uint8_t* at, std::uint32_t sum) {
    for (std::size_t i = 0; i < digest_size; ++i)
        at[i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

}  // namespace

Slice Slice::part(std::size_t from, std::size_t size) const {
    AGENT_ASSERT(from <= size_ && size <= size_ - from);
    Slice part(*this);
    part.from_ += from;
    part.size_ = size;
    return part;
}

std::array<ByteView, 3> OutputQueue::Pdu::pieces() const {
    return {ByteView(head).first(head_size), data.view(), ByteView(tail).first(tail_size)};
}

void OutputQueue::push(const BasicHeader& header, Slice data, Digests digests) {
    auto& pdu = pdus_.emplace_back();
    std::copy(header.begin(), header.end(), pdu.head.begin());
    pdu.head[total_ahs_length_at] = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        pdu.head.at(data_segment_length_at + i) =
            static_cast<std::uint8_t>(data.size() >> (8 * (2 - i)));
    }
    pdu.head_size = basic_header_size;
    if (digests.header) {
        put_digest(&pdu.head[basic_header_size],
                   checksum::crc32c(ByteView(pdu.head).first(basic_header_size)));
        pdu.head_size += digest_size;
    }
    if (data.size() > 0) {
        const std::size_t padding = (4 - data.size() % 4) % 4;
        pdu.tail_size = static_cast<std::uint8_t>(padding);
        if (digests.data) {
            put_digest(&pdu.tail.at(padding), checksum::crc32c(ByteView(pdu.tail).first(padding),
                                                               checksum::crc32c(data.view())));
            pdu.tail_size = static_cast<std::uint8_t>(padding + digest_size);
        }
    }
    pdu.data = std::move(data);
    size_ += pdu.size();
}

std::size_t OutputQueue::gather(std::span<ByteView> pieces) const {
    std::size_t count = 0;
    std::size_t skipped = front_sent_;
    for (const auto& pdu : pdus_) {
        for (auto piece : pdu.pieces()) {
            const auto skip = std::min(skipped, piece.size());
            skipped -= skip;
            piece = piece.subspan(skip);
            if (piece.empty()) continue;
            if (count == pieces.size()) return count;
            pieces[count++] = piece;
        }
    }
    return count;
}

void OutputQueue::consume(std::size_t size) {
    AGENT_ASSERT(size <= size_);
    size_ -= size;
    front_sent_ += size;
    while (!pdus_.empty() && front_sent_ >= pdus_.front().size()) {
        front_sent_ -= pdus_.front().size();
        pdus_.pop_front();
    }
}

Bytes OutputQueue::take() {
    Bytes all;
    all.reserve(size_);
    for (const auto& pdu : pdus_) {
        for (const auto piece : pdu.pieces())
            all.insert(all.end(), piece.begin(), piece.end());
    }
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(front_sent_));
    pdus_.clear();
    front_sent_ = size_ = 0;
    return all;
}

void append_frame(Bytes& stream, const BasicHeader& header, ByteView data, Digests digests) {
    OutputQueue one;
    one.push(header, Bytes(data.begin(), data.end()), digests);
    const auto bytes = one.take();
    stream.insert(stream.end(), bytes.begin(), bytes.end());
}

}  // namespace drive_iface::iscsi
