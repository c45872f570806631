#pragma once

// The remote magnetic tape protocol: bytes <-> requests and replies. A client sends a letter, its
// arguments and line ends; W is followed by the record. The server answers A<number>, or E<errno>
// and a line of text (rmt(8) of 4.3BSD; GNU tar's and star's servers for what came later).
//
// Clients disagree, and all of them are understood: S comes with and without a line end, the two
// lines of L in both orders, the mode of O as a number, as names, or both.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drive_iface::rmt {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t line_size_max = 1024;
constexpr std::uint32_t record_length_max = 8 * 1024 * 1024;

enum class Access : std::uint8_t { read, write, read_write };

struct OpenRequest {
    std::string device;
    Access access = Access::read;
    bool operator==(const OpenRequest&) const = default;
};
struct CloseRequest {
    bool operator==(const CloseRequest&) const = default;
};
struct ReadRequest {
    std::uint64_t count = 0;
    bool operator==(const ReadRequest&) const = default;
};
struct WriteRequest {
    Bytes record;
    bool operator==(const WriteRequest&) const = default;
};
struct SeekRequest {
    enum class Whence : std::uint8_t { set, current, end };
    std::int64_t offset = 0;
    Whence whence = Whence::set;
    bool operator==(const SeekRequest&) const = default;
};
// I: `code` as it came; what it means depends on the client (see tape_operation.hpp).
struct OperationRequest {
    std::int64_t code = 0;
    std::int64_t count = 0;
    bool operator==(const OperationRequest&) const = default;
};
// i of star, whose numbers mean the same everywhere.
struct StarOperationRequest {
    std::int64_t code = 0;
    std::int64_t count = 0;
    bool operator==(const StarOperationRequest&) const = default;
};
struct StatusRequest {
    bool operator==(const StatusRequest&) const = default;
};
// s of star: one field of the status.
struct StatusFieldRequest {
    char field = 0;
    bool operator==(const StatusFieldRequest&) const = default;
};
struct VersionRequest {
    bool operator==(const VersionRequest&) const = default;
};
// What could not be understood. `fatal`: nor can it be told where the next request begins.
struct BadRequest {
    int error = 0;  // errno
    std::string what;
    bool fatal = false;
    bool operator==(const BadRequest&) const = default;
};

using Request = std::variant<OpenRequest, CloseRequest, ReadRequest, WriteRequest, SeekRequest,
                             OperationRequest, StarOperationRequest, StatusRequest,
                             StatusFieldRequest, VersionRequest, BadRequest>;

// Puts requests together as their bytes come. A record is received where it stays.
class RequestReader {
  public:
    RequestReader();

    // Where the next bytes from the client go: never empty, valid until received().
    [[nodiscard]] std::span<std::uint8_t> room();
    // `count` bytes of room() came.
    void received(std::size_t count);
    // The next whole request, in order; nothing: more has to come. After a fatal one nothing more
    // is told.
    [[nodiscard]] std::optional<Request> next();

    // Is part of a request here, but not all of it?
    [[nodiscard]] bool in_the_middle() const;

  private:
    [[nodiscard]] std::optional<std::string_view> line_at(std::size_t at) const;
    [[nodiscard]] std::optional<Request> take_lines(char letter);
    [[nodiscard]] std::optional<Request> take_record();
    [[nodiscard]] std::optional<Request> start_record(std::string_view count);
    [[nodiscard]] std::optional<Request> stop(std::string what);

    std::vector<std::uint8_t> buffer_;
    std::size_t begin_ = 0;  // of what is not taken yet
    std::size_t end_ = 0;

    bool in_record_ = false;
    Bytes record_;
    std::size_t record_filled_ = 0;
    std::uint64_t to_skip_ = 0;  // of a record that is too long
    bool stopped_ = false;
};

// Mode of O: "65", "O_RDWR", "65 O_WRONLY|O_CREAT"; names win over the number.
[[nodiscard]] std::optional<Access> access_from_text(std::string_view mode);

// ---- replies

[[nodiscard]] std::string accepted(std::int64_t number);
// Line ends in `text` become blanks; clients show only what strerror() says about `error`.
[[nodiscard]] std::string refused(int error, std::string_view text);
// And the connection is over.
[[nodiscard]] std::string refused_for_good(int error, std::string_view text);

}  // namespace drive_iface::rmt
