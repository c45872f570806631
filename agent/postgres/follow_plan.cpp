#include "agent/postgres/follow_plan.hpp"

namespace agent::postgres {

std::string_view to_text(FollowWay value) {
    switch (value) {
        case FollowWay::as_it_is:
            return "as it is";
        case FollowWay::rewind:
            return "rewound";
        case FollowWay::copy:
            return "copied anew";
        case FollowWay::refuse:
            return "refused";
    }
    return "?";
}

FollowWay way_to_follow(const CopySeen& copy, const SourceLog& source) {
    if (copy.noted_identifier && *copy.noted_identifier != source.system_identifier)
        return FollowWay::refuse;
    if (!copy.there) return FollowWay::copy;
    if (copy.system_identifier != source.system_identifier) return FollowWay::refuse;
    if (copy.scrap || copy.end.timeline == 0) return FollowWay::copy;
    if (!has_diverged(copy.end, source)) return FollowWay::as_it_is;
    return copy.checksums ? FollowWay::rewind : FollowWay::copy;
}

std::optional<FollowWay> way_after(FollowWay way) {
    switch (way) {
        case FollowWay::as_it_is:
        case FollowWay::rewind:
            return FollowWay::copy;
        case FollowWay::copy:
        case FollowWay::refuse:
            break;
    }
    return std::nullopt;
}

}  // namespace agent::postgres
