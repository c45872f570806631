#pragma once

// PDUs on their way out, to be written by gathering: what a command read is never copied together
// with its headers.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "drive_iface/iscsi/frame.hpp"

namespace drive_iface::iscsi {

// Part of a buffer that several PDUs share; lives as long as one of them does.
class Slice {
  public:
    Slice() = default;
    Slice(Bytes bytes)  // NOLINT: bytes are a slice of themselves
        : owner_(bytes.empty() ? nullptr : std::make_shared<const Bytes>(std::move(bytes))),
          size_(owner_ ? owner_->size() : 0) {}

    [[nodiscard]] ByteView view() const {
        return owner_ ? ByteView(*owner_).subspan(from_, size_) : ByteView{};
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    // Within this slice.
    [[nodiscard]] Slice part(std::size_t from, std::size_t size) const;

  private:
    std::shared_ptr<const Bytes> owner_;
    std::size_t from_ = 0;
    std::size_t size_ = 0;
};

class OutputQueue {
  public:
    // Writes lengths, padding and digests around a header and its data. TotalAHSLength is 0.
    void push(const BasicHeader& header, Slice data, Digests digests);

    [[nodiscard]] std::size_t size() const { return size_; }  // bytes
    [[nodiscard]] bool empty() const { return size_ == 0; }

    // As many pieces from the front as fit into `pieces`; how many. Valid until the queue changes.
    [[nodiscard]] std::size_t gather(std::span<ByteView> pieces) const;
    // So many bytes are gone.
    void consume(std::size_t size);
    // All of it in one piece.
    [[nodiscard]] Bytes take();

  private:
    struct Pdu {
        std::array<std::uint8_t, basic_header_size + digest_size> head{};
        std::array<std::uint8_t, 3 + digest_size> tail{};  // padding, digest
        std::uint8_t head_size = 0;
        std::uint8_t tail_size = 0;
        Slice data;

        [[nodiscard]] std::array<ByteView, 3> pieces() const;
        [[nodiscard]] std::size_t size() const { return head_size + data.size() + tail_size; }
    };

    std::deque<Pdu> pdus_;
    std::size_t front_sent_ = 0;  // bytes of the first one
    std::size_t size_ = 0;
};

// The same appended to a stream, for one who plays the initiator.
void append_frame(Bytes& stream, const BasicHeader& header, ByteView data, Digests digests);

}  // namespace drive_iface::iscsi
