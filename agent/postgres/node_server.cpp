#include "agent/postgres/node_server.hpp"

#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Message;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr Duration statement_within{10'000};

void pause_briefly(std::int64_t ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

std::chrono::steady_clock::time_point after(Duration within) {
    return std::chrono::steady_clock::now() + std::chrono::milliseconds(within.ms);
}

bool is_over(std::chrono::steady_clock::time_point end) {
    return std::chrono::steady_clock::now() >= end;
}

}  // namespace

NodeServer::NodeServer(runtime::PairDatabaseConfiguration configuration, pair::Node node,
                       ServerOwner owner, ServerEars ears)
    : configuration_(std::move(configuration)),
      node_(node),
      ears_(std::move(ears)),
      folder_(configuration_.folder, std::move(owner)),
      programs_(folder_, configuration_.programs),
      process_(folder_, configuration_.programs) {}

std::string NodeServer::peer_name() const {
    return follower_name(pair::other(node_));
}

Outcome NodeServer::prepare() {
    if (auto made = folder_.make(); !made) return made;
    if (auto locked = folder_.lock(); !locked) return locked;
    const ServerPaths& paths = folder_.paths();
    if (!end_programs_at(paths))
        return Error{"a program that works on " + paths.data + " does not die of SIGKILL"};
    const auto secret = runtime::read_key_file(configuration_.password_file);
    if (!secret) return secret.error().within("pair.database.password_file");
    if (auto done = folder_.write(paths.password, password_text(*secret)); !done) return done;
    if (auto done = folder_.write(paths.host_access, host_access_text(configuration_)); !done)
        return done;
    if (auto done = folder_.write(paths.user_names, user_names_text(folder_.owner().users)); !done)
        return done;
    const std::pair<const std::string&, const std::string&> copies[] = {
        {configuration_.certificate_file, paths.certificate},
        {configuration_.certificate_key_file, paths.certificate_key},
        {configuration_.authority_file, paths.authority}};
    for (const auto& [from, to] : copies) {
        if (from.empty()) continue;
        const auto text = ServerFolder::read(from);
        if (!text) return Error{from + " can not be read"};
        if (auto done = folder_.write(to, *text); !done) return done;
    }
    return folder_.tidy();
}

Result<std::unique_ptr<ServerSession>> NodeServer::own_session(const Interrupted& interrupted,
                                                               Duration within,
                                                               std::string_view database) const {
    return ServerSession::open(own_connection(configuration_, superuser_role, database), within,
                               interrupted);
}

Outcome NodeServer::write_settings(ServerRole role, bool synchronous) const {
    return folder_.write(folder_.paths().configuration,
                         settings_text(configuration_, node_, role, synchronous));
}

// ---- down

