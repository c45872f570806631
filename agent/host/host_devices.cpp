#include "agent/host/host_devices.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "drive_iface/scsi/inquiry.hpp"

namespace agent::host {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t attribute_size_max = 4'096;  // sysfs gives a page at most
constexpr std::size_t entries_max = 4'096;         // of one folder
constexpr std::string_view blanks{" \t\r\n\0", 5};

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

std::optional<std::string> attribute(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return std::nullopt;
    std::string text(attribute_size_max, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

// Names in a folder that begin so, sorted; a folder that is not there has none.
std::vector<std::string> entries(const fs::path& folder, std::string_view beginning) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        auto name = at->path().filename().string();
        if (name.rfind(beginning, 0) == 0 && names.size() < entries_max)
            names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Ports first found keep their place; the same port is seen in several ways.
class Ports {
  public:
    explicit Ports(HostDevices& found) : found_(found) {}

    void add(std::string_view transport, const std::string& name, const std::string& where) {
        if (name.empty()) return;
        const auto port = core::initiator_port_from_text(std::string(transport) + ":" + name);
        if (!port) {
            found_.troubles.push_back(where + ": \"" + name + "\" is no name of a " +
                                      std::string(transport) + " port");
            return;
        }
        const bool known = std::any_of(
            found_.ports.begin(), found_.ports.end(),
            [&](const FoundPort& other) { return core::same_host_port(other.port, *port); });
        if (!known) found_.ports.push_back({*port, where});
    }

  private:
    HostDevices& found_;
};

// "0x2100000e1e09a1b0" without its prefix.
std::string hex_name(const fs::path& file) {
    auto text = trimmed(attribute(file).value_or(""));
    if (text.rfind("0x", 0) == 0) text.erase(0, 2);
    return text;
}

void find_fc_ports(const fs::path& classes, Ports& ports) {
    // A virtual port (NPIV) is a host of its own here.
    for (const auto& host : entries(classes / "fc_host", "host"))
        ports.add("fc", hex_name(classes / "fc_host" / host / "port_name"), "fc_host/" + host);
}

void find_sas_ports(const fs::path& classes, Ports& ports) {
    for (const auto& host : entries(classes / "sas_host", "host")) {
        ports.add("sas", hex_name(classes / "scsi_host" / host / "host_sas_address"),
                  "scsi_host/" + host);
        // phy-3:0 is the controller's own, phy-3:0:1 an expander's.
        for (const auto& phy : entries(classes / "sas_phy", "phy-" + host.substr(4) + ":")) {
            if (std::count(phy.begin(), phy.end(), ':') == 1) {
                ports.add("sas", hex_name(classes / "sas_phy" / phy / "sas_address"),
                          "sas_phy/" + phy);
            }
        }
    }
}

void find_iscsi_ports(const HostPlaces& places, const fs::path& classes, Ports& ports) {
    for (const auto& session : entries(classes / "iscsi_session", "session")) {
        const auto file = classes / "iscsi_session" / session / "initiatorname";
        ports.add("iscsi", trimmed(attribute(file).value_or("")), "iscsi_session/" + session);
    }
    std::ifstream names(places.iscsi_name_file);
    for (std::string line; std::getline(names, line);) {
        constexpr std::string_view key = "InitiatorName=";
        if (line.rfind(key, 0) == 0)
            ports.add("iscsi", trimmed(line.substr(key.size())), places.iscsi_name_file);
    }
}

// VPD page 80h as the kernel has kept it; why there is no serial number in it, otherwise.
core::Result<std::string> kept_serial(const fs::path& device) {
    const auto page = attribute(device / "vpd_pg80");
    if (!page) return core::Error{"the kernel shows no serial number of it"};
    const drive_iface::scsi::Bytes bytes(page->begin(), page->end());
    auto serial = drive_iface::scsi::decode_unit_serial_number(bytes);
    if (serial && serial->empty()) return core::Error{"it has no serial number"};
    return serial;
}

std::string generic_node(const fs::path& device) {
    const auto names = entries(device / "scsi_generic", "sg");
    return names.empty() ? "" : "/dev/" + names.front();
}

struct TapeDrives {
    std::map<std::string, FoundTapeDrive> by_serial;

    void add(const std::string& serial, const fs::path& device, const std::string& tape,
             const std::string& generic) {
        auto& drive = by_serial[serial];
        drive.serial.text = serial;
        drive.vendor = trimmed(attribute(device / "vendor").value_or(""));
        drive.product = trimmed(attribute(device / "model").value_or(""));
        drive.tape_nodes.push_back(tape);
        if (!generic.empty()) drive.generic_nodes.push_back(generic);
    }
};

void find_tape_drives(const fs::path& classes, const AskSerial& ask_serial, HostDevices& found) {
    TapeDrives drives;
    for (const auto& name : entries(classes / "scsi_tape", "nst")) {
        // nst0l, nst0m and nst0a are the same drive with other modes.
        if (!is_number(std::string_view(name).substr(3))) continue;
        const auto device = classes / "scsi_tape" / name / "device";
        const auto generic = generic_node(device);
        auto serial = kept_serial(device);
        if (!serial && !generic.empty() && ask_serial) {
            const auto asked = ask_serial(generic);
            serial = asked ? core::Result<std::string>(asked->text) : asked.error();
        }
        if (serial) {
            drives.add(*serial, device, "/dev/" + name, generic);
        } else {
            found.troubles.push_back("/dev/" + name + ": " + serial.error().message);
        }
    }
    for (auto& [serial, drive] : drives.by_serial)
        found.drives.push_back(std::move(drive));
}

}  // namespace

HostDevices look_at_host(const HostPlaces& places, const AskSerial& ask_serial) {
    HostDevices found;
    const fs::path classes = fs::path(places.sys) / "class";
    Ports ports(found);
    find_fc_ports(classes, ports);
    find_sas_ports(classes, ports);
    find_iscsi_ports(places, classes, ports);
    std::sort(found.ports.begin(), found.ports.end(), [](const FoundPort& a, const FoundPort& b) {
        return core::to_text(a.port) < core::to_text(b.port);
    });
    find_tape_drives(classes, ask_serial, found);
    return found;
}

}  // namespace agent::host
