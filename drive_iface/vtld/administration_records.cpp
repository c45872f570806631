#include "drive_iface/vtld/administration_records.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <utility>

#include "agent/runtime/clock.hpp"
#include "drive_iface/vtld/snapshot_json.hpp"

namespace drive_iface::vtld {

using admin_volumes::number;
using admin_volumes::Record;
using admin_volumes::text_or_nothing;
using admin_volumes::Value;
using virtual_library::Library;
using virtual_library::LibraryEvent;

namespace {

Value text(std::string_view value) {
    return std::string(value);
}

Value time_or_nothing(std::optional<std::int64_t> ms) {
    if (!ms) return std::monostate{};
    return agent::runtime::to_text(agent::core::WallTime{*ms});
}

Value number_or_nothing(std::optional<std::uint64_t> value) {
    if (!value) return std::monostate{};
    return number(*value);
}

std::vector<std::string> texts(const std::vector<agent::core::InitiatorPort>& ports) {
    std::vector<std::string> all;
    all.reserve(ports.size());
    for (const auto& port : ports)
        all.push_back(agent::core::to_text(port));
    return all;
}

void append_reservation(Record& record, const agent::core::Reservation& reservation) {
    record.push_back({"reservation", text(agent::core::to_text(reservation.state))});
    record.push_back({"kind", text(agent::core::to_text(reservation.kind))});
    record.push_back({"holders", texts(reservation.holders)});
    if (!reservation.persistent) {
        record.push_back({"pr_type", std::monostate{}});
        record.push_back({"pr_key", std::monostate{}});
        return;
    }
    record.push_back({"pr_type", number(reservation.persistent->type)});
    record.push_back(
        {"pr_key", text(agent::core::reservation_key_text(reservation.persistent->key))});
}

std::string_view change_text(LibraryEvent::Change change) {
    switch (change) {
        case LibraryEvent::Change::reserved:
            return "reserved";
        case LibraryEvent::Change::released:
            return "released";
        case LibraryEvent::Change::preempted:
            return "preempted";
        case LibraryEvent::Change::reset:
            return "reset";
        case LibraryEvent::Change::registrations:
            return "registrations";
        case LibraryEvent::Change::forced_offline:
            return "forced_offline";
        case LibraryEvent::Change::forced_offline_lifted:
            return "forced_offline_lifted";
        case LibraryEvent::Change::inventory:
            return "inventory";
    }
    return "";
}

std::vector<std::string> attribute_texts(const virtual_library::MediumAttributes& attributes) {
    std::vector<std::string> all;
    for (const auto& [identifier, attribute] : attributes) {
        std::array<char, 8> name{};
        std::snprintf(name.data(), name.size(), "%04Xh=", identifier);
        std::string line = name.data();
        constexpr std::uint8_t binary = 0;
        for (const auto byte : attribute.value) {
            if (attribute.format != binary) {
                line += static_cast<char>(byte);
                continue;
            }
            std::array<char, 3> digits{};
            std::snprintf(digits.data(), digits.size(), "%02x", byte);
            line += digits.data();
        }
        all.push_back(std::move(line));
    }
    return all;
}

}  // namespace

Records configuration_records(const VtldConfiguration& configuration) {
    Records records;
    const auto add = [&](std::string_view part, const std::string& name, std::string_view key,
                         Value value) {
        records.push_back({{"part", text(part)},
                           {"name", text_or_nothing(name)},
                           {"key", text(key)},
                           {"value", std::move(value)}});
    };
    const auto& library = configuration.library;
    add("library", library.serial, "vendor", library.vendor);
    add("library", library.serial, "product", library.product);
    add("library", library.serial, "slots", number(library.slots));
    add("library", library.serial, "import_export", number(library.import_export));
    add("library", library.serial, "version", text(LRA_VERSION));
    for (const auto& drive : library.drives) {
        add("drive", drive.serial, "product", drive.product);
        add("drive", drive.serial, "element_address", number(drive.element_address));
        add("drive", drive.serial, "personality", text_or_nothing(drive.personality));
        add("drive", drive.serial, "parallel", drive.parallel);
    }
    for (const auto& folder : configuration.cartridges.folders)
        add("cartridges", "", "folder", folder);
    add("cartridges", "", "capacity", number(configuration.cartridges.capacity));
    add("iscsi", "", "host", text_or_nothing(configuration.iscsi.host));
    add("iscsi", "", "port", number(configuration.iscsi.port));
    add("iscsi", "", "target_prefix", configuration.iscsi.target_prefix);
    add("iscsi", "", "chap", configuration.iscsi.chap.has_value());
    add("rmt", "", "listen", text_or_nothing(configuration.rmt.listen));
    const auto& snapshots = configuration.snapshots;
    add("snapshots", "", "every_minutes", snapshots.every_minutes);
    add("snapshots", "", "on_completion", snapshots.on_completion);
    add("snapshots", "", "keep", number(snapshots.retention.count));
    add("snapshots", "", "keep_days", snapshots.retention.days);
    add("snapshots", "", "mount_slots", number(snapshots.mount_slots));
    for (const auto& agent : configuration.events_connect)
        add("events", "", "connect", agent);
    add("control", "", "socket", configuration.control_socket);
    add("state", "", "folder", configuration.state_dir);
    for (const auto& [name, port] : configuration.virtual_ports)
        add("virtual_port", name, "port", agent::core::to_text(port));
    return records;
}

Records drive_records(const Library& library) {
    Records records;
    for (const auto& drive : library.drives()) {
        Record record{{"serial", drive.serial},
                      {"vendor", drive.vendor},
                      {"product", drive.product},
                      {"element_address", number(drive.element_address)},
                      {"parallel", drive.parallel},
                      {"state", text(drive.forced_offline ? "forced_offline" : "online")},
                      {"offline_reason", text_or_nothing(drive.forced_offline_reason)},
                      {"volume", text_or_nothing(drive.barcode)},
                      {"medium", drive.medium},
                      {"medium_error", text_or_nothing(drive.medium_error)}};
        append_reservation(record, drive.reservation);
        record.push_back({"registrations", number(drive.registrations)});
        record.push_back({"logged_in", texts(drive.logged_in)});
        records.push_back(std::move(record));
    }
    return records;
}

Records volume_records(const cartridge::FileShelf& shelf, const Library& library) {
    std::map<std::string, std::string> places;
    for (const auto& element : library.elements()) {
        if (!element.barcode.empty() && !element.virtual_volume)
            places[element.barcode] = element.place;
    }
    Records records;
    for (const auto& entry : shelf.list()) {
        const auto& facts = entry.facts;
        const auto place = places.find(facts.barcode);
        Record record{{"barcode", facts.barcode},
                      {"place", place == places.end() ? Value{} : Value{place->second}},
                      {"capacity", number(facts.capacity)},
                      {"used", number(entry.used)},
                      {"write_protected", facts.write_protected},
                      {"worm", facts.worm},
                      {"cleaning", facts.cleaning}};
        if (const auto report = shelf.show(facts.barcode); report.ok()) {
            const auto& metadata = report->metadata;
            record.push_back({"objects", number(report->objects)});
            record.push_back({"filemarks", number(report->filemarks)});
            record.push_back({"file_bytes", number(report->file_bytes)});
            record.push_back({"volume_id", cartridge::to_text(metadata.volume)});
            record.push_back({"placement", cartridge::to_text(metadata.placement)});
            record.push_back({"folders", report->folders});
            constexpr std::int64_t ms_in_s = 1'000;
            record.push_back({"created", time_or_nothing(metadata.created_at * ms_in_s)});
            record.push_back({"loads", number(metadata.load_count)});
            record.push_back({"attributes", attribute_texts(metadata.attributes)});
            record.push_back({"troubles", report->troubles});
        }
        records.push_back(std::move(record));
    }
    return records;
}

Records session_records(const sessions::Tracking& tracking) {
    Records records;
    for (const auto& session : tracking.list()) {
        records.push_back({{"session", number(session.identifier)},
                           {"host", session.host},
                           {"address", text_or_nothing(session.address)},
                           {"drive", session.drive},
                           {"volume", session.volume},
                           {"start_object", number(session.start_object)},
                           {"state", text(sessions::to_text(session.state))},
                           {"reason", text_or_nothing(session.reason)},
                           {"objects", number(session.objects)},
                           {"filemarks", number(session.filemarks)},
                           {"bytes", number(session.bytes)},
                           {"durable_objects", number(session.durable_objects)},
                           {"completion", number_or_nothing(session.completion)},
                           {"volume_object", number_or_nothing(session.volume_object)},
                           {"started", time_or_nothing(session.started_ms)},
                           {"ended", time_or_nothing(session.ended_ms)},
                           {"files", session.files},
                           {"kept", session.kept}});
    }
    return records;
}

Records reservation_records(const Library& library) {
    Records records;
    for (const auto& drive : library.drives()) {
        Record record{{"record", text("drive")}, {"serial", drive.serial}};
        append_reservation(record, drive.reservation);
        record.push_back({"registrations", number(drive.registrations)});
        record.push_back({"forced_offline", drive.forced_offline});
        record.push_back({"offline_reason", text_or_nothing(drive.forced_offline_reason)});
        record.push_back({"logged_in", texts(drive.logged_in)});
        records.push_back(std::move(record));
    }
    return records;
}

void EventRecords::add(const LibraryEvent& event, const std::string& at) {
    if (events_.size() == events_max) {
        events_.pop_front();
        ++dropped_;
    }
    Record record{{"number", number(++last_number_)},
                  {"at", at},
                  {"device", event.drive.text},
                  {"change", text(change_text(event.change))},
                  {"port", event.port ? Value{agent::core::to_text(*event.port)} : Value{}}};
    append_reservation(record, event.reservation);
    events_.push_back(std::move(record));
}

Records EventRecords::take() {
    Records records;
    if (dropped_ > 0)
        records.push_back({{"change", text("dropped")}, {"dropped", number(dropped_)}});
    for (auto& event : std::exchange(events_, {}))
        records.push_back(std::move(event));
    dropped_ = 0;
    return records;
}

void tell_everything(Administration& administration, const LibraryKnowledge& known) {
    using Type = admin_volumes::DataSetType;
    administration.tell(Type::configuration,
                        [known] { return configuration_records(*known.configuration); });
    administration.tell(Type::drives, [known] { return drive_records(*known.library); });
    administration.tell(Type::volumes,
                        [known] { return volume_records(*known.shelf, *known.library); });
    administration.tell(Type::reservations,
                        [known] { return reservation_records(*known.library); });
    administration.tell(Type::events, [known] { return known.events->take(); });
    if (known.tracking == nullptr) return;
    administration.tell(Type::sessions, [known] { return session_records(*known.tracking); });
    if (known.snapshots == nullptr) return;
    administration.tell(Type::snapshots, [known] { return snapshot_records(*known.snapshots); });
}

}  // namespace drive_iface::vtld
