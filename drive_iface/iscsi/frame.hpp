#pragma once

// A stream of bytes as PDUs: basic header, additional header segments, data segment, padding and
// digests (RFC 7143 11.1 and 11.2). What a PDU means is in pdu.hpp; how PDUs go out in output.hpp.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace drive_iface::iscsi {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline constexpr std::size_t basic_header_size = 48;
inline constexpr std::size_t digest_size = 4;
using BasicHeader = std::array<std::uint8_t, basic_header_size>;

struct Digests {
    bool header = false;
    bool data = false;
    bool operator==(const Digests&) const = default;
};

// One PDU cut out of the stream. Additional header segments are read and dropped: an extended CDB
// or a bidirectional read length is for commands that no tape drive here knows.
struct Frame {
    BasicHeader header{};
    // The data segment stands behind `segment_from` bytes of whoever lent the buffer.
    Bytes data;
    std::size_t segment_from = 0;
    bool data_digest_wrong = false;

    [[nodiscard]] ByteView segment() const { return ByteView(data).subspan(segment_from); }
};

// The stream can not be followed any more: close the connection.
struct StreamBroken {
    std::string reason;
};

// A PDU whose header is known. Inside FrameReader only.
struct BegunFrame {
    Frame frame;
    std::size_t segment_end = 0;  // size of frame.data when the segment is whole
    std::size_t filled = 0;       // of frame.data
    std::array<std::uint8_t, 3 + digest_size> tail{};  // padding, digest
    std::size_t tail_size = 0;
    std::size_t tail_filled = 0;
    bool digest = false;
};

// Collects bytes until a PDU is whole. Holds one PDU at most, plus what arrived behind it. Long
// data segments need not be copied: the socket reads them to where they stay.
class FrameReader {
  public:
    // A data segment longer than `data_size_max` breaks the stream.
    explicit FrameReader(std::size_t data_size_max) : data_size_max_(data_size_max) {}

    // Asked when a header has arrived whose data segment, `size` bytes, is still to come: the
    // buffer it is to be appended to, which comes back as the frame's `data`.
    using Lender = std::function<Bytes(const BasicHeader& header, std::size_t size)>;
    void set_lender(Lender lender) { lender_ = std::move(lender); }

    // Where the next bytes of the stream go: `segment` first (it may be empty), then `beyond`.
    // Valid until the next call of another function.
    struct Room {
        std::span<std::uint8_t> segment;
        std::span<std::uint8_t> beyond;
    };
    [[nodiscard]] Room room();
    // So many bytes were put there; next() first, until it has nothing, then room() again.
    void received(std::size_t size);
    // For bytes that are elsewhere already.
    void append(ByteView bytes);

    // Digests count from the next PDU that is taken out.
    void set_digests(Digests digests) { digests_ = digests; }

    // The next whole PDU, nothing until more bytes arrive, or the end of all understanding (for
    // good).
    [[nodiscard]] std::variant<std::monostate, Frame, StreamBroken> next();

  private:
    [[nodiscard]] ByteView staged() const {
        return ByteView(staging_).subspan(consumed_, end_ - consumed_);
    }
    [[nodiscard]] std::optional<StreamBroken> begin();
    [[nodiscard]] bool fill();

    std::size_t data_size_max_;
    Lender lender_;
    Digests digests_;
    Bytes staging_;  // bytes consumed_ to end_ have arrived and belong to nothing yet
    std::size_t consumed_ = 0;
    std::size_t end_ = 0;
    std::optional<BegunFrame> begun_;
    std::optional<StreamBroken> broken_;
};

}  // namespace drive_iface::iscsi
