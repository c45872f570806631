#include "drive_iface/vtld/configuration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "agent/runtime/address_text.hpp"
#include "drive_iface/events/channel_address.hpp"
#include "drive_iface/virtual/changer_state.hpp"

namespace drive_iface::vtld {

using namespace agent::runtime;
using nlohmann::json;

namespace {

constexpr std::uint16_t first_drive_element = 256;

std::optional<std::string> wrong_with_inquiry_text(std::string_view text) {
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (printable && text.front() != ' ' && text.back() != ' ') return std::nullopt;
    return "is not printable ASCII without blanks at its ends";
}

// The serial is part of an iSCSI name, so it has its letters (RFC 7143 4.2.7.2).
std::optional<std::string> wrong_with_drive_serial(std::string_view text) {
    const bool fits = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '.';
    });
    if (fits) return std::nullopt;
    return "is part of the target's name: letters, digits, '-' and '.' only";
}

std::optional<std::string> wrong_with_channel(std::string_view text) {
    const auto address = events::channel_address(text, events::Reach::any_machine);
    if (address) return std::nullopt;
    return address.error().message;
}

ValueShape channel_shape() {
    return text_shape("unix:PATH or tcp:HOST:PORT", wrong_with_channel);
}

std::optional<std::string> wrong_with_fc_port(std::string_view text) {
    const auto port = agent::core::initiator_port_from_text(text);
    if (port && port->transport == agent::core::Transport::fc) return std::nullopt;
    return "is not a fibre channel port; it must look like \"fc:2100000e1e09a1b0\" (16 hexadecimal "
           "digits)";
}

ValueShape library_shape() {
    return object_shape({
        default_key("vendor", text_shape("T10 vendor identification", wrong_with_inquiry_text, 8),
                    "\"LRA\"", "INQUIRY vendor identification of library and drives."),
        default_key("product", text_shape("product identification", wrong_with_inquiry_text, 16),
                    "\"VIRTUAL-LIB\"", "INQUIRY product identification of the library."),
        default_key("serial", text_shape("unit serial number", wrong_with_inquiry_text, 32),
                    "\"VTL0000001\"", "Serial number of the library."),
    });
}

