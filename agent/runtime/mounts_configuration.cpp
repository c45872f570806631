#include "agent/runtime/mounts_configuration.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/runtime/lrad_configuration.hpp"
#include "agent/runtime/shared_shapes.hpp"
#include "agent/runtime/url_credentials.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

ValueShape changer_shape() {
    return object_shape({
        required_key("type", choice_shape({"sg", "iscsi"}), "How the changer is reached.",
                     "\"iscsi\""),
        optional_key("device", text_shape(), "With type sg: its node.", "\"/dev/sg5\""),
        optional_key("url", text_shape("iscsi://HOST[:PORT]/TARGET/LUN", wrong_with_iscsi_url),
                     "Where the changer is; required with type iscsi.",
                     "\"iscsi://192.0.2.20:3260/iqn.2026-01.example:changer/0\""),
        optional_key("initiator_name", text_shape("iSCSI name", wrong_with_iscsi_name, 223),
                     "iSCSI name this controller logs in with; with type iscsi. Without it that "
                     "of the first drive's interface, so that library and drives see one host.",
                     "\"iqn.2026-01.example:lra\""),
        optional_key("chap", iscsi_chap_shape(),
                     "As drives[].interface.chap. Without it the name and secret in the URL count, "
                     "then what the drives there, or discovery.portals, have.",
                     "{\"user\": \"lra\", \"secret_file\": \"/etc/lra/keys/chap\"}"),
    });
}

ValueShape generations_shape() {
    return list_shape(text_shape(32), 0, 32);
}

