#pragma once

// What comes to the query port, judged before the SNMP library's parser sees it: that has had bugs
// for which one datagram was enough, and it answers whatever anybody asks, as often as it is asked.
// Pure.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

namespace snmp_mib {

enum class QueryVerdict : std::uint8_t {
    pass,
    oversize,
    malformed,
    version,         // not SNMPv3
    security_model,  // not the user-based one
    engine,          // for another engine, and it does not want to know ours
    rate,            // one question too many that is answered without knowing who asks
};

class QueryFilter {
  public:
    // Answers to strangers: discoveries of our engine, and Reports about another engine ID, an
    // unknown user or too low a security level. For each source address, and so many addresses at a
    // time. Who knows the name of a user can have as many Reports about a wrong digest as he sends
    // messages, which are longer: limiting those too would let whoever forges the address of a
    // management station take its answers away.
    static constexpr std::int64_t answers_per_second = 50;
    static constexpr std::int64_t answers_at_once = 100;
    static constexpr std::size_t sources_max = 1'024;

    QueryFilter(std::string own_engine_id, std::set<std::string> users)
        : own_engine_id_(std::move(own_engine_id)), users_(std::move(users)) {}

    // `source` tells addresses apart, without a port; `now_ms` never goes back.
    [[nodiscard]] QueryVerdict judge(std::span<const std::uint8_t> datagram,
                                     const std::string& source, std::int64_t now_ms);

  private:
    struct Allowance {
        std::int64_t thousandths = answers_at_once * 1'000;
        std::int64_t at_ms = 0;
    };
    bool may_answer(const std::string& source, std::int64_t now_ms);

    std::string own_engine_id_;
    std::set<std::string> users_;
    std::map<std::string, Allowance> sources_;
};

}  // namespace snmp_mib
