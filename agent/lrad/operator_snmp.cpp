#include "agent/lrad/operator_snmp.hpp"

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <chrono>
#include <string_view>
#include <utility>

#include "agent/lrad/snmp_setup.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

namespace {

constexpr auto look_interval = std::chrono::seconds(1);
// The tables are fed this often at least, so that an old snapshot means trouble.
constexpr unsigned looks_between_feeds_max = 10;
// A peer that has started again may be out of step with our clock, or we with its, once each.
constexpr std::uint64_t refusals_per_agent = 2;

// Counts of a helper that say somebody was turned away.
constexpr std::array<std::string_view, 9> refusals_of_helper{
    "malformed",    "version",        "security_model", "other_engine", "too_many",
    "unknown_user", "security_level", "wrong_key",      "decryption"};

}  // namespace

OperatorSnmp::OperatorSnmp(asio::io_context& loop, snmp_mib::SnmpNoticeChannel& channel,
                           Doors doors)
    : loop_(loop), channel_(channel), doors_(std::move(doors)), heartbeat_(loop), look_(loop) {}

OperatorSnmp::~OperatorSnmp() = default;

core::Outcome OperatorSnmp::follow(const runtime::LradConfiguration& configuration) {
    refusals_allowed_ =
        configuration.snmp.refused_per_minute + refusals_per_agent * configuration.agents.size();
    if (std::exchange(heartbeat_s_, configuration.snmp.heartbeat_s) !=
        configuration.snmp.heartbeat_s)
        beat_later();
    look_later();
    core::Outcome outcome = core::Nothing{};
    std::vector<Followed> before = std::exchange(followed_, {});
    for (const auto& named : feeder_configurations(configuration)) {
        const std::string& name = named.first;
        const snmp_mib::MibFeederConfiguration& wanted = named.second;
        const auto same = std::find_if(before.begin(), before.end(), [&](const Followed& one) {
            return one.name == name && one.configuration == wanted &&
                   one.users == configuration.snmp.users;
        });
        if (same != before.end()) {
            followed_.push_back(std::move(*same));
            before.erase(same);
            continue;
        }
        std::erase_if(before, [&](const Followed& one) {
            if (one.name != name) return false;
            counted_[name] = one.feeder->status().counts;
            return true;
        });
        auto feeder = std::make_unique<snmp_mib::MibFeeder>(
            loop_, wanted, doors_.snapshot,
            [](const std::string& trouble) { runtime::log_warning(trouble); }, doors_.change_drive);
        if (auto fed = feeder->start(counted_[name]); !fed && outcome)
            outcome = fed.error().within(name == "mib" ? "snmp.mib_listen" : "snmp.agentx");
        followed_.push_back({name, wanted, configuration.snmp.users, std::move(feeder)});
    }
    for (const Followed& one : before)
        counted_[one.name] = one.feeder->status().counts;
    return outcome;
}

void OperatorSnmp::changed() {
    for (const Followed& one : followed_)
        one.feeder->changed();
}

std::vector<OperatorSnmp::Helper> OperatorSnmp::helpers() const {
    std::vector<Helper> helpers;
    for (const Followed& one : followed_)
        helpers.push_back({one.name, one.feeder->status()});
    return helpers;
}

Refusals OperatorSnmp::refusals() const {
    Refusals refusals;
    for (std::size_t i = 0; i < snmp_mib::snmp_count_kinds; ++i) {
        const auto what = static_cast<snmp_mib::SnmpCount>(i);
        const auto name = snmp_mib::to_text(what);
        if (name.starts_with("dropped_") || name.starts_with("refused_"))
            refusals.emplace(name, channel_.counters().of(what));
    }
    auto counted = counted_;
    for (const Followed& one : followed_)
        counted[one.name] = one.feeder->status().counts;
    for (const auto& [name, counts] : counted) {
        for (const std::string_view cause : refusals_of_helper) {
            if (const auto count = counts.find(std::string(cause)); count != counts.end())
                refusals["mib_" + count->first] += count->second;
        }
    }
    return refusals;
}

void OperatorSnmp::beat_later() {
    heartbeat_.cancel();
    if (heartbeat_s_ == 0) return;
    heartbeat_.expires_after(std::chrono::seconds(heartbeat_s_));
    heartbeat_.async_wait([this](const std::error_code& error) {
        if (error) return;
        channel_.announce_heartbeat(doors_.active_alarms(), heartbeat_s_);
        beat_later();
    });
}

// Notifications are lost and strangers refused without the rules' deciding anything.
void OperatorSnmp::feed_what_moves_by_itself() {
    std::uint64_t tally = 0;
    for (const auto& [cause, count] : refusals())
        tally += count;
    for (const auto& consumer : channel_.consumers())
        tally += consumer.delivered + consumer.lost + consumer.resent;
    const bool moved = std::exchange(tally_, tally) != tally;
    if (!moved && ++looks_since_feed_ < looks_between_feeds_max) return;
    looks_since_feed_ = 0;
    changed();
}

void OperatorSnmp::look_later() {
    look_.expires_after(look_interval);
    look_.async_wait([this](const std::error_code& error) {
        if (error) return;
        const auto told =
            refusal_watch_.look(runtime::clock_now().monotonic, refusals(), refusals_allowed_);
        if (told) doors_.refused(*told);
        feed_what_moves_by_itself();
        look_later();
    });
}

}  // namespace agent::lrad
