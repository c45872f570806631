// What an operator does with the cartridges of the library.

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "agent/runtime/log.hpp"
#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/snapshots/snapshot_store.hpp"
#include "drive_iface/vtld/audited_methods.hpp"
#include "drive_iface/vtld/cartridge_list.hpp"
#include "drive_iface/vtld/control_methods.hpp"
#include "drive_iface/vtld/control_parameters.hpp"
#include "drive_iface/vtld/made_cartridges.hpp"
#include "drive_iface/vtld/new_cartridges.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using agent::runtime::ControlServer;
using cartridge::FileShelf;
using nlohmann::json;
using virtual_library::Library;

namespace {

constexpr auto look_again = std::chrono::milliseconds(20);
constexpr auto move_within = std::chrono::minutes(5);
constexpr auto put_away_within = std::chrono::seconds(10);

json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

json element_json(const Library::ElementStatus& element) {
    return {{"place", element.place},
            {"type", element.type},
            {"element_address", element.address},
            {"barcode", text_or_null(element.barcode)},
            {"source", text_or_null(element.source)},
            {"virtual_volume", element.virtual_volume}};
}

json inventory_json(const Library& library) {
    json elements = json::array();
    for (const auto& element : library.elements()) {
        if (element.type != "transport") elements.push_back(element_json(element));
    }
    return elements;
}

std::string place_of(const Library& library, const std::string& barcode) {
    for (const auto& element : library.elements()) {
        if (element.barcode == barcode) return element.place;
    }
    return "outside";
}

json library_json(const Running& running) {
    const Library& library = running.bay->library();
    std::size_t full = 0;
    std::size_t slots = 0;
    std::size_t ports = 0;
    for (const auto& element : library.elements()) {
        if (element.type == "storage" && !element.virtual_volume) {
            ++slots;
            if (!element.barcode.empty()) ++full;
        }
        if (element.type == "import_export") ++ports;
    }
    const auto& configuration = *running.configuration;
    return {{"vendor", configuration.library.vendor},
            {"product", configuration.library.product},
            {"serial", configuration.library.serial},
            {"drives", library.drives().size()},
            {"slots", slots},
            {"slots_full", full},
            {"import_export", ports},
            {"cartridges", running.shelf->list().size()},
            {"outside", library.outside()},
            {"folders", configuration.cartridges.folders},
            {"placement", cartridge::to_text(running.shelf->default_placement())},
            {"rmt", text_or_null(configuration.rmt.listen)},
            {"changer", running.server->target_name(configuration.library.serial)}};
}

ControlAnswer show(const std::string& barcode, const Running& running) {
    const auto report = running.shelf->show(barcode);
    if (!report) return failed(report.error());
    const auto& facts = report->metadata.facts;
    json shown{{"barcode", facts.barcode},
               {"place", place_of(running.bay->library(), barcode)},
               {"capacity", facts.capacity},
               {"used", report->used},
               {"blocks", report->objects - report->filemarks},
               {"filemarks", report->filemarks},
               {"write_protected", facts.write_protected},
               {"worm", facts.worm},
               {"cleaning", facts.cleaning},
               {"placement", cartridge::to_text(report->metadata.placement)},
               {"folders", report->folders},
               {"file_bytes", report->file_bytes},
               {"load_count", report->metadata.load_count},
               {"open", report->open},
               {"troubles", report->troubles}};
    if (facts.cleaning) {
        const auto cleanings = virtual_library::cleanings_of(report->metadata.attributes);
        shown["cleanings_done"] = cleanings.done;
        shown["cleanings_max"] = cleanings.permitted;
    }
    return shown;
}

// What has come or gone is in its place before anybody is answered.
void take_inventory(const Running& running) {
    running.bay->library().take_inventory();
    static_cast<void>(running.bay->changed());
}

// What could not be kept is kept with the next change.
void keep_made(const Running& running) {
    if (auto kept = running.made->save(); !kept) agent::runtime::log_warning(kept.error().message);
}

// It is there: should its disk be away at the next start, no blank one is made in its place.
void note_made(const std::string& barcode, const Running& running) {
    running.made->add(barcode);
    keep_made(running);
}

json check_json(const std::string& barcode, const cartridge::CheckReport& report) {
    return {{"barcode", barcode},          {"sound", report.sound},
            {"objects", report.objects},   {"filemarks", report.filemarks},
            {"bytes", report.bytes},       {"damaged_blocks", report.damaged_blocks},
            {"findings", report.findings}, {"repairs", report.repairs}};
}

// The barcode; all other parameters are among `known`.
agent::core::Result<std::string> barcode_parameter(const json& params,
                                                   std::set<std::string> known) {
    known.insert("barcode");
    if (auto fine = check_known(params, known); !fine) return fine.error();
    return agent::runtime::text_parameter(params, "barcode");
}

// A file on vtld's host. The folder that vtld runs in is nobody's business.
agent::core::Result<std::string> file_parameter(const json& params) {
    auto file = agent::runtime::text_parameter(params, "file");
    if (file && file->front() != '/')
        return Error{"file: \"" + *file + "\" must be a file on vtld's host, from \"/\" on"};
    return file;
}

// What is in the changer and is no cartridge on the shelf: nothing can be done with its files.
std::optional<ControlError> made_up(const std::string& barcode, const Running& running) {
    const auto& elements = running.bay->library().elements();
    const bool here = std::any_of(elements.begin(), elements.end(), [&barcode](const auto& place) {
        return place.barcode == barcode;
    });
    if (!here) return std::nullopt;
    if (admin_volumes::is_reserved_barcode(barcode)) {
        return failed(Error{barcode +
                            " is a volume of the library's own, made when it is moved to a drive; "
                            "it has no files"});
    }
    if (snapshots::is_snapshot_barcode(barcode)) {
        return failed(Error{barcode +
                            " is a snapshot that is mounted, and has no files of its own; snapshot "
                            "list shows which, snapshot export writes files, snapshot unmount "
                            "takes it away"});
    }
    return std::nullopt;
}

// A cartridge that somebody uses is one to ask again about.
ControlError refused(const std::string& barcode, const Error& error, const Running& running) {
    if (auto volume = made_up(barcode, running)) return *volume;
    if (running.shelf->is_in_use(barcode)) return {ControlErrorCode::busy, error.message};
    return failed(error);
}

// An operator's move takes as long as a drive needs to unload and load. What comes out of a drive
// is put away before that is answered, so that it can be checked, exported or removed at once; when
// others go on using it (sessions that are copied into it) it is answered all the same.
class Move : public std::enable_shared_from_this<Move> {
  public:
    Move(asio::io_context& loop, const Running& running, std::string barcode, std::string place,
         ControlServer::Answerer answer)
        : timer_(loop),
          running_(running),
          barcode_(std::move(barcode)),
          place_(std::move(place)),
          answer_(std::move(answer)) {}