bool NodeServer::bring_down(StopHow how, bool* killed) {
    ears_.down();
    role_.reset();
    inspected_ = false;
    const auto stopped = process_.stop(how, configuration_.stop_timeout, ears_.hurried);
    if (stopped.stranger != 0) {
        ears_.tell(Message::database_found_running,
                   {folder_.paths().data, std::to_string(stopped.stranger)});
    }
    if (stopped.killed) {
        const std::string when = how == StopHow::in_order
                                     ? "in " +
                                           std::to_string(configuration_.stop_timeout.ms / 1'000) +
                                           " s, or was suspended"
                                     : "at once";
        ears_.tell(Message::database_killed, {when});
    }
    if (killed != nullptr) *killed = stopped.killed;
    return stopped.down;
}

Outcome NodeServer::settle(const Interrupted& interrupted) {
    if (!role_) return Nothing{};
    if (process_.is_running() && own_session(interrupted, configuration_.answer_timeout))
        return Nothing{};
    if (!bring_down(StopHow::at_once, nullptr)) return Error{"the server here does not end"};
    return Nothing{};
}

ServerStopped NodeServer::stop(StopHow how, const Interrupted& interrupted) {
    ServerStopped result;
    bool killed = false;
    result.down = bring_down(how, &killed);
    if (!result.down || how == StopHow::at_once) return result;
    const auto report =
        folder_.data_version() ? programs_.control_report() : Result<std::string>(Error{"no data"});
    if (report) {
        const auto control = control_data_from_text(*report);
        if (control) {
            result.clean = !killed && is_stopped_in_order(*control);
            if (control->state == "shut down")
                result.position = {control->timeline, control->checkpoint_lsn};
        }
    }
    const auto data = inspect(interrupted);
    if (!inspected_ && interrupted && interrupted()) return result;  // who comes next asks again
    if (result.position.timeline == 0) result.position = data.position;
    ears_.seen(data);
    result.told = true;
    return result;
}

pair::DataSeen NodeServer::inspect(const Interrupted& interrupted) {
    if (inspected_) return data_;
    data_ = {};
    const auto there = folder_.look_at_data();
    if (folder_.is_scrap() || (there && !*there)) {
        inspected_ = true;
        return data_;
    }
    auto read = read_copy(interrupted);
    if (read) {
        data_ = *read;
        inspected_ = true;
    } else if (!interrupted || !interrupted()) {
        ears_.tell(Message::database_step_failed, {"reading its copy", read.error().message});
    }
    return data_;
}

bool NodeServer::is_made() const {
    return folder_.data_version() && folder_.identity();
}

Outcome NodeServer::belongs_here(std::uint64_t system_identifier) const {
    const auto known = folder_.identity();
    if (!known) return Error{"lrad --init-pair has not made them, or was interrupted"};
    if (*known == system_identifier) return Nothing{};
    return Error{"their system identifier is " + std::to_string(system_identifier) +
                 ", this pair's is " + std::to_string(*known)};
}

Error NodeServer::not_whole() const {
    return Error{"the copy in " + folder_.paths().data +
                 " was rewound and has not been seen to follow since, so nobody knows whether it "
                 "is whole; that is found out, or it is made anew, when the other node serves"};
}

Outcome NodeServer::usable() const {
    const auto there = folder_.look_at_data();
    if (!there) return there.error();
    const auto& version = *there;
    if (!version)
        return Error{"there are no data in " + folder_.paths().data + "; run lrad --init-pair"};
    if (folder_.is_scrap()) return not_whole();
    const auto installed = programs_.version();
    if (!installed) return installed.error();
    const auto foreign = [&](const std::string& why) {
        ears_.tell(Message::database_foreign, {folder_.paths().data, why});
        return Error{"the data in " + folder_.paths().data + " are not this pair's: " + why};
    };
    if (*installed != *version) {
        return foreign("they are of PostgreSQL " + *version + ", the programs in " +
                       configuration_.programs + " are of " + *installed);
    }
    if (role_) return Nothing{};
    const auto report = programs_.control_report();
    if (!report) return report.error();
    const auto control = control_data_from_text(*report);
    if (!control) return control.error();
    if (auto ours = belongs_here(control->system_identifier); !ours)
        return foreign(ours.error().message);
    return Nothing{};
}

// A server that takes writes would change what is to be read: it is started as a standby of nobody,
// which replays what its log has and no more, for this process alone.
Result<pair::DataSeen> NodeServer::read_copy(const Interrupted& interrupted) {
    if (auto good = usable(); !good) return good.error();
    const auto before = programs_.control_report();
    if (!before) return before.error();
    const auto known = folder_.remembered();
    if (known && known->control == *before) return known->data;
    auto session = start_as(ServerRole::inspected, true, false, interrupted);
    if (!session) return session.error();
    const auto seen = look_when_replayed(**session, interrupted);
    session.value().reset();
    const auto stopped =
        process_.stop(StopHow::in_order, configuration_.stop_timeout, ears_.hurried);
    if (!seen) return seen.error();
    const auto after_it = programs_.control_report();
    if (after_it && stopped.down && !stopped.killed) {
        // It is read again the next time then; what it holds is known all the same.
        if (auto kept = folder_.remember({*after_it, seen->data}); !kept) {
            ears_.tell(Message::database_step_failed,
                       {"noting what its copy holds", kept.error().message});
        }
    }
    return seen->data;
}

// Such a server takes connections when its data agree with each other, which may be long before the
// end of the log that its disk has acknowledged. At the end it waits for more to appear.
Result<ServerSeen> NodeServer::look_when_replayed(ServerSession& session,
                                                  const Interrupted& interrupted) const {
    const auto end = after(configuration_.start_timeout);
    for (;;) {
        const auto waits = session.run(
            "SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event IN "
            "('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')",
            {}, statement_within);
        if (!waits) return waits.error();
        if (!waits->empty()) return look_at_server(session, peer_name(), statement_within);
        if (interrupted && interrupted()) return Error{"given up"};
        if (is_over(end))
            return Error{"it replays its log for longer than pair.database.start_timeout_s"};
        pause_briefly(5);
    }
}

bool NodeServer::stop_for_good() {
    return bring_down(StopHow::at_once, nullptr);
}

Outcome NodeServer::leave() {
    bool killed = false;
    if (!bring_down(StopHow::in_order, &killed)) return Error{"the server does not end"};
    return Nothing{};
}

// ---- up

Result<std::unique_ptr<ServerSession>> NodeServer::until_ready(const Interrupted& interrupted,
                                                               std::string_view database) {
    const auto end = after(configuration_.start_timeout);
    std::string words = "it does not answer";
    while (process_.is_running() && !is_over(end) && !(interrupted && interrupted())) {
        // Asking a server that starts fills its log.
        const auto file = ServerFolder::read(folder_.paths().data + "/postmaster.pid");
        if (file && is_ready_by_pid_file(*file)) {
            auto session = own_session(interrupted, {2'000}, database);
            if (session) return session;
            words = session.error().message;
        }
        pause_briefly(5);
    }
    const bool ended = !process_.is_running();
    static_cast<void>(process_.stop(StopHow::at_once, {0}));
    const auto last = process_.last_words();
    return Error{(ended ? "the server ended: " : "the server did not get ready: ") +
                 (last.empty() ? words : last)};
}

Result<std::unique_ptr<ServerSession>> NodeServer::start_as(ServerRole role, bool standby_signal,
                                                            bool synchronous,
                                                            const Interrupted& interrupted) {
    if (auto done = folder_.set_standby(standby_signal); !done) return done.error();
    if (auto done = write_settings(role, synchronous); !done) return done.error();
    remove_false_pid_file(folder_.paths().data);
    if (auto started = process_.start(); !started) return started.error();
    return until_ready(interrupted);
}

void NodeServer::up(ServerRole role) {
    role_ = role;
    inspected_ = false;
    ears_.up(role, process_.end());
}

Outcome NodeServer::keep_log_for_peer(ServerSession& session) const {
    const auto kept = session.run(
        "SELECT pg_create_physical_replication_slot($1, true) WHERE NOT EXISTS "
        "(SELECT FROM pg_replication_slots WHERE slot_name = $1)",
        {peer_name()}, statement_within);
    if (!kept) return kept.error();
    return Nothing{};
}

Outcome NodeServer::promote(ServerSession& session, bool synchronous,
                            const Interrupted& interrupted) {
    // Read by the server only when all is done: until then nobody waits and nobody writes.
    if (auto done = write_settings(ServerRole::primary, synchronous); !done) return done;
    if (const auto asked = session.run("SELECT pg_promote(false)", {}, statement_within); !asked)
        return asked.error().within("pg_promote");
    const auto end = after(configuration_.start_timeout);
    for (;;) {
        const auto state = session.run("SELECT pg_is_in_recovery()", {}, statement_within);
        if (!state) return state.error().within("after pg_promote");
        if (state->front().front() == "f") break;
        if (is_over(end) || (interrupted && interrupted()))
            return Error{"it did not become a primary in time"};
        pause_briefly(2);
    }
    if (auto noted = folder_.note_primary(true); !noted) return noted;
    process_.reload();
    return Nothing{};
}

Outcome NodeServer::serve(bool synchronous, const Interrupted& interrupted) {
    if (auto settled = settle(interrupted); !settled) return settled;
    if (folder_.is_scrap()) return not_whole();
    if (role_ == ServerRole::primary) return set_synchronous(synchronous, interrupted);
    std::unique_ptr<ServerSession> session;
    const bool has_own_log = !role_ && folder_.was_primary();
    if (role_) {
        auto opened = own_session(interrupted, configuration_.answer_timeout);
        if (!opened) return opened.error();
        session = std::move(opened).value();
    } else {
        if (auto good = usable(); !good) return good;
        // What follows nobody must not wait for the other either before it is promoted, but from
        // its first commit on.
        auto started = start_as(has_own_log ? ServerRole::primary : ServerRole::detached,
                                !has_own_log, synchronous, interrupted);
        if (!started) return started.error();
        session = std::move(started).value();
    }
    if (!has_own_log) {
        // A copy that only stood by begins a log of its own: two that write one can not be told
        // apart, and pg_rewind would see nothing to do.
        if (auto promoted = promote(*session, synchronous, interrupted); !promoted) {
            if (!role_) static_cast<void>(process_.stop(StopHow::in_order, {10'000}));
            return promoted;
        }
    }
    up(ServerRole::primary);
    if (auto kept = keep_log_for_peer(*session); !kept) return kept;
    // Right after its start too a server may let the first commits through.
    if (synchronous) return set_synchronous(true, interrupted);
    ears_.tell(Message::database_started, {"primary, alone"});
    return Nothing{};
}

Outcome NodeServer::set_synchronous(bool on, const Interrupted& interrupted) {
    if (role_ != ServerRole::primary) return Error{"the server here is no primary"};
    if (auto done = write_settings(ServerRole::primary, on); !done) return done;
    process_.reload();
    const std::string wanted = on ? "\"" + peer_name() + "\"" : "";
    const auto end = after(configuration_.answer_timeout);
    for (;;) {
        // A session that begins after the server has told all its processes to read the settings
        // has the new ones.
        auto session = own_session(interrupted, configuration_.answer_timeout);
        if (!session) return session.error();
        const auto shown = (*session)->run("SHOW synchronous_standby_names", {}, statement_within);
        if (!shown) return shown.error();
        if (shown->front().front() == wanted) {
            if (!on) break;
            // The checkpointer says for all whether commits wait, and reads its settings before it
            // writes a checkpoint.
            const auto done = (*session)->run("CHECKPOINT", {}, configuration_.start_timeout);
            if (!done) return done.error();
            break;
        }
        if (is_over(end)) return Error{"the server does not take its settings on"};
        pause_briefly(5);
    }
    ears_.tell(Message::database_started,
               {on ? "primary; commits wait for the other node" : "primary, alone"});
    return Nothing{};
}

Outcome NodeServer::checkpoint(const Interrupted& interrupted) {
    auto session = own_session(interrupted, configuration_.answer_timeout);
    if (!session) return session.error();
    const auto done = (*session)->run("CHECKPOINT", {}, configuration_.start_timeout);
    if (!done) return done.error();
    return Nothing{};
}

}  // namespace agent::postgres
