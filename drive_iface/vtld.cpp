// vtld: a virtual tape library whose drives real hosts reach over iSCSI.

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/metrics/metrics_server.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/control_server.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/program_options.hpp"
#include "agent/runtime/service.hpp"
#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/iscsi/server.hpp"
#include "drive_iface/rmt/rmt_server.hpp"
#include "drive_iface/sessions/file_segments.hpp"
#include "drive_iface/sessions/session_store.hpp"
#include "drive_iface/vtld/administration_records.hpp"
#include "drive_iface/vtld/configuration.hpp"
#include "drive_iface/vtld/control_methods.hpp"
#include "drive_iface/vtld/drive_bay.hpp"
#include "drive_iface/vtld/event_channels.hpp"
#include "drive_iface/vtld/made_cartridges.hpp"
#include "drive_iface/vtld/metrics_report.hpp"
#include "drive_iface/vtld/new_cartridges.hpp"
#include "drive_iface/vtld/rmt_drives.hpp"
#include "drive_iface/vtld/snapshot_service.hpp"
#include "drive_iface/vtld/virtual_ports.hpp"
#include "drive_iface/vtld/write_session_methods.hpp"
#include "drive_iface/web/web_server.hpp"

namespace {

using namespace drive_iface;
using namespace drive_iface::vtld;
using agent::core::Duration;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::runtime::ExitCode;
using events::DriveEvent;

constexpr Duration logout_within{2'000};
constexpr Duration acknowledge_within{1'000};
constexpr auto look_again = std::chrono::milliseconds(20);

// What the drive says on the event channel; nothing: not the business of a library reservation
// agent, or its own doing.
std::optional<DriveEvent::Change> announced(LibraryEvent::Change change) {
    switch (change) {
        case LibraryEvent::Change::reserved:
            return DriveEvent::Change::reserved;
        case LibraryEvent::Change::released:
            return DriveEvent::Change::released;
        case LibraryEvent::Change::preempted:
            return DriveEvent::Change::preempted;
        case LibraryEvent::Change::reset:
            return DriveEvent::Change::reset;
        case LibraryEvent::Change::registrations:
            return DriveEvent::Change::registrations;
        case LibraryEvent::Change::forced_offline:
        case LibraryEvent::Change::forced_offline_lifted:
        case LibraryEvent::Change::inventory:
            return std::nullopt;
    }
    return std::nullopt;
}

std::string now_text() {
    return agent::runtime::to_text(agent::runtime::clock_now().wall);
}

class Daemon {
  public:
    Daemon(std::string file, VtldConfiguration configuration)
        : file_(std::move(file)),
          configuration_(std::move(configuration)),
          drain_(loop_),
          chores_(loop_) {}

    ExitCode run() {
        if (auto started = start(); !started) {
            agent::runtime::log_error(started.error().message);
            return ExitCode::failure;
        }
        loop_.run();
        return ExitCode::ok;
    }

  private:
    Outcome start();
    Outcome open_state();
    Outcome start_storage();
    Outcome make_configured_cartridges();
    Outcome start_sessions();
    void start_administration();
    Outcome start_library();
    Outcome start_rmt();
    Outcome start_web();
    Outcome start_events();
    Outcome start_control();
    Outcome start_metrics();
    [[nodiscard]] Running running();
    void announce(const LibraryEvent& event);
    [[nodiscard]] std::vector<DriveEvent> states() const;
    [[nodiscard]] std::map<agent::core::DriveSerial, std::string> forced_offline() const;
    void carry_out(const events::DriveCommand& command, const std::function<void(Outcome)>& done);
    void do_chores();
    Outcome reload();
    void stop();
    void finish_when_acknowledged(std::chrono::steady_clock::time_point latest);

    std::string file_;
    VtldConfiguration configuration_;
    asio::io_context loop_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    // In the order they need each other; ended the other way round.
    std::optional<StateFile> state_;  // the bay's, once there is one
    std::string saved_;               // what was in it at the start
    std::optional<MadeCartridges> made_;
    std::unique_ptr<cartridge::FileShelf> shelf_;
    std::unique_ptr<sessions::SegmentShelf> segments_;
    std::unique_ptr<sessions::SessionStore> sessions_;  // none: no drive is parallel
    std::unique_ptr<SnapshotService> snapshots_;        // as sessions_
    std::unique_ptr<Administration> administration_;
    EventRecords happened_;
    std::unique_ptr<DriveBay> bay_;
    std::unique_ptr<RmtDrives> rmt_drives_;
    std::unique_ptr<rmt::RmtServer> rmt_server_;
    std::unique_ptr<web::WebServer> web_;
    std::unique_ptr<VirtualPorts> ports_;
    std::unique_ptr<EventChannels> events_;
    std::unique_ptr<iscsi::Server> server_;
    std::unique_ptr<agent::runtime::ControlServer> control_;
    std::unique_ptr<agent::metrics::MetricsServer> metrics_;
    std::shared_ptr<void> session_events_;  // to those who follow events on control_
    std::shared_ptr<void> snapshot_events_;
    std::unique_ptr<agent::runtime::Service> service_;
    asio::steady_timer drain_;
    asio::steady_timer chores_;
};

Outcome Daemon::start() {
    if (auto state = open_state(); !state) return state;
    if (auto storage = start_storage(); !storage) return storage;
    if (auto sessions = start_sessions(); !sessions) return sessions;
    if (auto library = start_library(); !library) return library;
    if (auto rmt = start_rmt(); !rmt) return rmt;
    if (auto web = start_web(); !web) return web;
    if (auto events = start_events(); !events) return events;
    iscsi::ServerOptions options;
    options.host = configuration_.iscsi.host;
    options.port = configuration_.iscsi.port;
    options.target_prefix = configuration_.iscsi.target_prefix;
    options.chap = configuration_.iscsi.chap;
    options.ping_after = configuration_.iscsi.ping_after;
    options.connections_max = configuration_.iscsi.connections_max;
    auto server =
        iscsi::Server::listen(loop_, std::move(options), *bay_,
                              [](const std::string& line) { agent::runtime::log_info(line); });
    if (!server) return server.error().within("iscsi.listen");
    server_ = std::move(server).value();
    if (auto control = start_control(); !control) return control;
    if (auto metrics = start_metrics(); !metrics) return metrics;
    service_ = std::make_unique<agent::runtime::Service>(
        loop_, agent::runtime::ServiceHandlers{[this] { stop(); }, [this] { return reload(); }});
    const auto status = std::to_string(configuration_.library.drives.size()) +
                        " drives, iSCSI on " + server_->address();
    agent::runtime::log_info("virtual library " + configuration_.library.serial + ": " + status);
    service_->ready(status);
    if (sessions_) do_chores();
    return Nothing{};
}

void Daemon::do_chores() {
    chores_.expires_after(std::chrono::seconds(1));
    chores_.async_wait([this](const asio::error_code& cancelled) {
        if (cancelled) return;
        sessions_->retry_copies();
        do_chores();
    });
}

Outcome Daemon::open_state() {
    auto state = StateFile::open(configuration_.state_dir);
    if (!state) return state.error().within("state_dir");
    auto saved = state->load();
    if (!saved) return saved.error().within("state_dir");
    auto made = MadeCartridges::load(configuration_.state_dir, *saved);
    if (!made) return made.error().within("state_dir");
    state_.emplace(std::move(state).value());
    saved_ = std::move(saved).value();
    made_ = std::move(made).value();
    return Nothing{};
}

// Folders, and the cartridges the configuration wants to be there.
Outcome Daemon::start_storage() {
    CartridgeConfiguration& wanted = configuration_.cartridges;
    for (std::string& folder : wanted.folders)
        folder = std::filesystem::absolute(folder).lexically_normal().string();
    auto shelf = cartridge::FileShelf::start(
        {.folders = wanted.folders,
         .placement = wanted.placement,
         .log = [](const std::string& line) { agent::runtime::log_warning(line); }},
        [this](std::function<void()> f) { asio::post(loop_, std::move(f)); });
    if (!shelf) return shelf.error().within("cartridges.folders");
    shelf_ = std::move(shelf).value();
    return make_configured_cartridges();
}

Outcome Daemon::make_configured_cartridges() {
    const CartridgeConfiguration& wanted = configuration_.cartridges;
    std::set<std::string> there;
    for (const auto& entry : shelf_->list()) {
        there.insert(entry.facts.barcode);
        made_->add(entry.facts.barcode);
    }
    for (const std::string& barcode : wanted.barcodes) {
        if (there.contains(barcode)) continue;
        // The shelf has told what is wrong with these.
        if (!shelf_->unusable_files(barcode).empty()) {
            made_->add(barcode);
            continue;
        }
        if (made_->contains(barcode)) {
            agent::runtime::log_warning(
                "cartridge " + barcode +
                " was there and is in none of the storage folders now; is a disk not mounted? It "
                "is not made anew: if it is gone for good, cartridge create makes a blank one, and "
                "cartridge remove forgets it");
            continue;
        }
        auto created = shelf_->create(configured_cartridge(barcode, wanted.capacity));
        if (!created) return created.error().within("cartridges.barcodes");
        made_->add(barcode);
    }
    return Nothing{};
}

Outcome Daemon::start_sessions() {
    const auto& drives = configuration_.library.drives;
    const bool parallel =
        std::any_of(drives.begin(), drives.end(), [](const auto& drive) { return drive.parallel; });
    if (!parallel) return Nothing{};
    std::vector<std::string> folders;
    for (const std::string& folder : configuration_.cartridges.folders)
        folders.push_back(folder + "/sessions");
    const auto run_on_loop = [this](std::function<void()> f) { asio::post(loop_, std::move(f)); };
    const auto log = [](const std::string& line) { agent::runtime::log_warning(line); };
    auto segments = sessions::file_segments({.folders = std::move(folders),
                                             .placement = configuration_.session_placement,
                                             .run_on_loop = run_on_loop,
                                             .log = log});
    if (!segments) return segments.error().within("cartridges.folders");
    segments_ = std::move(segments).value();
    auto store =
        sessions::SessionStore::start({.ledger_file = configuration_.state_dir + "/sessions.ledger",
                                       .run_on_loop = run_on_loop,
                                       .now_ms = [] { return agent::runtime::clock_now().wall.ms; },
                                       .log = log},
                                      *shelf_, *segments_);
    if (!store) return store.error().within("state_dir");
    sessions_ = std::move(store).value();
    auto snapshots = SnapshotService::start(loop_, configuration_, *sessions_);
    if (!snapshots) return snapshots.error().within("state_dir");
    snapshots_ = std::move(snapshots).value();
    return Nothing{};
}

Outcome Daemon::start_rmt() {
    if (configuration_.rmt.listen.empty()) return Nothing{};
    rmt_drives_ =
        std::make_unique<RmtDrives>(loop_, *bay_, sessions_.get(), configuration_.library.serial);
    rmt::RmtServerOptions options;
    options.listen = configuration_.rmt.listen;
    options.token = configuration_.rmt.token;
    options.connections_max = configuration_.rmt.connections_max;
    options.idle_after = configuration_.rmt.idle_after;
    auto server =
        rmt::RmtServer::listen(loop_, std::move(options), *rmt_drives_,
                               [](const std::string& line) { agent::runtime::log_info(line); });
    if (!server) return server.error().within("rmt.listen");
    rmt_server_ = std::move(server).value();
    return Nothing{};
}

Outcome Daemon::start_web() {
    if (!configuration_.web.listen) return Nothing{};
    web::WebServerOptions options;
    options.http.listen = *configuration_.web.listen;
    options.http.connections_max = configuration_.web.connections_max;
    auto users = vtld::web_users(configuration_.web);
    if (!users) return users.error();
    options.http.users = std::move(users).value();
    const auto& library = configuration_.library;
    auto server =
        web::WebServer::listen(loop_, std::move(options),
                               {.vendor = library.vendor,
                                .product = library.product,
                                .serial = library.serial,
                                .library = &bay_->library(),
                                .shelf = shelf_.get(),
                                .tracking = sessions_.get(),
                                .snapshots = snapshots_ ? &snapshots_->snapshots() : nullptr,
                                .now_ms = [] { return agent::runtime::clock_now().wall.ms; }});
    if (!server) return server.error().within("web.listen");
    web_ = std::move(server).value();
    agent::runtime::log_info("web page at " + web_->url());
    return Nothing{};
}

void Daemon::start_administration() {
    const auto& drive = configuration_.library.drives.front();
    administration_ = std::make_unique<Administration>(
        loop_, Administration::Options{
                   .library = configuration_.library.serial,
                   .media_identifier = media_identifier(drive.personality, drive.product),
                   .lrad_socket = configuration_.lrad_socket});
}

Outcome Daemon::start_library() {
    // Restoring from tape must not fail because of that.
    if (auto kept = made_->save(); !kept) agent::runtime::log_warning(kept.error().message);
    virtual_library::CartridgeShelf& shelf = sessions_ ? sessions_->shelf_for_drives() : *shelf_;
    start_administration();
    virtual_library::VirtualVolumes& volumes =
        snapshots_ ? snapshots_->volumes_with(*administration_) : *administration_;
    virtual_library::Library library(configuration_.library, shelf, sessions_.get(), &volumes);
    if (!saved_.empty()) {
        if (auto restored = library.restore(saved_); !restored) {
            return restored.error().within("state.json in " + configuration_.state_dir +
                                           " (move it away to begin anew)");
        }
    }
    for (const auto& missing : library.missing()) {
        const bool has_files = !shelf_->unusable_files(missing.barcode).empty();
        agent::runtime::log_warning(
            "cartridge " + missing.barcode + ", last in " + missing.place +
            (has_files ? ", can not be used as it is" : ", is in none of the storage folders now"));
    }
    static_cast<void>(library.take_events());
    bay_ = std::make_unique<DriveBay>(
        loop_, std::move(library), *std::move(state_),
        DriveBay::Handlers{[this](const LibraryEvent& event) { announce(event); },
                           [](const std::string& text) {
                               agent::runtime::log_critical(
                                   "drive state is not safe from power loss: " + text);
                           }},
        configuration_.library.serial);
    tell_everything(*administration_, {.configuration = &configuration_,
                                       .shelf = shelf_.get(),
                                       .tracking = sessions_.get(),
                                       .snapshots = snapshots_ ? &snapshots_->snapshots() : nullptr,
                                       .library = &bay_->library(),
                                       .events = &happened_});
    bay_->library().proceed();
    ports_ = std::make_unique<VirtualPorts>(*bay_);
    return Nothing{};
}

Outcome Daemon::start_events() {
    if (configuration_.events_connect.empty()) return Nothing{};
    std::vector<agent::core::DriveSerial> drives;
    for (const auto& drive : configuration_.library.drives)
        drives.push_back({drive.serial});
    auto opened = EventChannels::open(
        loop_, configuration_.events_connect, configuration_.events_tls, drives,
        {.command = [this](const events::DriveCommand& command,
                           const std::function<void(Outcome)>& done) { carry_out(command, done); },
         .forced_offline = [this] { return forced_offline(); },
         .states = [this] { return states(); }});
    if (!opened) return opened.error();
    events_ = std::move(opened).value();
    return Nothing{};
}

Running Daemon::running() {
    return {.configuration = &configuration_,
            .bay = bay_.get(),
            .shelf = shelf_.get(),
            .made = &*made_,
            .ports = ports_.get(),
            .server = server_.get(),
            .events = events_.get(),
            .tracking = sessions_.get(),
            .web = web_.get(),
            .uptime_ms = [this] {
                return std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::steady_clock::now() - began_)
                    .count();
            }};
}

// What monitoring asks is told by the event loop, as everything else.
Outcome Daemon::start_metrics() {
    auto server = agent::metrics::MetricsServer::open(
        loop_, configuration_.metrics,
        {.metrics = [this] { return library_metrics(running()); },
         .trouble = []() -> std::optional<std::string> { return std::nullopt; }});
    if (!server) return server.error();
    metrics_ = std::move(server).value();
    return Nothing{};
}

Outcome Daemon::start_control() {
    agent::runtime::ControlServerOptions options;
    options.path = configuration_.control_socket;
    control_ = std::make_unique<agent::runtime::ControlServer>(loop_, std::move(options));
    const Running running = this->running();
    add_library_methods(*control_, running);
    add_cartridge_methods(*control_, running, loop_);
    add_session_methods(*control_, running);
    session_events_ = add_write_session_methods(*control_, sessions_.get());
    if (snapshots_) {
        snapshot_events_ = snapshots_->add_methods(*control_, *bay_);
    } else {
        add_no_snapshot_methods(*control_);
    }
    add_fault_methods(*control_, running);
    add_port_methods(*control_, running);
    if (auto listening = control_->listen(); !listening)
        return listening.error().within("control.socket");
    return Nothing{};
}

void Daemon::announce(const LibraryEvent& event) {
    happened_.add(event, now_text());
    const auto change = announced(event.change);
    const bool of_changer = event.drive.text == configuration_.library.serial;
    if (!change || !events_ || of_changer) return;
    events_->report(
        events::make_drive_event(event.drive, *change, event.reservation, event.port, now_text()));
}

std::vector<DriveEvent> Daemon::states() const {
    std::vector<DriveEvent> states;
    for (const auto& drive : bay_->drives()) {
        states.push_back(events::make_drive_event({drive.serial}, DriveEvent::Change::state,
                                                  drive.reservation, std::nullopt, now_text()));
    }
    return states;
}

std::map<agent::core::DriveSerial, std::string> Daemon::forced_offline() const {
    std::map<agent::core::DriveSerial, std::string> forced;
    for (const auto& drive : bay_->drives()) {
        if (drive.forced_offline) forced[{drive.serial}] = drive.forced_offline_reason;
    }
    return forced;
}

void Daemon::carry_out(const events::DriveCommand& command,
                       const std::function<void(Outcome)>& done) {
    switch (command.action) {
        case events::DriveCommand::Action::force_offline:
            agent::runtime::log_warning("drive " + command.drive.text +
                                        " is forced offline: " + command.reason);
            return done(bay_->force_offline(command.drive.text, command.reason));
        case events::DriveCommand::Action::lift_offline:
            agent::runtime::log_info("drive " + command.drive.text + " may be used again" +
                                     (command.reason.empty() ? "" : ": " + command.reason));
            return done(bay_->lift_forced_offline(command.drive.text));
    }
}

Outcome Daemon::reload() {
    auto wanted = read_vtld_configuration(file_);
    if (!wanted.ok()) {
        std::string errors;
        for (const auto& error : wanted.errors)
            errors += (errors.empty() ? "" : "; ") + error;
        return agent::core::Error{errors};
    }
    const auto keys = needs_restart(configuration_, *wanted.value);
    if (!keys.empty()) {
        return agent::core::Error{file_ + ": " + keys +
                                  " can not change while vtld runs; restart it"};
    }
    configuration_.virtual_ports = std::move(wanted.value->virtual_ports);
    return Nothing{};
}

void Daemon::stop() {
    if (web_) web_->stop();
    metrics_.reset();
    rmt_server_.reset();  // tapes that are open get what closing them would do
    server_->stop(logout_within, [this] {
        ports_->forget_all();
        finish_when_acknowledged(std::chrono::steady_clock::now() +
                                 std::chrono::milliseconds(acknowledge_within.ms));
    });
}

// The last events say that the drives are released; they are worth a moment.
void Daemon::finish_when_acknowledged(std::chrono::steady_clock::time_point latest) {
    const bool done = !events_ || events_->is_settled();
    if (done || std::chrono::steady_clock::now() >= latest) return service_->finish();
    drain_.expires_after(look_again);
    drain_.async_wait([this, latest](const asio::error_code& cancelled) {
        if (!cancelled) finish_when_acknowledged(latest);
    });
}

ExitCode run(int argc, char** argv) {
    agent::runtime::start_log("vtld");
    const agent::runtime::ProgramDescription description{
        .name = "vtld",
        .purpose =
            "Serves a virtual tape library to hosts over iSCSI, with complete reservation "
            "behaviour.",
        .default_configuration = "/etc/lra/vtld.json",
        .schema = &vtld_configuration_schema()};
    const auto options = agent::runtime::read_program_options(argc, argv, description);
    if (const auto* end = std::get_if<ExitCode>(&options)) return *end;
    const auto& wanted = std::get<agent::runtime::ProgramOptions>(options);
    auto configuration = read_vtld_configuration(wanted.configuration_file);
    if (!configuration.ok()) return agent::runtime::report(configuration.errors);
    if (wanted.check_only) return agent::runtime::report_valid(wanted.configuration_file);
    Daemon daemon(wanted.configuration_file, std::move(*configuration.value));
    return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
    return agent::runtime::run_program(run, argc, argv);
}
