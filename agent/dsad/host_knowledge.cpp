#include "agent/dsad/host_knowledge.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/enumerator_names.hpp"
#include "agent/dsad/host_discovery.hpp"

namespace agent::dsad {

namespace {

using runtime::DsadConfiguration;
using runtime::DsadDrive;

constexpr core::EnumeratorName<FactSource> fact_source_names[] = {
    {FactSource::configuration, "configuration"},
    {FactSource::discovered, "discovered"},
    {FactSource::by_hand, "by_hand"},
};

template <typename List>
auto drive_in(List& list, const core::DriveSerial& serial) {
    return std::find_if(list.begin(), list.end(),
                        [&](const auto& one) { return one.serial == serial; });
}

template <typename List>
auto fact_about(List& facts, const core::InitiatorPort& port) {
    return std::find_if(facts.begin(), facts.end(),
                        [&](const auto& fact) { return core::same_host_port(fact.port, port); });
}

bool has_port(const std::vector<core::InitiatorPort>& ports, const core::InitiatorPort& port) {
    return std::any_of(ports.begin(), ports.end(),
                       [&](const auto& one) { return core::same_host_port(one, port); });
}

// What dsad.json itself says the application calls the drive.
std::optional<std::string> configured_name(const DsadConfiguration& configured,
                                           const core::DriveSerial& serial) {
    const auto named = configured.application_names.find(serial.text);
    if (named != configured.application_names.end()) return named->second;
    const auto listed = drive_in(configured.drives, serial);
    if (listed == configured.drives.end() || listed->application_name == serial.text)
        return std::nullopt;
    return listed->application_name;
}

// The non-rewinding node of the same unit: "/dev/nst3" for "/dev/st3a". Other names as they are.
std::string as_listed(const std::string& node) {
    const auto begins = [&](std::string_view text) { return node.rfind(text, 0) == 0; };
    const std::size_t number = begins("/dev/nst") ? 8 : begins("/dev/st") ? 7 : std::string::npos;
    if (number == std::string::npos) return node;
    const std::size_t end = std::min(node.find_first_not_of("0123456789", number), node.size());
    if (end == number) return node;
    return "/dev/nst" + node.substr(number, end - number);
}

const host::FoundTapeDrive* drive_behind(const host::HostDevices& devices,
                                         const std::string& node) {
    const std::string listed = as_listed(node);
    for (const auto& drive : devices.drives) {
        const auto has = [&](const std::vector<std::string>& nodes) {
            return std::find(nodes.begin(), nodes.end(), listed) != nodes.end();
        };
        if (has(drive.tape_nodes) || has(drive.generic_nodes)) return &drive;
    }
    return nullptr;
}

}  // namespace

std::string_view to_text(FactSource value) {
    return core::name_of(fact_source_names, value);
}

core::Result<HostKnowledge> HostKnowledge::combine(DsadConfiguration configured, HostFacts facts,
                                                   host::HostDevices devices, core::Now now) {
    HostKnowledge known;
    known.configured_ = std::move(configured);
    known.found_ = known.configured_;
    known.facts_ = std::move(facts);
    known.configured_at_ = now.wall;
    known.see(std::move(devices), now);
    if (known.configured_.discover_ports && known.complete_.host.ports.empty()) {
        return core::Error{
            "ports: \"discover\" has found no fibre channel, SAS or iSCSI port on this host; "
            "list them: [\"fc:2100000e1e09a1b0\"]"};
    }
    return known;
}

std::vector<std::string> HostKnowledge::take_news() {
    return std::exchange(news_, {});
}

std::vector<core::DriveSerial> HostKnowledge::listed() const {
    std::vector<core::DriveSerial> serials;
    for (const DsadDrive& drive : configured_.drives)
        serials.push_back(drive.serial);
    return serials;
}

void leave_out(DsadConfiguration& configuration, const std::vector<UnusedDrive>& unused) {
    for (const UnusedDrive& one : unused) {
        std::erase_if(configuration.drives,
                      [&](const auto& drive) { return drive.serial == one.drive; });
        std::erase(configuration.host.drives, one.drive);
    }
}

void HostKnowledge::leave_out(std::vector<UnusedDrive> unused) {
    unused_ = std::move(unused);
    dsad::leave_out(complete_, unused_);
}

void HostKnowledge::see(host::HostDevices devices, core::Now now) {
    devices_ = std::move(devices);
    const auto added = complete(found_, devices_);
    news_.insert(news_.end(), added.begin(), added.end());
    for (const auto& drive : found_.drives)
        found_at_.emplace(drive.serial.text, now.wall);
    for (const auto& port : found_.host.ports)
        found_at_.emplace(core::to_text(port), now.wall);
    complete_again();
}

void HostKnowledge::remember_times_of(const HostKnowledge& before) {
    for (auto& [key, at] : found_at_) {
        const auto known = before.found_at_.find(key);
        if (known != before.found_at_.end()) at = known->second;
    }
}

// ---- what a person's word makes of it
// -----------------------------------------------------------

void HostKnowledge::complete_again() {
    complete_ = found_;
    contradictions_.clear();
    unused_.clear();
    auto& ports = complete_.host.ports;
    for (const PortFact& fact : facts_.ports) {
        // dsad.json's own list is nobody's to shorten.
        if (!fact.own && !has_port(configured_.host.ports, fact.port)) {
            std::erase_if(ports,
                          [&](const auto& port) { return core::same_host_port(port, fact.port); });
        } else if (fact.own && !has_port(ports, fact.port)) {
            ports.push_back(fact.port);
        }
    }
    add_facts_about_drives();
}

void HostKnowledge::add_facts_about_drives() {
    for (const DriveFact& fact : facts_.drives) {
        auto drive = drive_in(complete_.drives, fact.serial);
        if (drive == complete_.drives.end()) {
            if (!fact.added) continue;  // is found again, perhaps
            const auto name = configured_name(configured_, fact.serial);
            complete_.host.drives.push_back(fact.serial);
            complete_.drives.push_back({fact.serial, name.value_or(fact.serial.text), ""});
            drive = std::prev(complete_.drives.end());
        }
        apply_fact(fact, *drive);
    }
}

void HostKnowledge::apply_fact(const DriveFact& fact, DsadDrive& drive) {
    if (!fact.application_name.empty() && !configured_name(configured_, fact.serial))
        drive.application_name = fact.application_name;
    const auto listed = drive_in(configured_.drives, fact.serial);
    const bool configured = listed != configured_.drives.end() && !listed->device.empty();
    if (fact.device.empty() || configured) return;
    const auto* behind = drive_behind(devices_, fact.device);
    if (behind != nullptr && behind->serial != fact.serial) {
        contradictions_.push_back({fact.serial, fact.device, behind->serial});
        return;
    }
    drive.device = fact.device;
}

// ---- where from ---------------------------------------------------------------------------------

std::optional<FactSource> HostKnowledge::source_of_name(const core::DriveSerial& serial) const {
    if (configured_name(configured_, serial)) return FactSource::configuration;
    const auto fact = drive_in(facts_.drives, serial);
    if (fact != facts_.drives.end() && !fact->application_name.empty()) return FactSource::by_hand;
    return std::nullopt;
}

std::optional<FactSource> HostKnowledge::source_of_device(const DsadDrive& drive) const {
    if (drive.device.empty()) return std::nullopt;
    const auto listed = drive_in(configured_.drives, drive.serial);
    if (listed != configured_.drives.end() && listed->device == drive.device)
        return FactSource::configuration;
    const auto fact = drive_in(facts_.drives, drive.serial);
    if (fact != facts_.drives.end() && fact->device == drive.device) return FactSource::by_hand;
    return FactSource::discovered;
}

std::vector<KnownDrive> HostKnowledge::drives() const {
    std::vector<KnownDrive> known;
    for (const DsadDrive& drive : complete_.drives) {
        KnownDrive one{drive.serial, FactSource::discovered, configured_at_,
                       "",           drive.application_name, source_of_name(drive.serial),
                       drive.device, source_of_device(drive)};
        const auto fact = drive_in(facts_.drives, drive.serial);
        if (drive_in(configured_.drives, drive.serial) != configured_.drives.end()) {
            one.source = FactSource::configuration;
        } else if (fact != facts_.drives.end() && fact->added) {
            one.source = FactSource::by_hand;
        }
        if (one.source == FactSource::discovered) one.since = found_at_.at(drive.serial.text);
        if (one.source == FactSource::by_hand) one.since = fact->at;
        // Whoever said anything about it is who can be asked.
        if (fact != facts_.drives.end()) one.actor = fact->actor;
        known.push_back(std::move(one));
    }
    return known;
}

std::vector<KnownPort> HostKnowledge::ports() const {
    std::vector<KnownPort> known;
    for (const auto& port : complete_.host.ports) {
        KnownPort one{port, FactSource::discovered, configured_at_, "", true};
        const auto fact = fact_about(facts_.ports, port);
        if (has_port(configured_.host.ports, port)) {
            one.source = FactSource::configuration;
        } else if (fact != facts_.ports.end()) {
            one.source = FactSource::by_hand;
            one.since = fact->at;
            one.actor = fact->actor;
        } else {
            one.since = found_at_.at(core::to_text(port));
        }
        known.push_back(std::move(one));
    }
    for (const PortFact& fact : facts_.ports) {
        if (fact.own || has_port(complete_.host.ports, fact.port)) continue;
        known.push_back({fact.port, FactSource::by_hand, fact.at, fact.actor, false});
    }
    return known;
}

// ---- saying something ---------------------------------------------------------------------------

// Empty when nothing contradicts it.
std::string HostKnowledge::trouble_with(const DriveFact& fact, const std::string& node) const {
    const std::string& serial = fact.serial.text;
    const auto name = configured_name(configured_, fact.serial);
    if (!fact.application_name.empty() && name && *name != fact.application_name) {
        return "drive " + serial + ": dsad.json calls it \"" + *name +
               "\" in the application; change it there and reload";
    }
    const auto listed = drive_in(configured_.drives, fact.serial);
    if (!fact.device.empty() && listed != configured_.drives.end() && !listed->device.empty() &&
        listed->device != fact.device) {
        return "drive " + serial + ": dsad.json says that it is at " + listed->device +
               "; change it there and reload";
    }
    for (const DsadDrive& other : complete_.drives) {
        if (other.serial == fact.serial) continue;
        if (!fact.application_name.empty() && other.application_name == fact.application_name) {
            return "\"" + fact.application_name + "\" is the application's name of drive " +
                   other.serial.text + " already; two drives can not have one name";
        }
        if (!fact.device.empty() && as_listed(other.device) == as_listed(node)) {
            return fact.device + " is the node of drive " + other.serial.text +
                   " already; `host show` lists them";
        }
    }
    const auto* behind = fact.device.empty() ? nullptr : drive_behind(devices_, node);
    if (behind != nullptr && behind->serial != fact.serial) {
        return fact.device + " is drive " + behind->serial.text + " (" + behind->vendor + " " +
               behind->product + "), not " + serial + "; `host show` lists the nodes of each drive";
    }
    if (facts_.drives.size() >= host_facts_max &&
        drive_in(facts_.drives, fact.serial) == facts_.drives.end()) {
        return "there are " + std::to_string(host_facts_max) +
               " drives by hand already; list them in dsad.json";
    }
    return {};
}

core::Result<HostKnowledge> HostKnowledge::with_drive(DriveFact fact,
                                                      const std::string& node) const {
    if (drive_in(complete_.drives, fact.serial) != complete_.drives.end()) {
        return core::Error{"drive " + fact.serial.text +
                           " is known already; `drive map` gives it another name or node"};
    }
    if (auto trouble = trouble_with(fact, node); !trouble.empty())
        return core::Error{std::move(trouble)};
    HostKnowledge next = *this;
    std::erase_if(next.facts_.drives,
                  [&](const auto& known) { return known.serial == fact.serial; });
    fact.added = true;
    next.facts_.drives.push_back(std::move(fact));
    next.complete_again();
    return next;
}

core::Result<HostKnowledge> HostKnowledge::with_mapping(DriveFact fact,
                                                        const std::string& node) const {
    if (drive_in(complete_.drives, fact.serial) == complete_.drives.end()) {
        return core::Error{"no drive " + fact.serial.text +
                           " on this host; `drive add` adds it by hand, `drive list` shows the "
                           "ones there are"};
    }
    if (auto trouble = trouble_with(fact, node); !trouble.empty())
        return core::Error{std::move(trouble)};
    HostKnowledge next = *this;
    const auto known = drive_in(next.facts_.drives, fact.serial);
    if (known == next.facts_.drives.end()) {
        next.facts_.drives.push_back(std::move(fact));
    } else {
        if (!fact.application_name.empty()) known->application_name = fact.application_name;
        if (!fact.device.empty()) known->device = fact.device;
        known->actor = fact.actor;
        known->at = fact.at;
    }
    next.complete_again();
    return next;
}

core::Result<HostKnowledge> HostKnowledge::without_drive(const core::DriveSerial& serial) const {
    const auto fact = drive_in(facts_.drives, serial);
    const bool said = fact != facts_.drives.end();
    const auto known = drive_in(complete_.drives, serial);
    if (!said && known == complete_.drives.end()) {
        return core::Error{"no drive " + serial.text +
                           " on this host; `drive list` shows the ones there are"};
    }
    const bool configured = drive_in(configured_.drives, serial) != configured_.drives.end();
    const auto found = drive_in(devices_.drives, serial);
    const bool is_there = configured_.discover_drives && found != devices_.drives.end();
    if (!said && configured) {
        return core::Error{"drive " + serial.text +
                           " stands in dsad.json; remove it there and reload"};
    }
    if (!said && is_there) {
        return core::Error{"drive " + serial.text + " is found at " + found->tape_nodes.front() +
                           " and would be found again; list the drives in dsad.json instead of "
                           "\"discover\" to leave it out"};
    }
    HostKnowledge next = *this;
    std::erase_if(next.facts_.drives, [&](const auto& one) { return one.serial == serial; });
    if (!configured && !is_there) {
        std::erase_if(next.found_.drives, [&](const auto& one) { return one.serial == serial; });
        std::erase(next.found_.host.drives, serial);
        next.found_at_.erase(serial.text);
    }
    next.complete_again();
    return next;
}

core::Result<HostKnowledge> HostKnowledge::with_port(PortFact fact) const {
    if (has_port(complete_.host.ports, fact.port))
        return core::Error{"port " + core::to_text(fact.port) + " is this host's already"};
    if (facts_.ports.size() >= host_facts_max) {
        return core::Error{"there are " + std::to_string(host_facts_max) +
                           " ports by hand already; list them in dsad.json"};
    }
    HostKnowledge next = *this;
    std::erase_if(next.facts_.ports,
                  [&](const auto& one) { return core::same_host_port(one.port, fact.port); });
    // One that was taken away by hand and is found is simply found again.
    if (!has_port(found_.host.ports, fact.port)) {
        fact.own = true;
        next.facts_.ports.push_back(std::move(fact));
    }
    next.complete_again();
    return next;
}

core::Result<HostKnowledge> HostKnowledge::without_port(PortFact fact) const {
    const std::string name = core::to_text(fact.port);
    if (has_port(configured_.host.ports, fact.port))
        return core::Error{"port " + name + " stands in dsad.json; remove it there and reload"};
    if (!has_port(complete_.host.ports, fact.port)) {
        return core::Error{"port " + name +
                           " is none of this host; `port list` shows the ones there are"};
    }
    if (complete_.host.ports.size() == 1) {
        return core::Error{"port " + name +
                           " is the last one of this host: every holder of a drive would then be "
                           "taken for a foreign one; add the right port first"};
    }
    HostKnowledge next = *this;
    std::erase_if(next.facts_.ports,
                  [&](const auto& one) { return core::same_host_port(one.port, fact.port); });
    if (has_port(found_.host.ports, fact.port)) {
        if (next.facts_.ports.size() >= host_facts_max) {
            return core::Error{"there are " + std::to_string(host_facts_max) +
                               " ports by hand already; list the ports in dsad.json"};
        }
        fact.own = false;
        next.facts_.ports.push_back(std::move(fact));
    }
    next.complete_again();
    return next;
}

}  // namespace agent::dsad
