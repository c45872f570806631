#pragma once

// What is known of this host, and where from: dsad.json, what is found on it, and what a person has
// said. dsad.json counts before a person's word, a person's word before what is found.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/dsad/host_facts.hpp"
#include "agent/host/host_devices.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::dsad {

enum class FactSource : std::uint8_t { configuration, discovered, by_hand };
[[nodiscard]] std::string_view to_text(FactSource value);

struct KnownDrive {
    core::DriveSerial serial;
    FactSource source = FactSource::configuration;  // who says that this host has it
    core::WallTime since;                           // when that was said or found by this process
    std::string actor;                              // by hand: who
    std::string application_name;
    std::optional<FactSource> name_source;  // nothing: nobody has said; the serial stands in
    std::string device;                     // empty: not known
    std::optional<FactSource> device_source;
};

struct KnownPort {
    core::InitiatorPort port;
    FactSource source = FactSource::configuration;
    core::WallTime since;
    std::string actor;
    bool own = true;  // false: found, and said by hand not to be this host's
};

// A person gave a node that is another drive's by now.
struct ContradictedNode {
    core::DriveSerial drive;
    std::string device;
    core::DriveSerial belongs_to;
    bool operator==(const ContradictedNode&) const = default;
};

// Found, and not to be used: the application's profile can not be compiled for it.
struct UnusedDrive {
    core::DriveSerial drive;
    std::string why;  // begins with a key of dsad.json
    bool operator==(const UnusedDrive&) const = default;
};

void leave_out(runtime::DsadConfiguration& configuration, const std::vector<UnusedDrive>& unused);

class HostKnowledge {
  public:
    // `configured` is dsad.json as it stands there. Error when no port is known at all: every
    // holder of a drive would then be taken for a foreign one.
    [[nodiscard]] static core::Result<HostKnowledge> combine(runtime::DsadConfiguration configured,
                                                             HostFacts facts,
                                                             host::HostDevices devices,
                                                             core::Now now);

    // dsad.json, completed: what everything else goes by.
    [[nodiscard]] const runtime::DsadConfiguration& configuration() const { return complete_; }
    [[nodiscard]] const host::HostDevices& devices() const { return devices_; }
    [[nodiscard]] const HostFacts& facts() const { return facts_; }
    [[nodiscard]] std::vector<KnownDrive> drives() const;
    [[nodiscard]] std::vector<KnownPort> ports() const;
    [[nodiscard]] const std::vector<ContradictedNode>& contradictions() const {
        return contradictions_;
    }
    // Drives that stand in dsad.json itself.
    [[nodiscard]] std::vector<core::DriveSerial> listed() const;
    // Until something else becomes known these are not drives of this host.
    void leave_out(std::vector<UnusedDrive> unused);
    [[nodiscard]] const std::vector<UnusedDrive>& unused() const { return unused_; }
    // What was found and is new, a line for each, since this was last asked.
    [[nodiscard]] std::vector<std::string> take_news();

    // After another look. What was found once stays.
    void see(host::HostDevices devices, core::Now now);
    // Times of what was known before are kept: for a configuration that was read again.
    void remember_times_of(const HostKnowledge& before);

    // A person's word; the answer is what is known then. Errors say what contradicts it and what to
    // do. `node`: what fact.device leads to, itself when it is no link.
    [[nodiscard]] core::Result<HostKnowledge> with_drive(DriveFact fact,
                                                         const std::string& node) const;
    // Name and node of a drive that is known already.
    [[nodiscard]] core::Result<HostKnowledge> with_mapping(DriveFact fact,
                                                           const std::string& node) const;
    // Takes back what was said by hand, and forgets a drive that is not found any more.
    [[nodiscard]] core::Result<HostKnowledge> without_drive(const core::DriveSerial& serial) const;
    [[nodiscard]] core::Result<HostKnowledge> with_port(PortFact fact) const;
    [[nodiscard]] core::Result<HostKnowledge> without_port(PortFact fact) const;

  private:
    void complete_again();
    void add_facts_about_drives();
    void apply_fact(const DriveFact& fact, runtime::DsadDrive& drive);
    [[nodiscard]] std::string trouble_with(const DriveFact& fact, const std::string& node) const;
    [[nodiscard]] std::optional<FactSource> source_of_name(const core::DriveSerial& serial) const;
    [[nodiscard]] std::optional<FactSource> source_of_device(const runtime::DsadDrive& drive) const;

    runtime::DsadConfiguration configured_;
    runtime::DsadConfiguration found_;     // configured_ and what was found
    runtime::DsadConfiguration complete_;  // found_ and what was said by hand
    HostFacts facts_;
    host::HostDevices devices_;  // as last looked at
    std::vector<ContradictedNode> contradictions_;
    std::vector<UnusedDrive> unused_;
    std::vector<std::string> news_;
    core::WallTime configured_at_;
    std::map<std::string, core::WallTime> found_at_;  // by serial, and by port in words
};

}  // namespace agent::dsad
