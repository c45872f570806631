#include "drive_iface/vtld/snapshot_methods.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/runtime/log.hpp"
#include "drive_iface/sessions/session_ledger.hpp"
#include "drive_iface/vtld/audited_methods.hpp"
#include "drive_iface/vtld/control_parameters.hpp"
#include "drive_iface/vtld/drive_bay.hpp"
#include "drive_iface/vtld/snapshot_exports.hpp"
#include "drive_iface/vtld/snapshot_json.hpp"
#include "drive_iface/vtld/write_session_json.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using agent::core::Result;
using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using agent::runtime::ControlServer;
using nlohmann::json;
using snapshots::Mount;
using snapshots::Snapshot;
using snapshots::SnapshotStore;

namespace {

constexpr std::int64_t sessions_at_once = 1'000;
constexpr std::int64_t sessions_at_once_max = 20'000;
constexpr std::int64_t snapshot_number_max = std::numeric_limits<std::uint32_t>::max();

Result<std::uint32_t> snapshot_number(const json& params, const char* name = "number") {
    const auto number = optional_number(params, name, 1, snapshot_number_max);
    if (!number) return number.error();
    if (!number->has_value())
        return Error{std::string(name) + ": is missing; snapshot list shows the numbers"};
    return static_cast<std::uint32_t>(**number);
}

Result<Mount> snapshot_and_session(const json& params) {
    const auto number = snapshot_number(params);
    if (!number) return number.error();
    const auto session =
        optional_number(params, "session", 1, sessions::SessionLedger::identifier_max);
    if (!session) return session.error();
    Mount what{.number = *number, .session = {}};
    if (session->has_value()) what.session = static_cast<std::uint32_t>(**session);
    return what;
}

Result<std::size_t> limit_of(const json& params) {
    const auto limit = optional_number(params, "limit", 1, sessions_at_once_max);
    if (!limit) return limit.error();
    return static_cast<std::size_t>(limit->value_or(sessions_at_once));
}

json with_volumes(const Snapshot& snapshot, const SnapshotStore& snapshots) {
    json result = snapshot_json(snapshot);
    json volumes = json::array();
    for (const auto& one : snapshots.mounted()) {
        if (one.mount.number == snapshot.number) volumes.push_back(one.volume);
    }
    result["volumes"] = std::move(volumes);
    return result;
}

ControlAnswer answer_with(const Result<Snapshot>& snapshot, const SnapshotStore& snapshots) {
    if (!snapshot) return failed(snapshot.error());
    return with_volumes(*snapshot, snapshots);
}

ControlAnswer list_snapshots(const json& params, const SnapshotStore& snapshots) {
    if (auto known = check_known(params, {}); !known) return invalid(known.error());
    json all = json::array();
    for (const auto& snapshot : snapshots.list())
        all.push_back(with_volumes(snapshot, snapshots));
    return all;
}

ControlAnswer show_snapshot(const json& params, const SnapshotStore& snapshots) {
    if (auto known = check_known(params, {"number", "limit"}); !known)
        return invalid(known.error());
    const auto number = snapshot_number(params);
    if (!number) return invalid(number.error());
    const auto limit = limit_of(params);
    if (!limit) return invalid(limit.error());
    const auto rows = snapshots.sessions(*number);
    if (!rows) return failed(rows.error());
    json result = with_volumes(*snapshots.show(*number), snapshots);
    // The newest of them, as a rule what is looked for.
    const std::size_t left_out = rows->size() > *limit ? rows->size() - *limit : 0;
    json sessions = json::array();
    for (std::size_t at = left_out; at < rows->size(); ++at)
        sessions.push_back(session_json(rows.value()[at]));
    result["session_count"] = rows->size();
    result["sessions"] = std::move(sessions);
    result["left_out"] = left_out;
    return result;
}

ControlAnswer diff_snapshots(const json& params, const SnapshotStore& snapshots) {
    if (auto known = check_known(params, {"from", "to", "limit"}); !known)
        return invalid(known.error());
    const auto from = snapshot_number(params, "from");
    if (!from) return invalid(from.error());
    const auto to = snapshot_number(params, "to");
    if (!to) return invalid(to.error());
    const auto limit = limit_of(params);
    if (!limit) return invalid(limit.error());
    const auto difference = snapshots.diff(*from, *to);
    if (!difference) return failed(difference.error());
    return snapshot_difference_json(*difference, *limit);
}

ControlAnswer remove_snapshot(const json& params, const Caller& caller, SnapshotStore& snapshots) {
    if (auto known = check_known(params, {"number", "reason"}); !known)
        return invalid(known.error());
    const auto number = snapshot_number(params);
    if (!number) return invalid(number.error());
    const auto reason = agent::runtime::text_parameter(params, "reason");
    if (!reason) return invalid(reason.error());
    if (auto gone = snapshots.remove(*number, caller.user, *reason); !gone)
        return failed(gone.error());
    return json{{"number", *number}, {"removed", true}};
}

ControlAnswer keep_snapshot(const json& params, const Caller& caller, SnapshotStore& snapshots) {
    if (auto known = check_known(params, {"number", "reason"}); !known)
        return invalid(known.error());
    const auto number = snapshot_number(params);
    if (!number) return invalid(number.error());
    const auto reason = agent::runtime::text_parameter(params, "reason");
    if (!reason) return invalid(reason.error());
    return answer_with(snapshots.keep(*number, caller.user, *reason), snapshots);
}

bool is_in_a_drive(const std::string& volume, DriveBay& bay) {
    const auto elements = bay.library().elements();
    return std::any_of(elements.begin(), elements.end(), [&volume](const auto& element) {
        return element.type == "data_transfer" && element.barcode == volume;
    });
}

bool is_a_cartridge(const std::string& volume, DriveBay& bay) {
    const auto elements = bay.library().elements();
    const auto outside = bay.library().outside();
    return std::find(outside.begin(), outside.end(), volume) != outside.end() ||
           std::any_of(elements.begin(), elements.end(), [&volume](const auto& element) {
               return !element.virtual_volume && element.type != "data_transfer" &&
                      element.barcode == volume;
           });
}

ControlAnswer mount_snapshot(const json& params, SnapshotStore& snapshots, DriveBay& bay) {
    if (auto known = check_known(params, {"number", "session"}); !known)
        return invalid(known.error());
    const auto what = snapshot_and_session(params);
    if (!what) return invalid(what.error());
    const auto mounted = snapshots.mount(what->number, what->session);
    if (!mounted) return failed(mounted.error());
    if (is_a_cartridge(mounted->volume, bay)) {
        static_cast<void>(snapshots.unmount(mounted->volume));
        return failed({"the library has a cartridge " + mounted->volume +
                       "; take it out of the folders or give it another name first"});
    }
    bay.library().take_inventory();
    static_cast<void>(bay.changed());
    json result{{"number", what->number}, {"volume", mounted->volume}, {"place", nullptr}};
    if (what->session) result["session"] = *what->session;
    for (const auto& element : bay.library().elements()) {
        if (element.virtual_volume && element.barcode == mounted->volume)
            result["place"] = element.place;
    }
    return result;
}

ControlAnswer unmount_snapshot(const json& params, SnapshotStore& snapshots, DriveBay& bay) {
    if (auto known = check_known(params, {"volume"}); !known) return invalid(known.error());
    const auto volume = agent::runtime::text_parameter(params, "volume");
    if (!volume) return invalid(volume.error());
    if (is_in_a_drive(*volume, bay)) {
        return ControlError{ControlErrorCode::busy,
                            *volume + " is in a drive; move it to its slot first"};
    }
    if (auto gone = snapshots.unmount(*volume); !gone) return failed(gone.error());
    bay.library().take_inventory();
    static_cast<void>(bay.changed());
    return json{{"volume", *volume}, {"unmounted", true}};
}

// ---- export

void begin_export(const json& params, SnapshotExports& exports,
                  const ControlServer::Answerer& answer) {
    if (auto known = check_known(params, {"number", "session", "to", "format"}); !known)
        return answer(invalid(known.error()));
    const auto what = snapshot_and_session(params);
    if (!what) return answer(invalid(what.error()));
    const auto folder = agent::runtime::text_parameter(params, "to");
    if (!folder) return answer(invalid(folder.error()));
    if (folder->front() != '/') {
        return answer(
            invalid({"to: \"" + *folder + "\" must be a folder on vtld's host, from \"/\" on"}));
    }
    const auto name = optional_text(params, "format");
    if (!name) return answer(invalid(name.error()));
    const auto format = snapshots::export_format_from_text(name->value_or("tap"));
    if (!format) {
        return answer(invalid({"format: \"" + **name + "\" is neither \"tap\" nor \"blocks\""}));
    }
    auto& store = exports.snapshots();
    const auto snapshot = store.show(what->number);
    const auto rows = store.sessions(what->number);
    if (!rows) return answer(failed(rows.error()));
    const auto about = [snapshot = *snapshot, rows = rows.value(), what = *what,
                        format = *format](const std::vector<snapshots::ExportedFile>& files) {
        json result = snapshot_json(snapshot);
        json sessions = json::array();
        for (const auto& row : rows) {
            if (!what.session || what.session == row.identifier)
                sessions.push_back(session_json(row));
        }
        result["sessions"] = std::move(sessions);
        result["files"] = exported_files_json(files, format);
        return result;
    };
    auto begun = exports.begin(
        {.what = *what,
         .folder = *folder,
         .format = *format,
         .description =
             [about](const std::vector<snapshots::ExportedFile>& files) {
                 return about(files).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
             }},
        [answer, what = *what, format = *format,
         folder = *folder](const Result<std::vector<snapshots::ExportedFile>>& files) {
            if (!files) return answer(failed(files.error()));
            json result{{"number", what.number},
                        {"to", folder},
                        {"files", exported_files_json(*files, format)},
                        {"sound", std::ranges::all_of(*files, [](const auto& file) {
                             return file.damaged_blocks == 0;
                         })}};
            if (what.session) result["session"] = *what.session;
            answer(std::move(result));
        });
    if (!begun) answer(ControlError{ControlErrorCode::busy, begun.error().message});
}

ControlAnswer list_exports(const json& params, const SnapshotExports& exports) {
    if (auto known = check_known(params, {}); !known) return invalid(known.error());
    json all = json::array();
    for (const auto& one : exports.under_way()) {
        const auto& wanted = one->wanted();
        const auto progress = one->progress();
        all.push_back({{"number", wanted.what.number},
                       {"session", wanted.what.session ? json(*wanted.what.session) : json()},
                       {"to", wanted.folder},
                       {"format", snapshots::to_text(wanted.format)},
                       {"bytes_done", progress.bytes_done},
                       {"bytes_total", progress.bytes_total}});
    }
    return all;
}

ControlAnswer cancel_export(const json& params, const SnapshotExports& exports) {
    if (auto known = check_known(params, {"number", "session"}); !known)
        return invalid(known.error());
    const auto what = snapshot_and_session(params);
    if (!what) return invalid(what.error());
    for (const auto& one : exports.under_way()) {
        if (one->wanted().what != *what) continue;
        one->cancel();
        return json{{"number", what->number}, {"cancelled", true}};
    }
    return ControlError{ControlErrorCode::state_differs,
                        "no such export of snapshot " + std::to_string(what->number) +
                            " is under way; snapshot jobs shows those that are"};
}

}  // namespace