    void go_on() {
        if (!moved_) {
            const auto moved = running_.bay->library().move_cartridge(barcode_, place_);
            static_cast<void>(running_.bay->changed());
            if (moved && !*moved) return answer_(failed(moved->error()));
            moved_ = moved.has_value();
            if (moved_) latest_ = std::chrono::steady_clock::now() + put_away_within;
        }
        const bool late = std::chrono::steady_clock::now() >= latest_;
        const bool in_a_drive = place_.rfind("drive", 0) == 0;
        if (moved_ && (late || in_a_drive || !running_.shelf->is_in_use(barcode_)))
            return answer_(json{{"barcode", barcode_}, {"place", place_}});
        if (late) {
            return answer_(failed(Error{"cartridge " + barcode_ + " is still on its way to " +
                                        place_ + "; library inventory shows where it is"}));
        }
        timer_.expires_after(look_again);
        timer_.async_wait([self = shared_from_this()](const asio::error_code& cancelled) {
            if (!cancelled) self->go_on();
        });
    }

  private:
    asio::steady_timer timer_;
    Running running_;
    std::string barcode_;
    std::string place_;
    bool moved_ = false;
    ControlServer::Answerer answer_;
    std::chrono::steady_clock::time_point latest_ = std::chrono::steady_clock::now() + move_within;
};

void look_anew(const Running& running) {
    for (const auto& trouble : running.shelf->rescan())
        agent::runtime::log_warning(trouble);
    for (const auto& entry : running.shelf->list())
        running.made->add(entry.facts.barcode);
    keep_made(running);
    take_inventory(running);
}

// The files of a cartridge are deleted, if there are any; what is known of it is forgotten.
ControlAnswer remove_cartridge(const std::string& barcode, const Running& running) {
    if (auto volume = made_up(barcode, running)) return *volume;
    Library& library = running.bay->library();
    const std::string place = place_of(library, barcode);
    if (place.rfind("drive ", 0) == 0) {
        return failed(
            Error{"cartridge " + barcode + " is in " + place + "; move it to a slot first"});
    }
    json answer{{"barcode", barcode}};
    const bool has_files = running.shelf->show(barcode).ok() || running.shelf->came_back(barcode) ||
                           !running.shelf->unusable_files(barcode).empty();
    if (has_files) {
        if (auto gone = running.shelf->remove(barcode); !gone)
            return refused(barcode, gone.error(), running);
        answer["removed"] = true;
    } else {
        const auto missing = library.missing();
        const auto found = std::ranges::find(missing, barcode, &Library::Missing::barcode);
        if (found == missing.end() && !running.made->contains(barcode))
            return failed(Error{"there is no cartridge " + barcode});
        answer["removed"] = false;
        answer["forgotten"] = true;  // it is missing: there are no files to delete
        answer["last_in"] = text_or_null(found == missing.end() ? "" : found->place);
    }
    const auto& configured = running.configuration->cartridges.barcodes;
    answer["made_anew_at_start"] = std::ranges::count(configured, barcode) != 0;
    running.made->remove(barcode);
    keep_made(running);
    static_cast<void>(library.forget_missing(barcode));
    take_inventory(running);
    return answer;
}

using Jobs = std::shared_ptr<CartridgeJobs>;

FileShelf::CheckDone done_with(const std::string& barcode, const Running& running, const Jobs& jobs,
                               const ControlServer::Answerer& answer) {
    return [barcode, running, jobs,
            answer](const agent::core::Result<cartridge::CheckReport>& report) {
        jobs->erase(barcode);
        if (report) note_made(barcode, running);
        take_inventory(running);
        if (!report) return answer(failed(report.error()));
        answer(check_json(barcode, *report));
    };
}

FileShelf::Progress progress_of(const std::string& barcode, const Jobs& jobs) {
    return [barcode, jobs](const cartridge::JobProgress& progress) {
        const auto job = jobs->find(barcode);
        if (job != jobs->end()) job->second.progress = progress;
    };
}

// A job that has begun answers later; one that has not, now.
void note_begun(const std::string& barcode, const char* kind,
                const agent::core::Result<cartridge::JobId>& job, const Running& running,
                const Jobs& jobs, const ControlServer::Answerer& answer) {
    if (!job) return answer(refused(barcode, job.error(), running));
    (*jobs)[barcode] = {.kind = kind, .id = *job, .progress = {}};
}

void add_questions(ControlServer& control, const Running& running, const Jobs& jobs) {
    control.on("library.show", [running](const json& params, const Caller&) -> ControlAnswer {
        if (auto known = check_known(params, {}); !known) return invalid(known.error());
        return library_json(running);
    });
    control.on("library.inventory",
               [running](const json& params, const Caller& caller) -> ControlAnswer {
                   if (auto known = check_known(params, {}); !known) return invalid(known.error());
                   // Asked often, as a question; a change when something is elsewhere by it.
                   const auto before = running.bay->library().elements();
                   look_anew(running);
                   if (running.bay->library().elements() != before)
                       log_change("library.inventory", params, caller);
                   return inventory_json(running.bay->library());
               });
    control.on("cartridge.list",
               [running, jobs](const json& params, const Caller&) -> ControlAnswer {
                   if (auto known = check_known(params, {}); !known) return invalid(known.error());
                   return cartridges_json(running, *jobs);
               });
    control.on("cartridge.jobs", [jobs](const json& params, const Caller&) -> ControlAnswer {
        if (auto known = check_known(params, {}); !known) return invalid(known.error());
        return jobs_json(*jobs);
    });
    on_change(control, "cartridge.cancel",
              [running, jobs](const json& params, const Caller&) -> ControlAnswer {
                  const auto barcode = barcode_parameter(params, {});
                  if (!barcode) return invalid(barcode.error());
                  const auto job = jobs->find(*barcode);
                  if (job == jobs->end()) {
                      return ControlError{ControlErrorCode::state_differs,
                                          "nothing is being done with cartridge " + *barcode};
                  }
                  running.shelf->cancel(job->second.id);
                  return json{{"barcode", *barcode}, {"cancelled", job->second.kind}};
              });
    control.on("cartridge.show", [running](const json& params, const Caller&) -> ControlAnswer {
        const auto barcode = barcode_parameter(params, {});
        if (!barcode) return invalid(barcode.error());
        if (auto volume = made_up(*barcode, running)) return *volume;
        return show(*barcode, running);
    });
}

void add_changes(ControlServer& control, const Running& running) {
    on_change(control, "cartridge.create",
              [running](const json& params, const Caller&) -> ControlAnswer {
                  const auto barcode =
                      barcode_parameter(params, {"capacity_mb", "worm", "cleaning", "cleanings"});
                  if (!barcode) return invalid(barcode.error());
                  const auto wanted =
                      new_cartridge(*barcode, params, running.configuration->cartridges.capacity);
                  if (!wanted) return invalid(wanted.error());
                  if (auto made = running.shelf->create(*wanted); !made)
                      return failed(made.error());
                  note_made(*barcode, running);
                  take_inventory(running);
                  return show(*barcode, running);
              });
    on_change(
        control, "cartridge.protect",
        [running](const json& params, const Caller&) -> ControlAnswer {
            const auto barcode = barcode_parameter(params, {"state"});
            if (!barcode) return invalid(barcode.error());
            const auto state = agent::runtime::text_parameter(params, "state");
            if (!state) return invalid(state.error());
            if (*state != "on" && *state != "off")
                return invalid(Error{"state: \"" + *state + "\" is neither \"on\" nor \"off\""});
            if (auto done = running.shelf->protect(*barcode, *state == "on"); !done)
                return refused(*barcode, done.error(), running);
            return show(*barcode, running);
        });
    on_change(control, "cartridge.remove",
              [running](const json& params, const Caller&) -> ControlAnswer {
                  const auto barcode = barcode_parameter(params, {});
                  if (!barcode) return invalid(barcode.error());
                  return remove_cartridge(*barcode, running);
              });
}

void add_jobs(ControlServer& control, const Running& running, const Jobs& jobs,
              asio::io_context& loop) {
    on_async_change(
        control, "cartridge.move",
        [running, &loop](const json& params, const Caller&, ControlServer::Answerer answer) {
            const auto barcode = barcode_parameter(params, {"to"});
            if (!barcode) return answer(invalid(barcode.error()));
            const auto to = agent::runtime::text_parameter(params, "to");
            if (!to) return answer(invalid(to.error()));
            std::make_shared<Move>(loop, running, *barcode, *to, std::move(answer))->go_on();
        });
    on_async_change(
        control, "cartridge.check",
        [running, jobs](const json& params, const Caller&, const ControlServer::Answerer& answer) {
            const auto barcode = barcode_parameter(params, {"repair"});
            if (!barcode) return answer(invalid(barcode.error()));
            const auto repair = optional_flag(params, "repair");
            if (!repair) return answer(invalid(repair.error()));
            note_begun(*barcode, "check",
                       running.shelf->check(*barcode, *repair, progress_of(*barcode, jobs),
                                            done_with(*barcode, running, jobs, answer)),
                       running, jobs, answer);
        });
    on_async_change(
        control, "cartridge.import",
        [running, jobs](const json& params, const Caller&, const ControlServer::Answerer& answer) {
            const auto barcode = barcode_parameter(params, {"file", "capacity_mb", "worm"});
            if (!barcode) return answer(invalid(barcode.error()));
            const auto file = file_parameter(params);
            if (!file) return answer(invalid(file.error()));
            const auto wanted =
                new_cartridge(*barcode, params, running.configuration->cartridges.capacity);
            if (!wanted) return answer(invalid(wanted.error()));
            if (wanted->cleaning) {
                return answer(
                    invalid(Error{"barcode: those that begin with CLN are of cleaning "
                                  "cartridges, which hold no data"}));
            }
            // That it is in use does not matter: asking again later would not help.
            if (running.shelf->show(*barcode).ok())
                return answer(failed(Error{"there is a cartridge " + *barcode + " already"}));
            note_begun(*barcode, "import",
                       running.shelf->import_tap(*wanted, *file, progress_of(*barcode, jobs),
                                                 done_with(*barcode, running, jobs, answer)),
                       running, jobs, answer);
        });
    on_async_change(
        control, "cartridge.export",
        [running, jobs](const json& params, const Caller&, const ControlServer::Answerer& answer) {
            const auto barcode = barcode_parameter(params, {"file"});
            if (!barcode) return answer(invalid(barcode.error()));
            const auto file = file_parameter(params);
            if (!file) return answer(invalid(file.error()));
            note_begun(*barcode, "export",
                       running.shelf->export_tap(*barcode, *file, progress_of(*barcode, jobs),
                                                 done_with(*barcode, running, jobs, answer)),
                       running, jobs, answer);
        });
}

}  // namespace

void add_cartridge_methods(ControlServer& control, const Running& running, asio::io_context& loop) {
    const auto jobs = std::make_shared<CartridgeJobs>();
    add_questions(control, running, jobs);
    add_changes(control, running);
    add_jobs(control, running, jobs, loop);
}

}  // namespace drive_iface::vtld
