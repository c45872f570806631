#include "drive_iface/snapshots/difference.hpp"

#include <array>
#include <map>
#include <utility>

namespace drive_iface::snapshots {

using sessions::Session;
using sessions::SessionState;

namespace {

constexpr std::array happening_names{"begun",  "grown",   "shrunk", "completed", "broken off",
                                     "merged", "deleted", "gone",   "changed"};

bool is_complete(const Session& session) {
    return session.state == SessionState::complete || session.state == SessionState::merged;
}

// What the other happenings tell of a row, taken out: what is left is `changed`.
Session without_told(Session session) {
    session.state = SessionState::active;
    session.reason.clear();
    session.objects = session.filemarks = session.bytes = 0;
    session.completion.reset();
    session.volume_object.reset();
    session.ended_ms.reset();
    session.files.clear();
    session.kept = true;
    return session;
}

bool changed_otherwise(const Session& before, const Session& after) {
    auto one = without_told(before);
    auto other = without_told(after);
    // An end makes everything durable.
    if (before.state != after.state) one.durable_objects = other.durable_objects = 0;
    const bool files = before.kept == after.kept && before.files != after.files;
    return one != other || files;
}

void note_growth(SessionDifference& told, const Session& before, const Session& after) {
    if (before.objects == after.objects && before.bytes == after.bytes) return;
    const bool grown = after.objects > before.objects ||
                       (after.objects == before.objects && after.bytes > before.bytes);
    told.happened.push_back(grown ? Happening::grown : Happening::shrunk);
    const auto apart = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; };
    told.objects = apart(after.objects, before.objects);
    told.bytes = apart(after.bytes, before.bytes);
}

SessionDifference difference_of(const Session* before, const Session* after) {
    SessionDifference told;
    told.identifier = before != nullptr ? before->identifier : after->identifier;
    if (before != nullptr) told.before = *before;
    if (after == nullptr) {
        told.happened.push_back(Happening::gone);
        return told;
    }
    told.after = *after;
    Session unborn = without_told(*after);
    unborn.durable_objects = after->durable_objects;
    const Session& was = before != nullptr ? *before : unborn;
    if (before == nullptr) told.happened.push_back(Happening::begun);
    note_growth(told, was, *after);
    const auto became = [&](bool then, bool now, Happening happening) {
        if (!then && now) told.happened.push_back(happening);
    };
    became(is_complete(was), is_complete(*after), Happening::completed);
    became(was.state == SessionState::incomplete, after->state == SessionState::incomplete,
           Happening::broken_off);
    became(was.state == SessionState::merged, after->state == SessionState::merged,
           Happening::merged);
    became(!was.kept, !after->kept, Happening::deleted);
    if (told.happened.empty() || (before != nullptr && changed_otherwise(*before, *after)))
        told.happened.push_back(Happening::changed);
    return told;
}

}  // namespace

std::string_view to_text(Happening happening) {
    return happening_names[static_cast<std::size_t>(happening)];
}

std::string to_text(const SessionDifference& difference) {
    std::string text;
    for (const auto happening : difference.happened) {
        if (!text.empty()) text += ", ";
        text += to_text(happening);
        if (happening != Happening::grown && happening != Happening::shrunk) continue;
        text += " by " + std::to_string(difference.objects) +
                (difference.objects == 1 ? " record (" : " records (") +
                std::to_string(difference.bytes) + " bytes)";
    }
    return text;
}

std::vector<SessionDifference> difference(std::span<const Session> from,
                                          std::span<const Session> to) {
    std::vector<SessionDifference> all;
    auto before = from.begin();
    auto after = to.begin();
    while (before != from.end() || after != to.end()) {
        const bool only_before =
            after == to.end() || (before != from.end() && before->identifier < after->identifier);
        const bool only_after =
            !only_before && (before == from.end() || after->identifier < before->identifier);
        const Session* then = only_after ? nullptr : &*before++;
        const Session* now = only_before ? nullptr : &*after++;
        if (then != nullptr && now != nullptr && *then == *now) continue;
        all.push_back(difference_of(then, now));
    }
    return all;
}

std::vector<Session> applied(std::span<const SessionDifference> differences,
                             std::span<const Session> from) {
    std::map<std::uint32_t, Session> rows;
    for (const auto& session : from)
        rows.emplace(session.identifier, session);
    for (const auto& one : differences) {
        rows.erase(one.identifier);
        if (one.after) rows.emplace(one.identifier, *one.after);
    }
    std::vector<Session> to;
    to.reserve(rows.size());
    for (auto& [identifier, session] : rows)
        to.push_back(std::move(session));
    return to;
}

}  // namespace drive_iface::snapshots