void add_snapshot_methods(ControlServer& control, SnapshotStore& snapshots) {
    control.on("snapshot.list", [&snapshots](const json& params, const Caller&) {
        return list_snapshots(params, snapshots);
    });
    control.on("snapshot.show", [&snapshots](const json& params, const Caller&) {
        return show_snapshot(params, snapshots);
    });
    control.on("snapshot.diff", [&snapshots](const json& params, const Caller&) {
        return diff_snapshots(params, snapshots);
    });
    control.on("snapshot.take",
               [&snapshots](const json& params, const Caller& caller) -> ControlAnswer {
                   if (auto known = check_known(params, {"reason"}); !known)
                       return invalid(known.error());
                   const auto reason = optional_text(params, "reason");
                   if (!reason) return invalid(reason.error());
                   return answer_with(snapshots.take(caller.user, reason->value_or("")), snapshots);
               });
    control.on("snapshot.keep", [&snapshots](const json& params, const Caller& caller) {
        return keep_snapshot(params, caller, snapshots);
    });
    control.on("snapshot.unkeep",
               [&snapshots](const json& params, const Caller& caller) -> ControlAnswer {
                   if (auto known = check_known(params, {"number"}); !known)
                       return invalid(known.error());
                   const auto number = snapshot_number(params);
                   if (!number) return invalid(number.error());
                   return answer_with(snapshots.unkeep(*number, caller.user), snapshots);
               });
    control.on("snapshot.remove", [&snapshots](const json& params, const Caller& caller) {
        return remove_snapshot(params, caller, snapshots);
    });
}

