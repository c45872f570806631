// How the copy of this node is brought behind the other node's server.

#include <charconv>
#include <chrono>
#include <thread>

#include "agent/postgres/node_server.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Message;
using core::Nothing;
using core::Outcome;
using core::Result;

namespace {

constexpr Duration question_within{10'000};
// A standby that gets nothing for so long, and lacks something, does not get it any more.
constexpr Duration progress_within{10'000};

std::string with_replication(const std::string& connection) {
    return connection + " replication=true";
}
std::string with_database(const std::string& connection) {
    return connection + " dbname=" + std::string(database_name);
}

}  // namespace

// ---- the other node

Outcome NodeServer::ask_log(SourceLog& log, const Interrupted& interrupted) const {
    auto session = ServerSession::open(with_replication(peer_connection(configuration_, "")),
                                       configuration_.answer_timeout, interrupted);
    if (!session) return session.error();
    const auto who = (*session)->run("IDENTIFY_SYSTEM", {}, question_within);
    if (!who) return who.error();
    if (who->size() != 1 || who->front().size() < 3)
        return Error{"IDENTIFY_SYSTEM is answered by something that is no server of version 15"};
    const auto number = [](const std::string& text) {
        std::uint64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    };
    const Row& row = who->front();
    log.system_identifier = number(row[0]);
    log.end = {number(row[1]), lsn_from_text(row[2]).value_or(0)};
    if (log.system_identifier == 0 || log.end.timeline == 0 || log.end.lsn == 0)
        return Error{"its answer to IDENTIFY_SYSTEM can not be read"};
    if (log.end.timeline == 1) return Nothing{};
    const auto history = (*session)->run("TIMELINE_HISTORY " + std::to_string(log.end.timeline), {},
                                         question_within);
    if (!history) return history.error();
    if (history->size() != 1 || history->front().size() < 2)
        return Error{"its timeline history can not be read"};
    auto ends = timeline_ends_from_text(history->front()[1]);
    if (!ends) return ends.error();
    log.history = *ends;
    return Nothing{};
}

Outcome NodeServer::keep_slot(Source& source) const {
    const auto slot = source.session->run(
        "SELECT coalesce(wal_status, ''), coalesce(active_pid::text, '') "
        "FROM pg_replication_slots WHERE slot_name = $1",
        {follower_name(node_)}, question_within);
    if (!slot) return slot.error();
    if (!slot->empty() && slot->front()[0] == "lost") {
        source.slot_lost = true;
        ears_.tell(Message::database_out_of_step, {std::string(pair::to_text(node_))});
        const auto gone = source.session->run("SELECT pg_drop_replication_slot($1)",
                                              {follower_name(node_)}, question_within);
        if (!gone) return gone.error();
    } else if (!slot->empty()) {
        return Nothing{};
    }
    const auto made = source.session->run("SELECT pg_create_physical_replication_slot($1, true)",
                                          {follower_name(node_)}, question_within);
    if (!made) return made.error();
    return Nothing{};
}

Result<NodeServer::Source> NodeServer::ask_source(const Interrupted& interrupted) const {
    const std::string where = "the other node's server at " + configuration_.peer_address +
                              " port " + std::to_string(configuration_.peer_port);
    Source source;
    auto session = ServerSession::open(with_database(peer_connection(configuration_, "lrad")),
                                       configuration_.answer_timeout, interrupted);
    if (!session) return session.error().within(where);
    source.session = std::move(session).value();
    const auto part = source.session->run("SELECT pg_is_in_recovery()", {}, question_within);
    if (!part) return part.error().within(where);
    if (part->front().front() != "f") return Error{where + " is a standby itself"};
    // Before anybody rewinds against it: a primary that has not written a checkpoint since its
    // promotion is taken for what it was before, and pg_rewind says that all is well.
    const auto written = source.session->run("CHECKPOINT", {}, configuration_.start_timeout);
    if (!written) return written.error().within(where + ": CHECKPOINT");
    if (auto asked = ask_log(source.log, interrupted); !asked) return asked.error().within(where);
    if (auto kept = keep_slot(source); !kept) return kept.error().within(where);
    return source;
}

// ---- this one

Result<CopySeen> NodeServer::copy_seen() const {
    CopySeen copy;
    copy.scrap = folder_.is_scrap();
    copy.noted_identifier = folder_.identity();
    const auto there = folder_.look_at_data();
    if (!there && !copy.scrap) return there.error();
    copy.there = there && *there;
    if (!copy.there) return copy;
    const auto report = programs_.control_report();
    const auto control =
        report ? control_data_from_text(*report) : Result<ControlData>(report.error());
    if (!control) {
        // What a rewind has left half written says nothing of itself.
        copy.there = false;
        return copy.scrap ? Result<CopySeen>(copy) : control.error();
    }
    copy.system_identifier = control->system_identifier;
    copy.checksums = control->checksums;
    copy.end = data_.position;
    return copy;
}

Outcome NodeServer::start_standby(const Interrupted& interrupted) {
    if (auto noted = folder_.note_primary(false); !noted) return noted;
    auto session = start_as(ServerRole::standby, true, false, interrupted);
    if (!session) return session.error();
    // What it has kept for the other one as its primary fills the disk from now on.
    const auto dropped = (*session)->run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active", {},
        question_within);
    if (!dropped) {
        static_cast<void>(process_.stop(StopHow::at_once, {0}));
        return dropped.error();
    }
    up(ServerRole::standby);
    return Nothing{};
}

// Both have to say so: the standby that it receives, and the other that what it sends is no longer
// the past.
Outcome NodeServer::until_it_streams(Source& source, const Interrupted& interrupted) const {
    auto own = own_session(interrupted, configuration_.answer_timeout);
    if (!own) return own.error();
    auto last_progress = std::chrono::steady_clock::now();
    std::string reached;
    for (;;) {
        const auto theirs = source.session->run(
            "SELECT state, flush_lsn FROM pg_stat_replication WHERE application_name = $1",
            {follower_name(node_)}, question_within);
        if (!theirs) return theirs.error().within("the other node's server");
        const auto mine =
            (*own)->run("SELECT status FROM pg_stat_wal_receiver", {}, question_within);
        if (!mine) return mine.error();
        const bool receives = !mine->empty() && mine->front().front() == "streaming";
        const bool sends = !theirs->empty() && theirs->front()[0] == "streaming";
        if (receives && sends) return Nothing{};
        const auto now = std::chrono::steady_clock::now();
        if (!theirs->empty() && theirs->front()[1] != reached) {
            reached = theirs->front()[1];
            last_progress = now;
        }
        if (interrupted && interrupted()) return Error{"given up"};
        if (!process_.is_running()) return Error{"the server ended: " + process_.last_words()};
        if (now - last_progress > std::chrono::milliseconds(progress_within.ms)) {
            const auto words = process_.last_words();
            return Error{"it does not receive the other node's log" +
                         (words.empty() ? "" : ": " + words)};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

Outcome NodeServer::rewind(const Interrupted& interrupted) {
    const std::string before = lsn_text(data_.position.lsn);
    // From here on the copy is neither the old nor the new one until it is seen to follow.
    if (auto marked = folder_.note_scrap(true); !marked) return marked;
    if (auto noted = folder_.note_primary(false); !noted) return noted;
    data_ = {};
    ears_.seen(data_);
    ServerFolder::remove(folder_.paths().data + "/standby.signal");
    const auto done =
        programs_.run({"pg_rewind", "-D", folder_.paths().data, "--no-ensure-shutdown",
                       "--source-server", with_database(peer_connection(configuration_, "lrad"))},
                      configuration_.copy_timeout, interrupted);
    if (!done) return done.error();
    ears_.tell(Message::database_rewound, {"it had log up to " + before});
    return Nothing{};
}

Outcome NodeServer::copy(std::uint64_t system_identifier, const Interrupted& interrupted) {
    if (auto begun = folder_.begin_new(); !begun) return begun;
    const auto done =
        programs_.run({"pg_basebackup", "-D", folder_.paths().new_data, "--wal-method=stream",
                       "--checkpoint=fast", "--no-password", "--slot", follower_name(node_),
                       "--dbname", peer_connection(configuration_, "")},
                      configuration_.copy_timeout, interrupted);
    if (!done) {
        // What is half there may be what fills the disk.
        static_cast<void>(folder_.tidy());
        return done.error();
    }
    if (auto noted = folder_.note_identity(system_identifier); !noted) return noted;
    // What was known of the data is known of none that are there now.
    data_ = {};
    inspected_ = false;
    ears_.seen(data_);
    return folder_.put_new_in_place();
}

Outcome NodeServer::go_way(FollowWay way, const Source& source, const Interrupted& interrupted) {
    switch (way) {
        case FollowWay::as_it_is:
            return Nothing{};
        case FollowWay::rewind:
            return rewind(interrupted);
        case FollowWay::copy:
            return copy(source.log.system_identifier, interrupted);
        case FollowWay::refuse:
            break;
    }
    const std::string why = "its system identifier is not the one of the other node's server";
    ears_.tell(Message::database_foreign, {folder_.paths().data, why});
    return Error{"the data in " + folder_.paths().data + " are another cluster's: " + why};
}

Outcome NodeServer::follow_source(Source& source, const Interrupted& interrupted) {
    const auto copy = copy_seen();
    if (!copy) return copy.error();
    std::string why = "it had none";
    if (copy->there) why = "it could not be read";
    if (copy->scrap) why = "a rewind had failed half way";
    std::optional<FollowWay> way = way_to_follow(*copy, source.log);
    if (way == FollowWay::as_it_is && source.slot_lost) {
        way = FollowWay::copy;
        why = "the log that it lacks is not kept there any more";
    }
    for (;;) {
        auto done = go_way(*way, source, interrupted);
        const bool is_ready = done.ok();
        if (done) done = start_standby(interrupted);
        if (done) done = until_it_streams(source, interrupted);
        if (done) {
            if (way == FollowWay::copy) ears_.tell(Message::database_copied, {why});
            return folder_.note_scrap(false);
        }
        if (interrupted && interrupted()) return done;
        if (is_ready && !role_ && !blames_its_data(done.error().message)) return done;
        why = std::string(to_text(*way)) + " it does not follow: " + done.error().message;
        // Not its fault when the other one has gone, and a copy can not be made then either.
        const auto there = source.session->run("SELECT 1", {}, question_within);
        way = there ? way_after(*way) : std::nullopt;
        if (!way) return done;
        if (!bring_down(StopHow::in_order, nullptr)) return Error{"the server does not end"};
    }
}

Outcome NodeServer::follow(const Interrupted& interrupted) {
    if (auto settled = settle(interrupted); !settled) return settled;
    auto source = ask_source(interrupted);
    if (!source) {
        // It can wait for the other one as a standby, if it was one: nothing is lost by that.
        const bool stands_by = !role_ && folder_.data_version() && !folder_.was_primary();
        if (stands_by && usable()) {
            if (auto started = start_standby(interrupted); !started) return started;
        }
        return source.error();
    }
    // Also a rewound one that an earlier attempt has lost sight of: seen to follow, it is whole.
    if (role_ == ServerRole::standby && goes_on(source.value(), interrupted))
        return folder_.note_scrap(false);
    if (role_) {
        const auto stopped = stop(StopHow::in_order, interrupted);
        if (!stopped.down) return Error{"the server here does not end"};
    }
    static_cast<void>(inspect(interrupted));
    const auto there = folder_.look_at_data();
    const bool has_none = there && !*there;
    if (!has_none && !folder_.is_scrap()) {
        if (auto good = usable(); !good) return good;
    }
    auto followed = follow_source(source.value(), interrupted);
    if (!followed) return followed;
    ears_.tell(Message::database_started, {"standby; it follows the other node"});
    return Nothing{};
}

// The standby that runs here follows already, or will by itself.
bool NodeServer::goes_on(Source& source, const Interrupted& interrupted) const {
    auto own = own_session(interrupted, configuration_.answer_timeout);
    if (!own) return false;
    const auto seen = look_at_server(**own, peer_name(), question_within);
    if (!seen || has_diverged(seen->data.position, source.log)) return false;
    return until_it_streams(source, interrupted).ok();
}

}  // namespace agent::postgres
