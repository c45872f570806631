// From the answers of single paths to drives and libraries.

#include <algorithm>
#include <map>
#include <tuple>

#include "drive_iface/discovery/discovery.hpp"
#include "drive_iface/scsi/element_status.hpp"

namespace drive_iface::discovery {

using agent::core::Result;
using scsi::Designator;

namespace {

std::string designator_text(const Designator& designator) {
    switch (designator.type) {
        case Designator::type_t10_vendor:
            return "t10 " + to_text(designator);
        case Designator::type_naa:
            return "naa " + to_text(designator);
        case Designator::type_scsi_name:
            return "name " + to_text(designator);
        default:
            return "type " + std::to_string(designator.type) + " " + to_text(designator);
    }
}

// Names that tell a port from all others; a relative number does not.
bool names_a_port(const Designator& designator) {
    return designator.type == Designator::type_naa || designator.type == Designator::type_scsi_name;
}

std::string port_answering(const DeviceSurvey& survey) {
    for (const auto& designator : survey.designators) {
        if (designator.association == Designator::Association::target_port &&
            names_a_port(designator))
            return to_text(designator);
    }
    return "";
}

std::vector<std::string> logical_unit_names(const DeviceSurvey& survey) {
    std::vector<std::string> names;
    for (const auto& designator : survey.designators) {
        if (designator.association == Designator::Association::logical_unit)
            names.push_back(designator_text(designator));
    }
    return names;
}

std::vector<std::string> port_names(const DeviceSurvey& survey) {
    std::vector<std::string> names;
    for (const auto& port : survey.ports) {
        const auto named = std::find_if(port.target_port.begin(), port.target_port.end(),
                                        [](const auto& name) { return names_a_port(name); });
        names.push_back(named == port.target_port.end()
                            ? "port " + std::to_string(port.relative_identifier)
                            : to_text(*named));
    }
    return names;
}

// Two paths lead to one device when all of this is the same. The name of the logical unit counts
// only where both tell it.
struct Sighting {
    const DevicePath* path = nullptr;
    const DeviceSurvey* survey = nullptr;
};

bool same_device(const Sighting& a, const Sighting& b) {
    const auto& one = a.survey->identity;
    const auto& other = b.survey->identity;
    const bool names_differ = !one.logical_unit_name.empty() && !other.logical_unit_name.empty() &&
                              one.logical_unit_name != other.logical_unit_name;
    return std::tie(one.serial, one.device_type, one.vendor, one.product) ==
               std::tie(other.serial, other.device_type, other.vendor, other.product) &&
           !names_differ;
}

using Group = std::vector<Sighting>;

std::vector<Group> by_device(const std::vector<Sighting>& sightings) {
    std::vector<Group> groups;
    for (const auto& sighting : sightings) {
        const auto known = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
            return same_device(group.front(), sighting);
        });
        if (known == groups.end()) {
            groups.push_back({sighting});
        } else {
            known->push_back(sighting);
        }
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
        return a.front().survey->identity.serial < b.front().survey->identity.serial;
    });
    return groups;
}

std::vector<DiscoveredPath> paths_of(const Group& group) {
    std::vector<DiscoveredPath> paths;
    for (const auto& sighting : group)
        paths.push_back({*sighting.path, port_answering(*sighting.survey)});
    return paths;
}

DiscoveredDrive drive_from(const Group& group) {
    DiscoveredDrive drive;
    const DeviceSurvey& survey = *group.front().survey;
    drive.identity = survey.identity;
    drive.manufacturer_serial = survey.manufacturer_serial;
    drive.library_serial = survey.library_serial;
    drive.element_address = survey.element_address;
    drive.designators = logical_unit_names(survey);
    drive.ports = port_names(survey);
    drive.paths = paths_of(group);
    return drive;
}

// The drive a library means. Serial numbers may end alike: the longest that fits is meant.
DiscoveredDrive* drive_identified(std::vector<DiscoveredDrive>& drives,
                                  const Designator& identifier) {
    DiscoveredDrive* found = nullptr;
    for (auto& drive : drives) {
        const std::string& serial = drive.identity.serial.text;
        if (!scsi::identifies(identifier, serial)) continue;
        if (found == nullptr || serial.size() > found->identity.serial.text.size()) found = &drive;
    }
    return found;
}