ValueShape drive_shape() {
    return object_shape({
        required_key("serial", text_shape("unit serial number", wrong_with_drive_serial, 32),
                     "Unit serial number of the drive; its target is TARGET_PREFIX:drive-SERIAL.",
                     "\"VT00000001\""),
        default_key("product", text_shape("product identification", wrong_with_inquiry_text, 16),
                    "\"VIRTUAL-LTO8\"", "INQUIRY product identification of the drive."),
        optional_key("element_address", integer_shape(1, 65'535),
                     "The drive's place in the library; counted from 256 when nothing is said.",
                     "256"),
        default_key("parallel", boolean_shape(), "false",
                    "Several hosts write to the cartridge in it at the same time, each a stream of "
                    "its own."),
        optional_key("personality", choice_shape({"lto-5", "lto-6", "lto-7", "lto-8", "lto-9"}),
                     "The generation of drive that hosts see; by the product when nothing is said.",
                     "\"lto-8\""),
        optional_key("cartridge", text_shape(32),
                     "Barcode of the cartridge in it when the library starts for the first time.",
                     "\"VT0001L8\""),
    });
}

ValueShape sessions_shape() {
    return object_shape({default_key(
        "placement", choice_shape({"mirror", "spread"}), "\"mirror\"",
        "`mirror`: each write session in two storage folders, safe when one is lost; `spread`: "
        "each "
        "in one, in turn, so that several hosts write to several devices at full speed.")});
}

ConfigurationSchema make_schema() {
    return {
        .program = "vtld",
        .description = "Configuration of the virtual tape library.",
        .root = object_shape({
            default_key("library", library_shape(), "{}", "How the library presents itself."),
            required_key("drives", list_shape(drive_shape(), 1, 64), "The drives.",
                         "[{\"serial\": \"VT00000001\"}]"),
            optional_key("slots", integer_shape(0, 30'000),
                         "Storage elements of the changer; 10, or as many as there are barcodes, "
                         "when nothing is said.",
                         "24"),
            default_key("import_export", integer_shape(0, 64), "1",
                        "Import/export elements of the changer."),
            optional_key("cartridges", cartridges_shape(),
                         "Where cartridges are kept; without it each drive has one, in two folders "
                         "of state_dir.",
                         "{\"folders\": [\"/srv/tape-a\", \"/srv/tape-b\"]}"),
            default_key("iscsi", iscsi_shape(), "{}", "The iSCSI front end."),
            default_key("rmt", rmt_shape(), "{}", "The rmt front end, for tar, cpio and dump."),
            default_key("sessions", sessions_shape(), "{}",
                        "Where parallel drives keep what their hosts write until it is part of "
                        "the volume."),
            default_key("snapshots", snapshots_shape(), "{}",
                        "Snapshots of the write sessions of parallel drives."),
            default_key("web", web_shape(), "{}", "The web page, for browsers on this machine."),
            default_key(
                "events",
                object_shape(
                    {optional_key(
                         "connect",
                         either_shape({channel_shape(), list_shape(channel_shape(), 1, 4)}),
                         "events.listen of lrad: where the drives say who reserved them; of both "
                         "nodes of a pair, a list.",
                         "\"unix:/run/lra/events.sock\""),
                     channel_tls_key()}),
                "{}", "The drive event channel."),
            default_key(
                "control",
                object_shape({default_key("socket", text_shape(107), "\"/run/lra/vtld.sock\"",
                                          "Control socket for lractl.")}),
                "{}", "The control socket."),
            metrics_key(vtld_metrics_port),
            default_key("administration",
                        object_shape({optional_key(
                            "lrad_socket", text_shape(107),
                            "Control socket of lrad, asked for what ADMRSV tells of it.",
                            "\"/run/lra/lrad.sock\"")}),
                        "{}", "The administrative volumes."),
            default_key("state_dir", text_shape(4'096), "\"/var/lib/lra-vtl\"",
                        "Folder of what survives power loss: drives forced offline and "
                        "reservations with APTPL."),
            default_key(
                "virtual_ports", map_shape(text_shape("host port", wrong_with_fc_port), 64), "{}",
                "Names for virtual fibre channel host ports, for port.reserve and its like."),
        })};
}

class Reading {
  public:
    explicit Reading(const Configuration& configuration)
        : source_(configuration), values_(configuration.values()) {}

    VtldConfiguration read() {
        VtldConfiguration result;
        read_library(result.library);
        std::set<std::string> served{"changer"};
        for (const auto& drive : result.library.drives)
            served.insert("drive-" + drive.serial);
        result.iscsi = iscsi_configuration(source_, served, errors);
        read_event_channels(result);
        result.control_socket =
            source_.file_beside(values_["control"]["socket"].get<std::string>());
        result.metrics = metrics_configuration(values_["metrics"], vtld_metrics_port);
        const auto lrad = values_["administration"].value("lrad_socket", "");
        if (!lrad.empty()) result.lrad_socket = source_.file_beside(lrad);
        result.state_dir = source_.file_beside(values_["state_dir"].get<std::string>());
        result.rmt = rmt_configuration(source_, errors);
        if (values_["sessions"]["placement"] == "spread")
            result.session_placement = cartridge::Placement::single;
        result.snapshots = snapshot_configuration(source_);
        result.web = web_configuration(source_);
        result.cartridges = cartridge_configuration(source_, result.state_dir,
                                                    result.library.drives.size(), errors);
        read_places(result);
        for (const auto& [name, port] : values_["virtual_ports"].items()) {
            result.virtual_ports[name] =
                *agent::core::initiator_port_from_text(port.get_ref<const std::string&>());
        }
        return result;
    }

    ConfigurationErrors errors;

  private:
    void read_event_channels(VtldConfiguration& result) {
        auto& connect = result.events_connect;
        const auto& section = values_["events"];
        if (section.contains("connect")) {
            const auto& value = section["connect"];
            connect = value.is_string() ? std::vector<std::string>{value.get<std::string>()}
                                        : value.get<std::vector<std::string>>();
        }
        result.events_tls = channel_tls_configuration(source_, "events");
        const auto reach =
            result.events_tls ? events::Reach::any_machine : events::Reach::this_machine;
        for (auto one = connect.begin(); one != connect.end(); ++one) {
            if (std::find(connect.begin(), one, *one) != one)
                wrong("events.connect", "\"" + *one + "\" is named twice");
            const auto address = events::channel_address(*one, reach);
            if (!address) wrong("events.connect", address.error().message);
        }
        const bool by_tcp = std::any_of(connect.begin(), connect.end(), [](const std::string& one) {
            return one.starts_with("tcp:");
        });
        if (result.events_tls && !by_tcp)
            wrong("events.tls", "has no meaning without a tcp address in events.connect");
    }
    void wrong(const std::string& path, const std::string& text) {
        errors.push_back(source_.error_at(path, text));
    }

    void read_library(virtual_library::LibraryDescription& library) {
        library.vendor = values_["library"]["vendor"].get<std::string>();
        library.product = values_["library"]["product"].get<std::string>();
        library.serial = values_["library"]["serial"].get<std::string>();
        std::set<std::string> serials;
        std::set<std::uint16_t> addresses;
        const auto& drives = values_["drives"];
        for (std::size_t i = 0; i < drives.size(); ++i) {
            const auto path = "drives[" + std::to_string(i) + "]";
            virtual_library::LibraryDescription::Drive drive;
            drive.serial = drives[i]["serial"].get<std::string>();
            drive.product = drives[i]["product"].get<std::string>();
            drive.element_address = drives[i].value(
                "element_address", static_cast<std::uint16_t>(first_drive_element + i));
            // iSCSI names know no upper case, so serials that differ in case only would be one
            // target.
            std::string folded = drive.serial;
            std::transform(folded.begin(), folded.end(), folded.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            });
            if (!serials.insert(folded).second) {
                wrong(path + ".serial",
                      "\"" + drive.serial + "\" stands twice; each drive needs its own");
            }
            if (!addresses.insert(drive.element_address).second) {
                wrong(path + ".element_address", "another drive has " +
                                                     std::to_string(drive.element_address) +
                                                     " too; each drive needs its own");
            }
            check_element_address(path, drive.element_address);
            drive.parallel = drives[i]["parallel"].get<bool>();
            drive.personality = drives[i].value("personality", "");
            drive.cartridge = drives[i].value("cartridge", "");
            library.drives.push_back(std::move(drive));
        }
        if (serials.contains(library.serial)) {
            wrong("library.serial",
                  "\"" + library.serial + "\" is a drive's; the changer needs its own");
        }
        // One range of addresses in mode page 1Dh (SMC-3 7.3.3).
        if (!addresses.empty() && *addresses.rbegin() - *addresses.begin() + 1u != addresses.size())
            wrong("drives", "their element_addresses leave gaps; they must follow each other");
    }

    void check_element_address(const std::string& path, std::uint16_t address) {
        using namespace virtual_library;
        if (address >= import_export_first + import_export_max && address < storage_first) return;
        wrong(path + ".element_address",
              std::to_string(address) + " is a slot's; drives have " +
                  std::to_string(import_export_first + import_export_max) + " to " +
                  std::to_string(storage_first - 1));
    }

    // Slots, and what is in the drives at first.
    void read_places(VtldConfiguration& result) const {
        constexpr std::size_t slots_at_least = 10;
        result.library.slots = values_.contains("slots")
                                   ? values_["slots"].get<std::size_t>()
                                   : std::max(slots_at_least, result.cartridges.barcodes.size());
        result.library.import_export = values_["import_export"].get<std::size_t>();
        if (result.cartridges.configured) return;
        for (std::size_t i = 0; i < result.library.drives.size(); ++i) {
            auto& drive = result.library.drives[i];
            if (drive.cartridge.empty()) drive.cartridge = result.cartridges.barcodes[i];
        }
    }

    const Configuration& source_;
    const json& values_;
};

bool same_drives(const virtual_library::LibraryDescription& a,
                 const virtual_library::LibraryDescription& b) {
    return std::equal(a.drives.begin(), a.drives.end(), b.drives.begin(), b.drives.end(),
                      [](const auto& one, const auto& other) {
                          return one.serial == other.serial && one.product == other.product &&
                                 one.element_address == other.element_address &&
                                 one.parallel == other.parallel &&
                                 one.personality == other.personality;
                      });
}

}  // namespace

const ConfigurationSchema& vtld_configuration_schema() {
    static const auto schema = make_schema();
    return schema;
}

Configured<VtldConfiguration> vtld_configuration(const Configuration& configuration) {
    Reading reading(configuration);
    auto value = reading.read();
    if (!reading.errors.empty()) return {std::nullopt, std::move(reading.errors)};
    return {std::move(value), {}};
}

Configured<VtldConfiguration> read_vtld_configuration(const std::string& file) {
    auto read = read_configuration_file(vtld_configuration_schema(), file);
    if (!read.ok()) return {std::nullopt, std::move(read.errors)};
    return vtld_configuration(*read.value);
}

std::string needs_restart(const VtldConfiguration& running, const VtldConfiguration& wanted) {
    std::string keys;
    const auto note = [&](bool same, const std::string& key) {
        if (!same) keys += (keys.empty() ? "" : ", ") + key;
    };
    note(running.library.vendor == wanted.library.vendor &&
             running.library.product == wanted.library.product &&
             running.library.serial == wanted.library.serial,
         "library");
    note(same_drives(running.library, wanted.library), "drives");
    note(running.library.slots == wanted.library.slots, "slots");
    note(running.library.import_export == wanted.library.import_export, "import_export");
    note(running.cartridges == wanted.cartridges, "cartridges");
    note(running.iscsi == wanted.iscsi, "iscsi");
    note(running.rmt == wanted.rmt, "rmt");
    note(running.session_placement == wanted.session_placement, "sessions.placement");
    note(running.snapshots == wanted.snapshots, "snapshots");
    note(running.web == wanted.web, "web");
    note(running.events_connect == wanted.events_connect, "events.connect");
    note(running.events_tls == wanted.events_tls, "events.tls");
    note(running.control_socket == wanted.control_socket, "control.socket");
    note(running.metrics == wanted.metrics, "metrics");
    note(running.lrad_socket == wanted.lrad_socket, "administration.lrad_socket");
    note(running.state_dir == wanted.state_dir, "state_dir");
    return keys;
}

}  // namespace drive_iface::vtld