ValueShape mounts_shape() {
    return object_shape({
        default_key("library", name_shape(), "\"library\"",
                    "Name of the library in the drive table; the same on every controller of it."),
        optional_key("node", name_shape(),
                     "Name of this controller in the drive table; controller.id when not given.",
                     "\"lra-a\""),
        required_key("changer", changer_shape(), "The library's medium changer.",
                     "{\"type\": \"sg\", \"device\": \"/dev/sg5\"}"),
        default_key("database", list_shape(text_shape(1'024), 0, 4), "[]",
                    "Connection strings of PostgreSQL servers that hold the drive table, tried at "
                    "the same time: several controllers of one library share it there. None: a "
                    "file in controller.state_dir, of this controller alone."),
        default_key(
            "move_timeout_s", integer_shape(10, 3'600), "600",
            "How long one MOVE MEDIUM may take; some libraries wait for the drive to load."),
        default_key("ready_timeout_s", integer_shape(5, 3'600), "300",
                    "How long a drive may take to get ready with a cartridge."),
        default_key("reserve_timeout_ms", integer_shape(500, 60'000), "5000",
                    "How long a drive may take to answer when it is reserved for a mount; nobody "
                    "else chooses a drive meanwhile."),
        default_key("deadline_s", integer_shape(1, 604'800), "3600",
                    "When a request that names no deadline is given up."),
        default_key("queue_max", integer_shape(0, 4'096), "256",
                    "Requests that may wait for a drive."),
        default_key("queue_per_host_max", integer_shape(0, 4'096), "64",
                    "Requests of one host that may wait for a drive."),
        default_key(
            "drives",
            list_shape(
                object_shape({
                    required_key("serial", text_shape("unit serial number", wrong_with_serial, 64),
                                 "One of drives[].serial.", "\"VT00000001\""),
                    required_key("generation", text_shape(32),
                                 "What it is, in the words of generations.", "\"LTO-8\""),
                }),
                0, 1'024),
            "[]", "Generation of drives whose product identification does not tell it."),
        default_key(
            "media",
            list_shape(object_shape({
                           required_key("suffix", text_shape(16), "End of a barcode.", "\"L8\""),
                           default_key("generation", text_shape_or_empty(), "\"\"",
                                       "Generation of such volumes."),
                           default_key("kind", choice_shape({"data", "worm", "cleaning"}),
                                       "\"data\"", "What they are for."),
                       }),
                       0, 256),
            "[]", "What the end of a barcode tells; none: the labels of LTO."),
        default_key("generations",
                    list_shape(object_shape({
                                   required_key("drive", text_shape(32), "Generation of drives.",
                                                "\"LTO-8\""),
                                   default_key("write", generations_shape(), "[]",
                                               "Generations of volumes they write and read."),
                                   default_key("read", generations_shape(), "[]",
                                               "Generations of volumes they only read."),
                               }),
                               0, 64),
                    "[]", "Which drives can use which volumes; none: what LTO drives can."),
        default_key("cleaning_prefixes", list_shape(text_shape(16), 0, 16), "[\"CLN\"]",
                    "How barcodes of cleaning cartridges begin."),
        default_key("preferences",
                    list_shape(object_shape({
                                   required_key("host", name_shape(), "One of agents[].name.",
                                                "\"host-a\""),
                                   required_key("drives", list_shape(text_shape(64), 1, 64),
                                                "Serial numbers of the drives it prefers, best "
                                                "first.",
                                                "[\"VT00000001\"]"),
                               }),
                               0, 1'024),
                    "[]", "Drives that are tried first for a host."),
    });
}

class MountsReading {
  public:
    MountsReading(const Configuration& source, const LradConfiguration& known,
                  ConfigurationErrors& errors)
        : source_(source), known_(known), errors_(errors) {}

    MountsConfiguration read(const json& values) {
        MountsConfiguration mounts;
        const auto seconds = [&](const char* key) {
            return core::Duration{values[key].get<std::int64_t>() * 1'000};
        };
        mounts.library = values["library"].get<std::string>();
        mounts.node = values.value("node", known_.sharing.controller);
        mounts.changer = read_changer(values["changer"]);
        mounts.database = values["database"].get<std::vector<std::string>>();
        mounts.move_timeout = seconds("move_timeout_s");
        mounts.ready_timeout = seconds("ready_timeout_s");
        mounts.reserve_timeout = {values["reserve_timeout_ms"].get<std::int64_t>()};
        mounts.deadline = seconds("deadline_s");
        mounts.queue_max = values["queue_max"].get<std::size_t>();
        mounts.queue_per_host_max = values["queue_per_host_max"].get<std::size_t>();
        mounts.cleaning_prefixes = values["cleaning_prefixes"].get<std::vector<std::string>>();
        read_drives(values["drives"], mounts);
        for (const json& medium : values["media"]) {
            mounts.media.push_back({medium["suffix"].get<std::string>(),
                                    medium["generation"].get<std::string>(),
                                    medium["kind"].get<std::string>()});
        }
        for (const json& reach : values["generations"]) {
            mounts.reach.push_back({reach["drive"].get<std::string>(),
                                    reach["write"].get<std::vector<std::string>>(),
                                    reach["read"].get<std::vector<std::string>>()});
        }
        read_preferences(values["preferences"], mounts);
        return mounts;
    }

  private:
    void wrong(const std::string& path, const std::string& words) {
        errors_.push_back(source_.error_at("mounts." + path, words));
    }

    [[nodiscard]] bool is_drive(const std::string& serial) const {
        return std::any_of(known_.drives.begin(), known_.drives.end(),
                           [&](const LradDrive& drive) { return drive.serial.text == serial; });
    }

    ChangerInterface read_changer(const json& value) {
        ChangerInterface changer;
        changer.iscsi = value["type"] == "iscsi";
        changer.device = value.value("device", "");
        changer.url = value.value("url", "");
        changer.initiator_name = value.value("initiator_name", "");
        if (changer.iscsi && changer.url.empty())
            wrong("changer.url", "is missing; type iscsi needs it");
        if (changer.iscsi && !changer.device.empty())
            wrong("changer.device", "has no meaning with type iscsi; remove it");
        if (!changer.iscsi && changer.device.empty())
            wrong("changer.device", "is missing; type sg needs it");
        if (!changer.iscsi && !(changer.url.empty() && changer.initiator_name.empty()))
            wrong("changer", "url and initiator_name have no meaning with type sg; remove them");
        if (changer.iscsi && changer.initiator_name.empty()) {
            for (const auto& drive : known_.drives) {
                if (drive.interface && !drive.interface->initiator_name.empty()) {
                    changer.initiator_name = drive.interface->initiator_name;
                    break;
                }
            }
        }
        if (changer.iscsi && changer.initiator_name.empty())
            wrong("changer.initiator_name", "is missing; no drive's interface has one either");
        if (value.contains("chap")) {
            if (!changer.iscsi) wrong("changer.chap", "has no meaning with type sg; remove it");
            if (changer.url != without_credentials(changer.url))
                wrong("changer.url", "has a name and a secret too; leave them to chap");
            changer.chap = iscsi_chap_from(source_, value["chap"], "mounts.changer.chap", errors_);
        }
        return changer;
    }

    void read_drives(const json& values, MountsConfiguration& mounts) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            mounts.drives.push_back({values[i]["serial"].get<std::string>(),
                                     values[i]["generation"].get<std::string>()});
            if (!is_drive(mounts.drives.back().serial)) {
                wrong("drives[" + std::to_string(i) + "].serial",
                      "is not one of drives[].serial; add the drive there");
            }
        }
    }

    void read_preferences(const json& values, MountsConfiguration& mounts) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const std::string path = "preferences[" + std::to_string(i) + "]";
            mounts.preferences.push_back({values[i]["host"].get<std::string>(),
                                          values[i]["drives"].get<std::vector<std::string>>()});
            const auto& preference = mounts.preferences.back();
            const bool is_agent =
                std::any_of(known_.agents.begin(), known_.agents.end(),
                            [&](const LradAgent& agent) { return agent.name == preference.host; });
            if (!is_agent) wrong(path + ".host", "is not one of agents[].name");
            for (const auto& serial : preference.drives) {
                if (!is_drive(serial))
                    wrong(path + ".drives", "\"" + serial + "\" is not one of drives[].serial");
            }
        }
    }

    const Configuration& source_;
    const LradConfiguration& known_;
    ConfigurationErrors& errors_;
};

}  // namespace

ConfigurationKey mounts_key() {
    return optional_key("mounts", mounts_shape(),
                        "Mounting volumes for hosts; without it lrad moves no cartridge.",
                        "{\"changer\": {\"type\": \"sg\", \"device\": \"/dev/sg5\"}}");
}

std::optional<MountsConfiguration> mounts_configuration(const Configuration& source,
                                                        const LradConfiguration& known,
                                                        ConfigurationErrors& errors) {
    const json& values = source.values();
    if (!values.contains("mounts")) return std::nullopt;
    return MountsReading(source, known, errors).read(values["mounts"]);
}

}  // namespace agent::runtime
