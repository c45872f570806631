#include "agent/lrad/discovery_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace agent::lrad {

using drive_iface::discovery::DevicePath;
using drive_iface::discovery::Discovered;
using drive_iface::discovery::DiscoveredDrive;
using drive_iface::discovery::DiscoveredLibrary;
using drive_iface::discovery::DiscoveredPath;
using nlohmann::json;

namespace {

std::string kind_name(DevicePath::Kind kind) {
    switch (kind) {
        case DevicePath::Kind::sg:
            return "sg";
        case DevicePath::Kind::iscsi:
            break;
    }
    return "iscsi";
}

json text_or_nothing(const std::string& text) {
    return text.empty() ? json() : json(text);
}

json paths_json(const std::vector<DiscoveredPath>& paths) {
    json list = json::array();
    for (const auto& path : paths) {
        list.push_back({{"type", kind_name(path.path.kind)},
                        {"path", path.path.name},
                        {"scsi_address", text_or_nothing(path.path.scsi_address)},
                        {"target_port", text_or_nothing(path.target_port)}});
    }
    return list;
}

json element_json(const DiscoveredDrive& drive) {
    return drive.element_address ? json(*drive.element_address) : json();
}

json drive_found_json(const DiscoveredDrive& drive) {
    return {{"serial", drive.identity.serial.text},
            {"vendor", drive.identity.vendor},
            {"product", drive.identity.product},
            {"firmware", drive.identity.revision},
            {"manufacturer_serial", text_or_nothing(drive.manufacturer_serial)},
            {"logical_unit_names", drive.designators},
            {"ports", drive.ports},
            {"element_address", element_json(drive)},
            {"library", text_or_nothing(drive.library_serial)},
            {"paths", paths_json(drive.paths)}};
}

json changer_found_json(const DiscoveredLibrary& library) {
    json bays = json::array();
    for (const auto& bay : library.bays) {
        bays.push_back({{"element_address", bay.element_address},
                        {"identifier", text_or_nothing(bay.identifier)},
                        {"drive", text_or_nothing(bay.drive_serial)}});
    }
    return {{"serial", library.identity.serial.text},
            {"vendor", library.identity.vendor},
            {"product", library.identity.product},
            {"firmware", library.identity.revision},
            {"bays", std::move(bays)},
            {"paths", paths_json(library.paths)}};
}

json interface_to_paste(const DiscoveredDrive& drive) {
    const bool sg = std::any_of(drive.paths.begin(), drive.paths.end(), [](const auto& path) {
        return path.path.kind == DevicePath::Kind::sg;
    });
    if (sg) return {{"type", "sg"}};
    return {{"type", "iscsi"}, {"url", drive.paths.front().path.name}};
}

// Text of devices, as it goes to a terminal.
std::string in_print(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
}

using TextRow = std::vector<std::string>;

std::string aligned(const std::vector<TextRow>& rows) {
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += in_print(row[i]);
            if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

void add_rows(std::vector<TextRow>& rows, TextRow first, const std::vector<DiscoveredPath>& paths) {
    for (const auto& path : paths) {
        first.push_back(path.path.name);
        first.push_back(path.target_port);
        rows.push_back(first);
        first.assign(first.size() - 2, "");
    }
}

}  // namespace

json discovered_json(const Discovered& discovered) {
    json drives = json::array();
    for (const auto& drive : discovered.drives)
        drives.push_back(drive_found_json(drive));
    json changers = json::array();
    for (const auto& library : discovered.libraries)
        changers.push_back(changer_found_json(library));
    return {{"drives", std::move(drives)},
            {"changers", std::move(changers)},
            {"problems", discovered.problems},
            {"paths_asked", discovered.paths_asked}};
}

json drives_to_paste(const Discovered& discovered) {
    json list = json::array();
    std::set<std::string> serials;
    std::set<std::uint16_t> addresses;
    for (const auto& drive : discovered.drives) {
        if (!serials.insert(drive.identity.serial.text).second) continue;
        json entry{{"serial", drive.identity.serial.text},
                   {"interface", interface_to_paste(drive)},
                   {"events", false},
                   {"offline", {{"actuator", "alarm"}}}};
        // Two libraries number their elements alike; the configuration knows one of each.
        if (drive.element_address && addresses.insert(*drive.element_address).second)
            entry["element_address"] = *drive.element_address;
        list.push_back(std::move(entry));
    }
    return list;
}

std::string discovered_text(const Discovered& discovered, const json& drives) {
    std::string text;
    if (discovered.drives.empty()) text += "no tape drives found\n";
    std::vector<TextRow> rows{{"DRIVE", "PRODUCT", "FIRMWARE", "ELEMENT", "PATH", "PORT"}};
    for (const auto& drive : discovered.drives) {
        const std::string element =
            drive.element_address ? std::to_string(*drive.element_address) : "-";
        add_rows(rows,
                 {drive.identity.serial.text, drive.identity.vendor + " " + drive.identity.product,
                  drive.identity.revision, element},
                 drive.paths);
    }
    if (rows.size() > 1) text += aligned(rows);
    rows = {{"CHANGER", "PRODUCT", "FIRMWARE", "DRIVES", "PATH", "PORT"}};
    for (const auto& library : discovered.libraries) {
        add_rows(
            rows,
            {library.identity.serial.text, library.identity.vendor + " " + library.identity.product,
             library.identity.revision, std::to_string(library.bays.size())},
            library.paths);
    }
    if (rows.size() > 1) text += "\n" + aligned(rows);
    if (!discovered.problems.empty()) text += "\nproblems\n";
    for (const auto& problem : discovered.problems)
        text += "  " + in_print(problem) + "\n";
    if (discovered.drives.empty()) return text;
    text += "\nFor lrad.json (docs/CONFIGURATION.md):\n\n\"drives\": [\n";
    for (std::size_t i = 0; i < drives.size(); ++i) {
        text += "  " + drives[i].dump(-1, ' ', true, json::error_handler_t::replace) +
                (i + 1 < drives.size() ? ",\n" : "\n");
    }
    return text + "]\n";
}

}  // namespace agent::lrad
