#include "drive_iface/rmt/rmt_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace drive_iface::rmt {

namespace {

// Holds two lines of the longest and the letter of what follows.
constexpr std::size_t buffer_size = std::size_t{64} * 1024;
constexpr std::uint64_t skip_max = std::uint64_t{1} << 31;
constexpr std::size_t text_max = 200;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    return text;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('+')) text.remove_prefix(1);
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

BadRequest bad(std::string what) {
    return {EINVAL, std::move(what), false};
}

std::optional<SeekRequest::Whence> whence_from_text(std::string_view text) {
    using enum SeekRequest::Whence;
    text = trimmed(text);
    if (text.starts_with("SEEK_")) text.remove_prefix(5);
    if (text == "0" || text == "SET") return set;
    if (text == "1" || text == "CUR") return current;
    if (text == "2" || text == "END") return end;
    return std::nullopt;
}

// The manuals of 4.3BSD and GNU's server say whence first, all clients send the offset first. When
// both lines could be either, the clients are right.
Request seek_request(std::string_view first, std::string_view second) {
    const auto offset = number<std::int64_t>(first);
    const auto whence = whence_from_text(second);
    if (offset && whence) return SeekRequest{*offset, *whence};
    const auto offset_last = number<std::int64_t>(second);
    const auto whence_first = whence_from_text(first);
    if (offset_last && whence_first) return SeekRequest{*offset_last, *whence_first};
    return bad("L takes an offset and 0, 1 or 2");
}

template <typename Operation>
Request operation_request(std::string_view code_text, std::string_view count_text) {
    const auto code = number<std::int64_t>(code_text);
    const auto count = number<std::int64_t>(count_text);
    if (!code || !count) return bad("an operation is two numbers: code and count");
    return Operation{*code, *count};
}

Request open_request(std::string_view device, std::string_view mode) {
    const auto access = access_from_text(mode);
    if (!access) return bad("mode of O is neither a number nor O_RDONLY, O_WRONLY or O_RDWR");
    return OpenRequest{std::string(trimmed(device)), *access};
}

Request read_request(std::string_view text) {
    const auto count = number<std::uint64_t>(text);
    if (!count) return bad("R takes the number of bytes to read");
    return ReadRequest{*count};
}

std::string printable(char letter) {
    return letter > ' ' && letter <= '~' ? std::string{letter} : "a control character";
}

std::string line_of(std::string_view text) {
    std::string line(text.substr(0, text_max));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
    return line;
}

}  // namespace

std::optional<Access> access_from_text(std::string_view mode) {
    mode = trimmed(mode);
    std::optional<Access> access;
    while (!mode.empty()) {
        const auto end = std::min(mode.find_first_of(" |"), mode.size());
        auto word = mode.substr(0, end);
        mode.remove_prefix(std::min(end + 1, mode.size()));
        if (word.empty()) continue;
        if (word.starts_with("O_")) word.remove_prefix(2);
        if (word == "RDONLY") {
            access = Access::read;
        } else if (word == "WRONLY") {
            access = Access::write;
        } else if (word == "RDWR") {
            access = Access::read_write;
        } else if (const auto value = number<std::uint32_t>(word)) {
            // The two lowest bits are the same on every system.
            constexpr Access by_number[] = {Access::read, Access::write, Access::read_write};
            if ((*value & 3) == 3) return std::nullopt;
            if (!access) access = by_number[*value & 3];
        } else if (word.front() < 'A' || word.front() > 'Z') {
            return std::nullopt;
        }
        // Other names (CREAT, TRUNC, LARGEFILE) change nothing about a tape.
    }
    return access;
}

RequestReader::RequestReader() : buffer_(buffer_size) {}

std::span<std::uint8_t> RequestReader::room() {
    if (in_record_ && begin_ == end_ && record_filled_ < record_.size())
        return std::span(record_).subspan(record_filled_);
    if (begin_ == end_) begin_ = end_ = 0;
    if (end_ == buffer_.size()) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.end(),
                  buffer_.begin());
        end_ -= begin_;
        begin_ = 0;
    }
    // A full buffer without a request in it can not be: next() has stopped by then. Whoever did not
    // ask it loses what came.
    if (end_ == buffer_.size()) end_ = begin_ = 0;
    return std::span(buffer_).subspan(end_);
}

void RequestReader::received(std::size_t count) {
    if (in_record_ && begin_ == end_ && record_filled_ < record_.size()) {
        record_filled_ += count;
    } else {
        end_ += count;
    }
}

bool RequestReader::in_the_middle() const {
    return in_record_ || begin_ != end_;
}

