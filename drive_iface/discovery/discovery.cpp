#include "drive_iface/discovery/discovery.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/device/iscsi_discovery.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/device/sg_transport.hpp"
#include "drive_iface/discovery/sg_nodes.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/report_luns.hpp"

namespace drive_iface::discovery {

using agent::core::Duration;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

// Less than the time for a whole device, so that a slow command is named in the problem.
Duration command_time(const AskingLimits& limits) {
    return {std::max<std::int64_t>(limits.each.ms * 3 / 5, 1'000)};
}

IscsiCredentialsDoor credentials_for(const DiscoveryOptions& options,
                                     const std::string& url_or_portal) {
    if (!options.credentials) return nullptr;
    return [ask = options.credentials, url_or_portal] { return ask(url_or_portal); };
}

void add_sg_paths(const DiscoveryOptions& options, std::vector<DevicePath>& paths,
                  std::vector<std::string>& problems) {
    const auto nodes = tape_library_nodes(options.sysfs);
    if (!nodes) {
        // Who names portals may well have nothing but iSCSI.
        if (options.portals.empty() || options.sg_nodes_expected)
            problems.push_back(nodes.error().message);
        return;
    }
    for (const auto& node : *nodes)
        paths.push_back({DevicePath::Kind::sg, node.node, node.scsi_address});
}

// SendTargets needs no device; libiscsi keeps its times, so no thread is ever left behind for long.
class PortalTargets : public Transport {
  public:
    Result<ScsiReply> execute(const ScsiCommand&, Duration) override {
        return Error{"a portal takes no SCSI commands"};
    }
};

struct TargetOfPortal {
    std::string target;
    std::string portal;
};

std::vector<TargetOfPortal> targets_of_portals(const DiscoveryOptions& options,
                                               std::vector<std::string>& problems) {
    std::vector<DevicePath> portals;
    for (const auto& portal : options.portals) {
        if (portals.size() < portals_max) portals.push_back({DevicePath::Kind::iscsi, portal, {}});
    }
    auto answers = std::make_shared<std::vector<std::vector<IscsiTarget>>>(portals.size());
    PathAsker asker([](const DevicePath&) -> Result<std::unique_ptr<Transport>> {
        return std::unique_ptr<Transport>(std::make_unique<PortalTargets>());
    });
    const auto outcomes = asker.ask(
        portals,
        [answers, portals, options](Transport&, std::size_t number) -> Outcome {
            auto targets = discover_iscsi_targets(
                {portals[number].name, options.initiator_name, options.isid, options.isid_qualifier,
                 command_time(options.limits), credentials_for(options, portals[number].name)});
            if (!targets) return targets.error();
            (*answers)[number] = std::move(targets).value();
            return Nothing{};
        },
        options.limits);
    std::vector<TargetOfPortal> found;
    for (std::size_t i = 0; i < portals.size(); ++i) {
        if (!outcomes[i]) {
            const std::string why = outcomes[i].error().message;
            const bool named = why.find(portals[i].name) != std::string::npos;
            problems.push_back(named ? why : "iSCSI portal " + portals[i].name + ": " + why);
            continue;
        }
        for (const auto& target : (*answers)[i]) {
            for (const auto& portal : target.portals)
                found.push_back({target.name, portal});
        }
    }
    // Portals that belong together name each other's targets.
    const auto key = [](const TargetOfPortal& entry) { return entry.target + " " + entry.portal; };
    std::sort(found.begin(), found.end(),
              [&](const auto& a, const auto& b) { return key(a) < key(b); });
    found.erase(std::unique(found.begin(), found.end(),
                            [&](const auto& a, const auto& b) { return key(a) == key(b); }),
                found.end());
    return found;
}

// Single-level LUNs alone have a number (SAM-5 4.7.4); others can not stand in an iSCSI URL.
std::optional<std::uint64_t> lun_number(std::uint64_t lun) {
    constexpr unsigned address_method_shift = 62;
    if ((lun & 0x0000'ffff'ffff'ffff) != 0 || lun >> address_method_shift > 1) return std::nullopt;
    return lun >> 48U & 0x3fffU;
}

Result<std::vector<std::uint64_t>> report_luns(Transport& target, Duration timeout) {
    constexpr std::uint32_t size = 8 + 8 * 1'024;
    const auto cdb = scsi::report_luns_cdb(size);
    const auto reply = execute_patiently(target, {cdb, {}, size}, timeout, nullptr);
    if (!reply) return reply.error();
    if (reply->status != scsi::status::good) return Error{"REPORT LUNS: " + in_words(*reply)};
    return scsi::decode_report_luns(reply->data_in);
}

void add_iscsi_paths(const DiscoveryOptions& options, PathAsker& asker,
                     std::vector<DevicePath>& paths, std::vector<std::string>& problems) {
    if (options.portals.empty()) return;
    const auto targets = targets_of_portals(options, problems);
    std::vector<DevicePath> doors;
    doors.reserve(targets.size());
    for (const auto& target : targets)
        doors.push_back({DevicePath::Kind::iscsi, iscsi_url(target.portal, target.target, 0), {}});
    doors.resize(std::min(doors.size(), paths_max));
    auto answers = std::make_shared<std::vector<std::vector<std::uint64_t>>>(doors.size());
    const Duration timeout = command_time(options.limits);
    const auto outcomes = asker.ask(
        doors,
        [answers, timeout](Transport& target, std::size_t number) -> Outcome {
            auto luns = report_luns(target, timeout);
            if (!luns) return luns.error();
            (*answers)[number] = std::move(luns).value();
            return Nothing{};
        },
        options.limits);
    for (std::size_t i = 0; i < doors.size(); ++i) {
        if (!outcomes[i]) {
            problems.push_back(outcomes[i].error().within(doors[i].name).message);
            continue;
        }
        for (const std::uint64_t lun : (*answers)[i]) {
            const auto number = lun_number(lun);
            if (!number) continue;
            paths.push_back({DevicePath::Kind::iscsi,
                             iscsi_url(targets[i].portal, targets[i].target, *number),
                             {}});
        }
    }
}

}  // namespace

PathAsker::Open path_opener(const DiscoveryOptions& options) {
    return [options](const DevicePath& path) -> Result<std::unique_ptr<Transport>> {
        switch (path.kind) {
            case DevicePath::Kind::sg:
                return make_sg_transport(path.name);
            case DevicePath::Kind::iscsi:
                break;
        }
        return make_iscsi_transport({path.name, options.initiator_name, options.isid,
                                     options.isid_qualifier, command_time(options.limits),
                                     credentials_for(options, path.name)});
    };
}

Discovered discover(const DiscoveryOptions& options, PathAsker& asker) {
    std::vector<DevicePath> paths;
    std::vector<std::string> problems;
    add_sg_paths(options, paths, problems);
    add_iscsi_paths(options, asker, paths, problems);
    if (paths.size() > paths_max) {
        problems.push_back(std::to_string(paths.size()) + " paths, of which the first " +
                           std::to_string(paths_max) + " are asked");
        paths.resize(paths_max);
    }
    auto answers = std::make_shared<std::vector<DeviceSurvey>>(paths.size());
    const Duration timeout = command_time(options.limits);
    const auto outcomes = asker.ask(
        paths,
        [answers, timeout](Transport& device, std::size_t number) -> Outcome {
            auto survey = survey_device(device, timeout);
            if (!survey) return survey.error();
            (*answers)[number] = std::move(survey).value();
            return Nothing{};
        },
        options.limits);
    std::vector<Result<DeviceSurvey>> surveys;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (outcomes[i]) {
            surveys.emplace_back(std::move((*answers)[i]));
        } else {
            surveys.emplace_back(outcomes[i].error());
        }
    }
    Discovered discovered = put_together(paths, surveys);
    discovered.problems.insert(discovered.problems.begin(), problems.begin(), problems.end());
    return discovered;
}

}  // namespace drive_iface::discovery
