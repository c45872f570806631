#include "snmp_mib/library_hints.hpp"

#include <utility>

#include "snmp_mib/datagram.hpp"
#include "snmp_mib/library_trap.hpp"
#include "snmp_mib/snmp_message.hpp"

namespace snmp_mib {

agent::core::Result<LibraryHints> LibraryHints::from(
    const std::vector<HintSourceConfiguration>& sources,
    const std::map<std::string, UsmUserKeys>& users, SnmpCounters& counters,
    LibraryHintHandler on_hint) {
    LibraryHints hints(counters, std::move(on_hint));
    for (const HintSourceConfiguration& source : sources) {
        asio::error_code error;
        const auto address = asio::ip::make_address(source.address, error);
        if (error) {
            return agent::core::Error{"\"" + source.address +
                                      "\" is no IP address; a library's traps are known by it"};
        }
        Source known{source, {}, {}};
        if (source.version == ConsumerVersion::v3) {
            const auto keys = users.find(source.user);
            if (keys == users.end())
                return agent::core::Error{"user \"" + source.user + "\" is not in snmp.users"};
            known.keys = keys->second;
        }
        if (!hints.sources_.emplace(address, std::move(known)).second)
            return agent::core::Error{"address " + source.address + " stands twice"};
    }
    return hints;
}

Overheard LibraryHints::take(std::span<const std::uint8_t> datagram,
                             const asio::ip::address& from) {
    const auto found = sources_.find(from);
    if (found == sources_.end()) return {};
    Source& source = found->second;
    if (source.configuration.version == ConsumerVersion::v3) return {take_v3(source, datagram), {}};
    auto trap = community_trap_of(datagram);
    if (!trap) return {};
    if (trap->community != source.configuration.community) {
        counters_->add(SnmpCount::hints_refused);
        return {true, {}};
    }
    hint(source, trap->trap, trap->varbinds);
    return {true, std::move(trap->response)};
}

bool LibraryHints::take_inform(const ReceivedMessage& inform, const asio::ip::address& from) {
    const auto found = sources_.find(from);
    if (found == sources_.end()) return false;
    const Source& source = found->second;
    if (source.configuration.version != ConsumerVersion::v3 ||
        inform.command() != ReceivedMessage::Command::inform ||
        inform.user() != source.configuration.user) {
        return false;
    }
    const std::vector<Varbind>& varbinds = inform.varbinds();
    hint(source, trap_oid_of(varbinds).value_or(Oid()), varbinds);
    return true;
}

std::set<asio::ip::address> LibraryHints::addresses_of_v3() const {
    std::set<asio::ip::address> addresses;
    for (const auto& [address, source] : sources_) {
        if (source.configuration.version == ConsumerVersion::v3) addresses.insert(address);
    }
    return addresses;
}

// The sender is the authority of a trap (RFC 3412 6.5, 7.1.4): its engine ID is learnt from the
// first trap, and remembered only as far as the SNMP library does.
bool LibraryHints::take_v3(Source& source, std::span<const std::uint8_t> datagram) {
    const Envelope envelope = envelope_of(datagram);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    const bool may_be_its_trap = v3 != nullptr && !v3->reportable &&
                                 v3->user == source.configuration.user &&
                                 v3->authoritative_engine_id.size() >= 5;
    if (!may_be_its_trap) return false;
    if (!v3->encrypted || !is_authentic(source.keys, *v3, datagram)) {
        counters_->add(SnmpCount::hints_refused);
        return true;
    }
    const std::string& engine = v3->authoritative_engine_id;
    if (!source.engines.contains(engine)) {
        if (source.engines.size() == engines_max || !add_user(source.keys, engine)) {
            counters_->add(SnmpCount::hints_refused);
            return true;
        }
        source.engines.insert(engine);
        set_engine_clock(engine, v3->engine_boots, v3->engine_time, false);
    }
    const ReceivedMessage message = ReceivedMessage::decode(datagram);
    const bool accepted = message.verdict() == ReceivedMessage::Verdict::accepted &&
                          message.authenticated_and_encrypted() &&
                          message.command() == ReceivedMessage::Command::trap &&
                          message.user() == source.configuration.user;
    if (accepted) {
        const std::vector<Varbind>& varbinds = message.varbinds();
        hint(source, trap_oid_of(varbinds).value_or(Oid()), varbinds);
    } else {
        counters_->add(SnmpCount::hints_refused);
    }
    return true;
}

void LibraryHints::hint(const Source& source, const Oid& trap,
                        const std::vector<Varbind>& varbinds) {
    const auto name = drive_trap_name(trap);
    if (!name) {
        counters_->add(SnmpCount::hints_ignored);
        return;
    }
    counters_->add(SnmpCount::hints_taken);
    on_hint_(source.configuration.library, std::string(*name), varbinds);
}

}  // namespace snmp_mib
