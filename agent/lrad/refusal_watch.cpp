#include "agent/lrad/refusal_watch.hpp"

namespace agent::lrad {

namespace {

constexpr std::int64_t minute_ms = 60'000;

// A count that went backwards belongs to a helper that was started again.
Refusals more_since(const Refusals& before, const Refusals& now) {
    Refusals more;
    for (const auto& [cause, count] : now) {
        const auto known = before.find(cause);
        const std::uint64_t old = known == before.end() ? 0 : known->second;
        if (count > old) more.emplace(cause, count - old);
    }
    return more;
}

std::string words_of(std::uint64_t sum, const Refusals& refusals) {
    std::string words = std::to_string(sum) + " in the last minute";
    const char* separator = ": ";
    for (const auto& [cause, count] : refusals) {
        words += separator + std::to_string(count) + " " + cause;
        separator = ", ";
    }
    return words;
}

}  // namespace

std::optional<core::MessagesRefused> RefusalWatch::look(core::Instant now, const Refusals& counts,
                                                        std::uint64_t allowed) {
    while (samples_.size() > 1 && now.ms - samples_[1].at.ms >= minute_ms)
        samples_.pop_front();
    samples_.push_back({now, counts});
    const Refusals refused = more_since(samples_.front().counts, counts);
    std::uint64_t sum = 0;
    for (const auto& [cause, count] : refused)
        sum += count;
    const bool too_many = sum > allowed;
    const bool whole_minute = now.ms - samples_.front().at.ms >= minute_ms;
    if (told_ == too_many || (!too_many && !whole_minute)) return std::nullopt;
    told_ = too_many;
    return core::MessagesRefused{too_many, words_of(sum, refused)};
}

}  // namespace agent::lrad