void place_drive(DiscoveredDrive& drive, const DiscoveredLibrary& library, std::uint16_t address,
                 std::vector<std::string>& problems) {
    const std::string name = "drive " + drive.identity.serial.text;
    if (drive.by_changer) {
        return problems.push_back(name + ": changers " + drive.library_serial + " and " +
                                  library.identity.serial.text +
                                  " both say that it is theirs; the first is believed");
    }
    if (drive.element_address && *drive.element_address != address) {
        problems.push_back(name + ": it says it has element address " +
                           std::to_string(*drive.element_address) +
                           " (VPD page B4h), its changer " + library.identity.serial.text +
                           " says " + std::to_string(address) + "; the changer is believed");
    }
    drive.element_address = address;
    drive.library_serial = library.identity.serial.text;
    drive.by_changer = true;
}

DiscoveredLibrary library_from(const Group& group, std::vector<DiscoveredDrive>& drives,
                               std::vector<std::string>& problems) {
    DiscoveredLibrary library;
    library.identity = group.front().survey->identity;
    library.paths = paths_of(group);
    // A path may be refused what another one is told.
    const auto teller = std::find_if(group.begin(), group.end(), [](const Sighting& sighting) {
        return !sighting.survey->library_drives.empty();
    });
    if (teller == group.end()) return library;
    std::size_t unidentified = 0;
    for (const auto& told : teller->survey->library_drives) {
        DiscoveredLibrary::Bay bay{told.element_address, {}, {}};
        if (!told.identifier) ++unidentified;
        DiscoveredDrive* drive = nullptr;
        if (told.identifier) {
            bay.identifier = to_text(*told.identifier);
            drive = drive_identified(drives, *told.identifier);
        }
        if (drive != nullptr) {
            bay.drive_serial = drive->identity.serial.text;
            place_drive(*drive, library, told.element_address, problems);
        }
        library.bays.push_back(std::move(bay));
    }
    if (unidentified > 0) {
        problems.push_back("changer " + library.identity.serial.text + ": it does not identify " +
                           std::to_string(unidentified) + " of its " +
                           std::to_string(library.bays.size()) +
                           " drives (READ ELEMENT STATUS with DVCID)");
    }
    return library;
}

// A serial number is the identity of a drive: two devices with one and the same can not be told
// apart after their nodes are renumbered.
void report_doubles(const std::vector<Group>& groups, std::vector<std::string>& problems) {
    for (std::size_t i = 1; i < groups.size(); ++i) {
        const Sighting& before = groups[i - 1].front();
        const Sighting& one = groups[i].front();
        if (before.survey->identity.serial != one.survey->identity.serial) continue;
        problems.push_back("serial number " + one.survey->identity.serial.text + ": " +
                           before.path->name + " and " + one.path->name +
                           " lead to different devices that both answer it; give them different "
                           "serial numbers before one of them is watched");
    }
}

}  // namespace

Discovered put_together(const std::vector<DevicePath>& paths,
                        const std::vector<Result<DeviceSurvey>>& surveys) {
    Discovered discovered;
    discovered.paths_asked = paths.size();
    std::vector<Sighting> drives;
    std::vector<Sighting> changers;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!surveys[i]) {
            discovered.problems.push_back(surveys[i].error().within(paths[i].name).message);
            continue;
        }
        const DeviceSurvey& survey = *surveys[i];
        for (const auto& problem : survey.problems)
            discovered.problems.push_back(paths[i].name + ": " + problem);
        if (survey.identity.device_type == scsi::device_type::sequential_access)
            drives.push_back({&paths[i], &survey});
        if (survey.identity.device_type == scsi::device_type::medium_changer)
            changers.push_back({&paths[i], &survey});
    }
    const auto drive_groups = by_device(drives);
    const auto changer_groups = by_device(changers);
    for (const auto& group : drive_groups)
        discovered.drives.push_back(drive_from(group));
    for (const auto& group : changer_groups)
        discovered.libraries.push_back(library_from(group, discovered.drives, discovered.problems));
    report_doubles(drive_groups, discovered.problems);
    report_doubles(changer_groups, discovered.problems);
    return discovered;
}

}  // namespace drive_iface::discovery
