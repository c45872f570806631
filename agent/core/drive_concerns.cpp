#include "agent/core/drive_concerns.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "agent/core/sharing_resolver.hpp"

namespace agent::core {
namespace {

using Words = std::optional<std::string>;  // nothing: no concern
using Registrations = std::vector<Registration>;

constexpr std::uint8_t registrants_only_and_all_first = 5;  // TYPE 5 to 8, SPC-4 6.15.3.4

std::string joined(const std::set<std::string>& parts) {
    constexpr std::size_t named_max = 4;
    std::string words;
    std::size_t named = 0;
    for (const auto& part : parts) {
        if (named == named_max)
            return words + " and " + std::to_string(parts.size() - named) + " more";
        words += (named++ == 0 ? "" : ", ") + part;
    }
    return words;
}

Words words_or_nothing(const std::set<std::string>& parts) {
    if (parts.empty()) return std::nullopt;
    return joined(parts);
}

std::string key_in_words(std::uint64_t key) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text = "key 0x";
    for (int shift = 60; shift >= 0; shift -= 4)
        text += digits[(key >> shift) & 0xf];
    return text;
}

Words strangers_among_holders(const ConcernContext& context) {
    const auto& domains = context.configuration.domains;
    std::set<std::string> strangers;
    if (context.reservation.state != ReservationState::reserved || domains.empty())
        return std::nullopt;
    for (const auto& holder : context.reservation.holders) {
        if (domain_of(holder, domains).empty()) strangers.insert(to_text(holder));
    }
    return words_or_nothing(strangers);
}

Words lost_agents_of_holder(const ConcernContext& context) {
    const auto domain = holder_domain_of(context.reservation, context.configuration.domains);
    if (domain.empty()) return std::nullopt;
    std::set<std::string> lost;
    for (const auto& agent : context.configuration.agents) {
        if (agent.domain != domain) continue;
        const auto known = context.agents.find(agent.name);
        if (known == context.agents.end() || known->second != AgentState::lost) return std::nullopt;
        lost.insert("agent " + agent.name);
    }
    if (lost.empty()) return std::nullopt;
    return holders_in_words(context.reservation, domain) + ", " + joined(lost);
}

Words orphaned(const Registrations& registrations, bool free,
               const std::vector<SharingConfiguration::Domain>& domains) {
    std::set<std::string> orphans;
    std::map<std::pair<std::string, std::uint16_t>, std::set<std::string>> isids;
    for (const auto& registration : registrations) {
        if (!registration.port) continue;
        const auto& port = *registration.port;
        if (free && !domains.empty() && domain_of(port, domains).empty())
            orphans.insert(to_text(port) + " of no configured host");
        if (port.transport == Transport::iscsi && !port.isid.empty())
            isids[{port.name, registration.relative_target_port}].insert(port.isid);
    }
    for (const auto& [session, several] : isids) {
        if (several.size() < 2) continue;
        orphans.insert("iscsi:" + session.first + " under " + std::to_string(several.size()) +
                       " ISIDs, of earlier logins or of several paths");
    }
    return words_or_nothing(orphans);
}

// Do two ports with the same key belong to different users?
bool different_users(const InitiatorPort& a, const InitiatorPort& b,
                     const std::vector<SharingConfiguration::Domain>& domains) {
    const auto of_a = domain_of(a, domains);
    const auto of_b = domain_of(b, domains);
    if (of_a != of_b) return true;
    // In one application hosts may share a key on purpose; of strangers only iSCSI names tell hosts
    // apart, a host may have several ports of the other transports.
    return of_a.empty() && a.transport == Transport::iscsi && b.transport == Transport::iscsi &&
           a.name != b.name;
}

Words doubled(const Registrations& registrations,
              const std::vector<SharingConfiguration::Domain>& domains) {
    std::set<std::string> doubles;
    std::set<std::tuple<InitiatorPort, std::uint16_t>> seen;
    std::map<std::uint64_t, InitiatorPort> first_of_key;
    for (const auto& registration : registrations) {
        if (!registration.port) continue;
        const auto& port = *registration.port;
        if (!seen.insert({port, registration.relative_target_port}).second)
            doubles.insert(to_text(port) + " twice");
        const auto [first, fresh] = first_of_key.emplace(registration.key, port);
        if (!fresh && different_users(first->second, port, domains)) {
            doubles.insert(key_in_words(registration.key) + " by " + to_text(first->second) +
                           " and by " + to_text(port));
        }
    }
    return words_or_nothing(doubles);
}

// Two applications that both may write, since every registrant may.
Words shared_by_applications(const Reservation& reservation, const Registrations& registrations,
                             const std::vector<SharingConfiguration::Domain>& domains) {
    const bool registrants_may_write =
        reservation.persistent && reservation.persistent->type >= registrants_only_and_all_first;
    if (!registrants_may_write) return std::nullopt;
    std::set<std::string> applications;
    for (const auto& registration : registrations) {
        if (!registration.port) continue;
        const auto domain = domain_of(*registration.port, domains);
        if (!domain.empty()) applications.insert(domain);
    }
    if (applications.size() < 2) return std::nullopt;
    return "every registrant may write, and they are of the applications " + joined(applications);
}

}  // namespace

