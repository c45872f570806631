#include "drive_iface/snapshots/session_openings.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace drive_iface::snapshots {

using agent::core::Error;
using agent::core::Result;
using sessions::Session;

namespace {

constexpr std::size_t openings_max = 32;

std::string words(const Mount& what) {
    return "snapshot " + std::to_string(what.number);
}

// Those complete in the order of their completion, then the others.
void sort_for_reading(std::vector<Session>& rows) {
    std::sort(rows.begin(), rows.end(), [](const Session& a, const Session& b) {
        const auto place = [](const Session& session) {
            return std::tuple(session.completion.value_or(UINT64_MAX), session.identifier);
        };
        return place(a) < place(b);
    });
}

}  // namespace

Result<std::vector<Session>> rows_for(const Mount& what, const std::vector<Session>& rows) {
    std::vector<Session> wanted;
    for (const Session& row : rows) {
        if (what.session && row.identifier != *what.session) continue;
        if (what.session && !row.kept) {
            return Error{"the data of session " + std::to_string(row.identifier) +
                         " was deleted before " + words(what) + " was taken"};
        }
        // A session that had nothing is there, and empty, when it is asked for by itself.
        if (what.session || has_data(row)) wanted.push_back(row);
    }
    if (what.session && wanted.empty())
        return Error{words(what) + " has no session " + std::to_string(*what.session)};
    if (wanted.empty()) return Error{words(what) + " has no session with data"};
    if (wanted.size() > Snapshots::open_max) {
        return Error{words(what) + " has " + std::to_string(wanted.size()) +
                     " sessions with data, too many for one volume (at most " +
                     std::to_string(Snapshots::open_max) + "); name one of its sessions"};
    }
    sort_for_reading(wanted);
    return wanted;
}

std::optional<SessionOpenings::Opened> SessionOpenings::open(const Mount& what,
                                                             const std::string& barcode,
                                                             const std::vector<Session>& rows) {
    const Key key{what.number, what.session.value_or(0)};
    auto opening = begun_.find(key);
    if (opening == begun_.end()) {
        auto wanted = rows_for(what, rows);
        if (!wanted) return Opened(wanted.error());
        if (begun_.size() >= openings_max)
            return Opened(Error{"too many snapshots are being opened; try again in a minute"});
        opening = begun_.emplace(key, Opening{std::move(wanted).value(), {}, false}).first;
    }
    auto& [wanted, stretches, forgotten] = opening->second;
    forgotten = false;
    while (stretches.size() < wanted.size()) {
        const Session& row = wanted[stretches.size()];
        Stretch stretch{.source = nullptr, .objects = row.objects, .bytes = row.bytes};
        if (row.objects > 0) {
            auto source = tracking_->open(row.identifier);
            if (!source) return std::nullopt;
            if (!source->ok()) {
                const auto error = source->error();
                begun_.erase(opening);
                return Opened(error);
            }
            stretch.source = std::move(*source).value();
        }
        stretches.push_back(std::move(stretch));
    }
    if (!what.session) {
        for (auto& stretch : stretches) {
            using Kind = virtual_library::LogicalObject::Kind;
            const auto end = std::min(stretch.objects, stretch.source->end_of_data());
            stretch.closed = end > 0 && stretch.source->object(end - 1).kind == Kind::block;
        }
    }
    auto cartridge = std::make_unique<StretchCartridge>(barcode, std::move(stretches));
    begun_.erase(opening);
    return Opened(std::unique_ptr<virtual_library::Cartridge>(std::move(cartridge)));
}

void SessionOpenings::give_up_forgotten() {
    std::erase_if(begun_, [](const auto& entry) { return entry.second.forgotten; });
    for (auto& [key, opening] : begun_)
        opening.forgotten = true;
}

}  // namespace drive_iface::snapshots
