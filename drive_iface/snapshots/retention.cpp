#include "drive_iface/snapshots/retention.hpp"

namespace drive_iface::snapshots {

namespace {

constexpr std::int64_t ms_in_a_day = 86'400'000;

std::vector<const Snapshot*> removable(std::span<const Snapshot> oldest_first,
                                       const std::set<std::uint32_t>& in_use) {
    std::vector<const Snapshot*> found;
    for (const Snapshot& snapshot : oldest_first) {
        const bool newest = &snapshot == &oldest_first.back();
        if (!snapshot.kept && !newest && !in_use.contains(snapshot.number))
            found.push_back(&snapshot);
    }
    return found;
}

}  // namespace

std::vector<std::uint32_t> outlived(std::span<const Snapshot> oldest_first,
                                    const Retention& retention, std::int64_t now_ms,
                                    const std::set<std::uint32_t>& in_use) {
    std::vector<std::uint32_t> numbers;
    if (oldest_first.empty()) return numbers;
    const auto candidates = removable(oldest_first, in_use);
    // The newest counts too, although it stays.
    const std::size_t newest = oldest_first.back().kept ? 0 : 1;
    const std::size_t others = retention.count > newest ? retention.count - newest : 0;
    const std::size_t too_many = candidates.size() > others ? candidates.size() - others : 0;
    for (std::size_t at = 0; at < candidates.size(); ++at) {
        const auto age = now_ms - candidates[at]->taken_ms;
        const bool old = retention.days > 0 && age > retention.days * ms_in_a_day;
        if (at < too_many || old) numbers.push_back(candidates[at]->number);
    }
    return numbers;
}

std::optional<std::uint32_t> first_to_go(std::span<const Snapshot> oldest_first,
                                         const std::set<std::uint32_t>& in_use) {
    const auto candidates = removable(oldest_first, in_use);
    if (candidates.empty()) return std::nullopt;
    return candidates.front()->number;
}

}  // namespace drive_iface::snapshots
