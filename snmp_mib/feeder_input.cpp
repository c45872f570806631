#include "snmp_mib/feeder_input.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "snmp_mib/mib_rows_json.hpp"

namespace snmp_mib {

agent::core::Result<bool> FeederInput::read() {
    std::array<char, 65'536> piece{};
    const ssize_t length = ::read(descriptor_, piece.data(), piece.size());
    if (length < 0 && errno == EINTR) return true;
    ended_ = length <= 0 || buffered_.size() > mib_line_length_max;
    if (length < 0)
        return agent::core::Error{std::string("standard input: ") + agent::core::errno_text(errno)};
    if (length == 0) return false;
    if (ended_) return agent::core::Error{"a line is longer than a snapshot can be"};
    buffered_.append(piece.data(), static_cast<std::size_t>(length));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = buffered_.find('\n', begin)) != std::string::npos;
         begin = end + 1)
        lines_.push_back(buffered_.substr(begin, end - begin));
    buffered_.erase(0, begin);
    return true;
}

std::optional<std::string> FeederInput::next() {
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    return line;
}

agent::core::Outcome FeederInput::wait_for_answer(std::uint64_t number, int patience_ms) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point until = Clock::now() + std::chrono::milliseconds(patience_ms);
    std::size_t looked_at = lines_.size();
    for (;;) {
        for (; looked_at < lines_.size(); ++looked_at) {
            const auto answer = change_answer_from(lines_[looked_at]);
            if (!answer || answer->number != number) continue;
            lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(looked_at));
            if (answer->refusal.empty()) return agent::core::Nothing{};
            return agent::core::Error{answer->refusal};
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd wanted{descriptor_, POLLIN, 0};
        if (ended_ || left <= 0) return agent::core::Error{"lrad does not answer"};
        if (::poll(&wanted, 1, static_cast<int>(left)) <= 0) continue;
        const agent::core::Result<bool> more = read();
        if (!more || !*more) return agent::core::Error{"lrad has ended"};
    }
}

}  // namespace snmp_mib