void DriveConcerns::examined(const DriveExamined& look, Instant now) {
    if (look.seen.state == ReservationState::reserved) {
        if (is_legacy(look.seen.kind)) legacy_seen_ = now;
        if (look.seen.kind == ReservationKind::persistent) persistent_seen_ = now;
    }
    if (look.removal_prevented) removal_prevented_ = look.removal_prevented;
    if (look.moves_tape) moves_tape_ = look.moves_tape;
    look_ = look;
}

void DriveConcerns::lose_sight() {
    look_.reset();
    removal_prevented_.reset();
    moves_tape_.reset();
}

void DriveConcerns::forget() {
    *this = DriveConcerns{};
}

std::optional<std::string> DriveConcerns::mixed(const ConcernContext& context,
                                                const ConcernTimes& times, Instant now) const {
    if (look_->registrations) {
        if (auto words = shared_by_applications(context.reservation, *look_->registrations,
                                                context.configuration.domains))
            return words;
    }
    if (times.mixed_within.ms <= 0 || !legacy_seen_ || !persistent_seen_) return std::nullopt;
    const auto [older, newer] = std::minmax(*legacy_seen_, *persistent_seen_);
    if (now - older > times.mixed_within) return std::nullopt;
    return std::string("both RESERVE and persistent reservations are used on it, ") +
           (newer == *legacy_seen_ ? "RESERVE last" : "persistent last");
}

std::vector<ConcernVerdict> DriveConcerns::judge(const ConcernContext& context,
                                                 const ConcernTimes& times, Instant now) {
    using enum ConcernVerdict::Answer;
    std::vector<ConcernVerdict> verdicts;
    const auto judge_one = [&](AlarmKind kind, bool is_known, const Words& words,
                               Duration must_last) {
        if (!is_known || !words) {
            standing_since_.erase(kind);
            verdicts.push_back({kind, is_known ? no : unknown, {}});
            return;
        }
        const auto since = standing_since_.emplace(kind, now).first->second;
        verdicts.push_back({kind, now - since >= must_last ? yes : young, *words});
    };
    const auto& domains = context.configuration.domains;
    const bool free = context.reservation.state == ReservationState::free;
    const bool registered = look_ && look_->registrations;
    static const Registrations none;
    const Registrations& registrations = registered ? *look_->registrations : none;

    judge_one(AlarmKind::holder_not_configured, look_.has_value(), strangers_among_holders(context),
              times.stale_after);
    judge_one(AlarmKind::holder_agent_lost, look_.has_value(), lost_agents_of_holder(context),
              times.stale_after);
    judge_one(AlarmKind::registrations_orphaned, registered, orphaned(registrations, free, domains),
              times.stale_after);
    judge_one(AlarmKind::registrations_doubled, registered, doubled(registrations, domains),
              times.stale_after);
    judge_one(AlarmKind::reservations_mixed, look_.has_value(),
              look_ ? mixed(context, times, now) : std::nullopt, Duration{0});
    const bool left_behind =
        free && removal_prevented_.value_or(false) && !moves_tape_.value_or(false);
    judge_one(AlarmKind::removal_prevented, removal_prevented_.has_value(),
              left_behind ? Words("") : std::nullopt, times.stale_after);
    return verdicts;
}

std::optional<Instant> DriveConcerns::next_wakeup(const ConcernTimes& times, Instant now) const {
    std::optional<Instant> earliest;
    const auto consider = [&](Instant at) {
        if (at > now && (!earliest || at < *earliest)) earliest = at;
    };
    for (const auto& [kind, since] : standing_since_)
        consider(since + times.stale_after);
    if (legacy_seen_ && persistent_seen_ && times.mixed_within.ms > 0) {
        consider(std::min(*legacy_seen_, *persistent_seen_) + times.mixed_within + Duration{1});
    }
    return earliest;
}

}  // namespace agent::core