std::optional<std::string_view> RequestReader::line_at(std::size_t at) const {
    const auto from = buffer_.begin() + static_cast<std::ptrdiff_t>(at);
    const auto to = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
    const auto found = std::find(from, to, std::uint8_t{'\n'});
    if (found == to) return std::nullopt;
    // Reading bytes as char is what char is for.
    return std::string_view(reinterpret_cast<const char*>(buffer_.data()) + at,
                            static_cast<std::size_t>(found - from));
}

std::optional<Request> RequestReader::stop(std::string what) {
    stopped_ = true;
    return BadRequest{EINVAL, std::move(what), true};
}

std::optional<Request> RequestReader::next() {
    if (stopped_) return std::nullopt;
    if (in_record_) return take_record();
    // Some clients end S with a line end and some do not: it belongs to nothing.
    while (begin_ != end_ && (buffer_[begin_] == '\n' || buffer_[begin_] == '\r'))
        ++begin_;
    if (begin_ == end_) return std::nullopt;
    const char letter = static_cast<char>(buffer_[begin_]);
    switch (letter) {
        case 'S':
            ++begin_;
            return StatusRequest{};
        case 's': {
            if (end_ - begin_ < 2) return std::nullopt;
            const char field = static_cast<char>(buffer_[begin_ + 1]);
            begin_ += 2;
            return StatusFieldRequest{field};
        }
        case 'O':
        case 'C':
        case 'R':
        case 'W':
        case 'L':
        case 'I':
        case 'i':
        case 'v':
            return take_lines(letter);
        default:
            return stop("no request begins with " + printable(letter));
    }
}

std::optional<Request> RequestReader::take_lines(char letter) {
    const bool two_lines = letter == 'O' || letter == 'L' || letter == 'I' || letter == 'i';
    const auto too_long = [letter](std::size_t size) -> std::optional<Request> {
        if (size <= line_size_max) return std::nullopt;
        return BadRequest{EINVAL,
                          std::string{letter} + " with a line longer than " +
                              std::to_string(line_size_max) + " bytes",
                          true};
    };
    const auto first = line_at(begin_ + 1);
    auto refusal = too_long(first ? first->size() : end_ - begin_ - 1);
    const std::size_t behind_first = first ? begin_ + 1 + first->size() + 1 : end_;
    std::optional<std::string_view> second;
    if (first && two_lines) {
        second = line_at(behind_first);
        if (!refusal) refusal = too_long(second ? second->size() : end_ - behind_first);
    }
    if (refusal) {
        stopped_ = true;
        return refusal;
    }
    if (!first || (two_lines && !second)) return std::nullopt;
    begin_ = two_lines ? behind_first + second->size() + 1 : behind_first;
    switch (letter) {
        case 'O':
            return open_request(*first, *second);
        case 'L':
            return seek_request(*first, *second);
        case 'I':
            return operation_request<OperationRequest>(*first, *second);
        case 'i':
            return operation_request<StarOperationRequest>(*first, *second);
        case 'R':
            return read_request(*first);
        case 'W':
            return start_record(*first);
        case 'v':
            return VersionRequest{};
        default:
            return CloseRequest{};
    }
}

std::optional<Request> RequestReader::start_record(std::string_view count_text) {
    const auto count = number<std::uint64_t>(count_text);
    if (!count || *count > skip_max) return stop("W takes the number of bytes that follow");
    in_record_ = true;
    record_filled_ = 0;
    to_skip_ = *count > record_length_max ? *count : 0;
    record_.assign(to_skip_ == 0 ? static_cast<std::size_t>(*count) : 0, 0);
    return take_record();
}

std::optional<Request> RequestReader::take_record() {
    const std::size_t here = end_ - begin_;
    if (to_skip_ > 0) {
        const auto skipped = std::min<std::uint64_t>(here, to_skip_);
        begin_ += static_cast<std::size_t>(skipped);
        to_skip_ -= skipped;
        if (to_skip_ > 0) return std::nullopt;
        in_record_ = false;
        return bad("a record longer than " + std::to_string(record_length_max) + " bytes");
    }
    const std::size_t count = std::min(here, record_.size() - record_filled_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), count,
                record_.begin() + static_cast<std::ptrdiff_t>(record_filled_));
    begin_ += count;
    record_filled_ += count;
    if (record_filled_ < record_.size()) return std::nullopt;
    in_record_ = false;
    return WriteRequest{std::exchange(record_, {})};
}

std::string accepted(std::int64_t value) {
    return "A" + std::to_string(value) + "\n";
}

std::string refused(int error, std::string_view text) {
    return "E" + std::to_string(error) + "\n" + line_of(text) + "\n";
}

std::string refused_for_good(int error, std::string_view text) {
    return "F" + std::to_string(error) + "\n" + line_of(text) + "\n";
}

}  // namespace drive_iface::rmt
