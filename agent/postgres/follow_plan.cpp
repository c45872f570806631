#include "agent/postgres/follow_plan.hpp"

#include <algorithm>
#include <iterator>

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

namespace {

// Parts of what PostgreSQL 15 says.
constexpr std::string_view words_of_bad_data[] = {
    "requested WAL segment",   // ... has already been removed
    "timeline",                // not a child of this server's history
    "checkpoint record",       // could not locate a valid, the required
    "WAL ends before",         // end of online backup, consistent recovery point
    "backup_label",            // invalid data in it
    "control file",            // incorrect checksum in it, invalid data
    "pg_control",              // could not be read
    "invalid page",            //
    "could not read block",    //
    "read only ",              // 0 of 8192: a file is too short
    "checksum",                //
    "corrupt",                 //
    "could not open file \"",  // a part of the data is gone
    "could not access status of transaction",
    "not a valid data directory",
};

}  // namespace

bool blames_its_data(std::string_view complaint) {
    constexpr std::string_view of_this_machine[] = {"No space left on device", "Permission denied",
                                                    "Too many open files"};
    const auto says = [&](std::string_view words) {
        return complaint.find(words) != std::string_view::npos;
    };
    return std::any_of(std::begin(words_of_bad_data), std::end(words_of_bad_data), says) &&
           std::none_of(std::begin(of_this_machine), std::end(of_this_machine), says);
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