void add_snapshot_volume_methods(ControlServer& control, SnapshotStore& snapshots, DriveBay& bay) {
    const auto tell = [&control](const char* change, const Caller& caller,
                                 const ControlAnswer& answer) {
        const auto* done = std::get_if<json>(&answer);
        if (done == nullptr) return;
        control.publish_event({{"event", "snapshot"},
                               {"change", change},
                               {"volume", (*done)["volume"]},
                               {"by", caller.user}});
    };
    on_change(control, "snapshot.mount",
              [&snapshots, &bay, tell](const json& params, const Caller& caller) {
                  auto answer = mount_snapshot(params, snapshots, bay);
                  tell("mounted", caller, answer);
                  return answer;
              });
    on_change(control, "snapshot.unmount",
              [&snapshots, &bay, tell](const json& params, const Caller& caller) {
                  auto answer = unmount_snapshot(params, snapshots, bay);
                  tell("unmounted", caller, answer);
                  return answer;
              });
}

void add_snapshot_export_methods(ControlServer& control, SnapshotExports& exports) {
    on_async_change(
        control, "snapshot.export",
        [&exports](const json& params, const Caller&, const ControlServer::Answerer& answer) {
            begin_export(params, exports, answer);
        });
    control.on("snapshot.jobs", [&exports](const json& params, const Caller&) {
        return list_exports(params, exports);
    });
    on_change(control, "snapshot.cancel", [&exports](const json& params, const Caller&) {
        return cancel_export(params, exports);
    });
}

}  // namespace drive_iface::vtld
