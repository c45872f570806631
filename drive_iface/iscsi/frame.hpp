#pragma once

// A stream of bytes as PDUs: basic header, additional header segments, data segment, padding and
// digests (RFC 7143 11.1 and 11.2). What a PDU means is in pdu.hpp.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace drive_iface::iscsi {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline constexpr std::size_t basic_header_size = 48;
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
    Bytes data;
    bool data_digest_wrong = false;
};

// The stream can not be followed any more: close the connection.
struct StreamBroken {
    std::string reason;
};

// Collects bytes until a PDU is whole. Holds one PDU at most, plus what arrived behind it.
class FrameReader {
  public:
    // A data segment longer than `data_size_max` breaks the stream.
    explicit FrameReader(std::size_t data_size_max) : data_size_max_(data_size_max) {}

    void append(ByteView bytes);

    // Digests count from the next PDU that is taken out.
    void set_digests(Digests digests) { digests_ = digests; }

    // The next whole PDU, nothing until more bytes arrive, or the end of all understanding (for
    // good).
    [[nodiscard]] std::variant<std::monostate, Frame, StreamBroken> next();

  private:
    std::size_t data_size_max_;
    Digests digests_;
    Bytes bytes_;
    std::size_t consumed_ = 0;
    std::optional<StreamBroken> broken_;
};

// Writes lengths, padding and digests around a header and its data. TotalAHSLength is 0.
void append_frame(Bytes& stream, const BasicHeader& header, ByteView data, Digests digests);

}  // namespace drive_iface::iscsi
