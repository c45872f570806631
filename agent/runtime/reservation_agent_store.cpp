#include "agent/runtime/reservation_agent_store.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/database.hpp"
#include "agent/runtime/effect_records.hpp"
#include "agent/runtime/store_tables.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

const DatabaseKind& kind() {
    static const DatabaseKind the_kind{
        "lrad's store",
        0x4c524131,
        2,
        shared_tables() + R"(
CREATE TABLE drive(serial TEXT PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL, pr_type INTEGER,
                   pr_key INTEGER, holders TEXT NOT NULL, evidence TEXT NOT NULL, since INTEGER NOT NULL,
                   operational_state TEXT NOT NULL, offline_reason TEXT NOT NULL, notice_epoch INTEGER,
                   notice_sequence INTEGER) WITHOUT ROWID;
CREATE TABLE agent(name TEXT PRIMARY KEY, state TEXT NOT NULL, incarnation INTEGER NOT NULL,
                   missed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE debt(drive TEXT, agent TEXT, place INTEGER, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
                  excused INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(drive, agent, place)) WITHOUT ROWID;
CREATE TABLE alarm(kind TEXT, drive TEXT, agent TEXT, severity TEXT NOT NULL, raised_at INTEGER NOT NULL,
                   text TEXT NOT NULL, PRIMARY KEY(kind, drive, agent)) WITHOUT ROWID;
CREATE TABLE drive_event(number INTEGER PRIMARY KEY AUTOINCREMENT, drive TEXT NOT NULL,
                         sequence INTEGER NOT NULL, content INTEGER NOT NULL);
CREATE INDEX drive_event_by_drive ON drive_event(drive, sequence);
)",
        {{1, "ALTER TABLE debt ADD COLUMN excused INTEGER NOT NULL DEFAULT 0"}},
        shared_additions()};
    return the_kind;
}

// ---- rows and values ----------------------------------------------------------------------------

std::string holders_text(const std::vector<core::InitiatorPort>& holders) {
    json list = json::array();
    for (const core::InitiatorPort& port : holders) {
        list.push_back({core::to_text(port.transport), port.name, port.isid, port.address});
    }
    return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<std::vector<core::InitiatorPort>> holders_from_text(const std::string& text) {
    const json list = json::parse(text, nullptr, false);
    if (!list.is_array()) return std::nullopt;
    std::vector<core::InitiatorPort> holders;
    for (const json& item : list) {
        if (!item.is_array() || item.size() != 4) return std::nullopt;
        for (const json& part : item) {
            if (!part.is_string()) return std::nullopt;
        }
        const auto transport = core::transport_from_text(item[0].get_ref<const std::string&>());
        if (!transport) return std::nullopt;
        holders.push_back({*transport, item[1], item[2], item[3]});
    }
    return holders;
}

core::Outcome write(Database& database, const core::RecordDrive& effect) {
    const core::DriveRecord& drive = effect.record;
    Statement insert = database.prepare(
        "INSERT OR REPLACE INTO drive(serial,state,kind,pr_type,pr_key,holders,evidence,since,"
        "operational_state,offline_reason,notice_epoch,notice_sequence) "
        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
    insert.bind(drive.drive.text)
        .bind(core::to_text(drive.reservation.state))
        .bind(core::to_text(drive.reservation.kind));
    if (drive.reservation.persistent) {
        insert.bind(std::int64_t{drive.reservation.persistent->type})
            .bind(drive.reservation.persistent->key);
    } else {
        insert.bind_null().bind_null();
    }
    insert.bind(holders_text(drive.reservation.holders))
        .bind(core::to_text(drive.evidence))
        .bind(drive.since.ms)
        .bind(core::to_text(drive.operational_state))
        .bind(drive.offline_reason);
    if (drive.newest_notice) {
        insert.bind(drive.newest_notice->epoch).bind(drive.newest_notice->sequence);
    } else {
        insert.bind_null().bind_null();
    }
    return insert.run();
}

core::Outcome write(Database& database, const core::RecordAgent& effect) {
    return database
        .prepare("INSERT OR REPLACE INTO agent(name,state,incarnation,missed) VALUES(?,?,?,?)")
        .bind(effect.record.agent)
        .bind(core::to_text(effect.record.state))
        .bind(effect.record.incarnation)
        .bind(effect.record.missed)
        .run();
}

core::Outcome write(Database& database, const core::RecordDebt& effect) {
    const core::DebtRecord& debt = effect.record;
    core::Outcome outcome = database.prepare("DELETE FROM debt WHERE drive = ? AND agent = ?")
                                .bind(debt.drive.text)
                                .bind(debt.agent)
                                .run();
    std::int64_t place = 0;
    for (const core::NoticeId& id : debt.unconfirmed) {
        if (!outcome.ok()) break;
        outcome = database
                      .prepare(
                          "INSERT INTO debt(drive,agent,place,epoch,sequence,excused) "
                          "VALUES(?,?,?,?,?,?)")
                      .bind(debt.drive.text)
                      .bind(debt.agent)
                      .bind(place++)
                      .bind(id.epoch)
                      .bind(id.sequence)
                      .bind(std::int64_t{debt.excused})
                      .run();
    }
    return outcome;
}

core::Outcome write(Database& database, const core::RecordAlarm& effect) {
    const core::Alarm& alarm = effect.alarm;
    if (!effect.active) {
        return database.prepare("DELETE FROM alarm WHERE kind = ? AND drive = ? AND agent = ?")
            .bind(core::to_text(alarm.key.kind))
            .bind(alarm.key.drive.text)
            .bind(alarm.key.agent)
            .run();
    }
    return database
        .prepare(
            "INSERT OR REPLACE INTO alarm(kind,drive,agent,severity,raised_at,text) "
            "VALUES(?,?,?,?,?,?)")
        .bind(core::to_text(alarm.key.kind))
        .bind(alarm.key.drive.text)
        .bind(alarm.key.agent)
        .bind(core::to_text(alarm.severity))
        .bind(alarm.raised_at.ms)
        .bind(alarm.text)
        .run();
}

core::Outcome load_drives(const Database& database, std::vector<core::DriveRecord>& drives) {
    Statement select = database.prepare(
        "SELECT serial,state,kind,pr_type,pr_key,holders,evidence,since,operational_state,"
        "offline_reason,notice_epoch,notice_sequence FROM drive ORDER BY serial");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        const auto state = core::reservation_state_from_text(select.text(1));
        const auto reservation_kind = core::reservation_kind_from_text(select.text(2));
        const auto holders = holders_from_text(select.text(5));
        const auto evidence = core::holder_evidence_from_text(select.text(6));
        const auto operational = core::operational_state_from_text(select.text(8));
        if (!state || !reservation_kind || !holders || !evidence || !operational) {
            return database.damaged("the row of drive " + select.text(0) + " makes no sense");
        }
        core::DriveRecord drive;
        drive.drive.text = select.text(0);
        drive.reservation = {*state, *reservation_kind, std::nullopt, *holders};
        if (!select.is_null(3)) {
            drive.reservation.persistent = {static_cast<std::uint8_t>(select.number(3)),
                                            select.unsigned_number(4)};
        }
        drive.evidence = *evidence;
        drive.since.ms = select.number(7);
        drive.operational_state = *operational;
        drive.offline_reason = select.text(9);
        if (!select.is_null(10)) {
            drive.newest_notice = {select.unsigned_number(10), select.unsigned_number(11)};
        }
        drives.push_back(std::move(drive));
    }
}

core::Outcome load_agents(const Database& database, std::vector<core::AgentRecord>& agents) {
    Statement select =
        database.prepare("SELECT name,state,incarnation,missed FROM agent ORDER BY name");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        const auto state = core::agent_state_from_text(select.text(1));
        if (!state)
            return database.damaged("the row of agent " + select.text(0) + " makes no sense");
        agents.push_back(
            {select.text(0), *state, select.unsigned_number(2), select.unsigned_number(3)});
    }
}

core::Outcome load_debts(const Database& database, std::vector<core::DebtRecord>& debts) {
    Statement select = database.prepare(
        "SELECT drive,agent,epoch,sequence,excused FROM debt ORDER BY drive,agent,place");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        const core::DriveSerial drive{select.text(0)};
        const core::AgentName agent = select.text(1);
        if (debts.empty() || debts.back().drive != drive || debts.back().agent != agent) {
            debts.push_back({drive, agent, {}, select.number(4) != 0});
        }
        debts.back().unconfirmed.push_back({select.unsigned_number(2), select.unsigned_number(3)});
    }
}

core::Outcome load_alarms(const Database& database, std::vector<core::Alarm>& alarms) {
    Statement select = database.prepare(
        "SELECT kind,drive,agent,severity,raised_at,text FROM alarm ORDER BY raised_at,kind,drive,"
        "agent");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        const auto alarm_kind = core::alarm_kind_from_text(select.text(0));
        const auto severity = core::severity_from_text(select.text(3));
        if (!alarm_kind || !severity) {
            return database.damaged("an alarm of kind \"" + select.text(0) + "\" makes no sense");
        }
        alarms.push_back({{*alarm_kind, {select.text(1)}, select.text(2)},
                          *severity,
                          {select.number(4)},
                          select.text(5)});
    }
}

// FNV-1a: tells a repeated line from another one. Nothing depends on nobody forging it: senders are
// authenticated.
std::uint64_t content_hash(std::string_view content) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : content) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace

// ---- the store ----------------------------------------------------------------------------------

ReservationAgentStore::ReservationAgentStore(std::unique_ptr<Database> database,
                                             std::uint64_t epoch, std::size_t events_max)
    : Store(std::move(database), events_max), epoch_(epoch) {}

core::Result<ReservationAgentStore> ReservationAgentStore::open(const std::string& path,
                                                                const StoreOptions& options) {
    core::Result<std::unique_ptr<Database>> database = Database::open(path, kind());
    if (!database.ok()) return database.error();
    const auto epoch = raise_life_counter(**database, "epoch", options);
    if (!epoch.ok()) return epoch.error().within("raising the epoch");
    return ReservationAgentStore(std::move(database).value(), *epoch, options.events_max);
}

core::Outcome ReservationAgentStore::begin_new_epoch(std::uint64_t at_least) {
    StoreOptions options;
    options.unix_seconds = std::max<std::uint64_t>(
        at_least,
        static_cast<std::uint64_t>(std::max<std::int64_t>(clock_now().wall.ms, 0)) / 1'000);
    const auto epoch = raise_life_counter(*database_, "epoch", options);
    if (!epoch.ok()) return epoch.error().within("raising the epoch");
    epoch_ = *epoch;
    return core::Nothing{};
}

core::Result<core::ReservationAgentState> ReservationAgentStore::load() const {
    core::ReservationAgentState state;
    core::Outcome outcome = load_drives(*database_, state.drives);
    if (outcome.ok()) outcome = load_agents(*database_, state.agents);
    if (outcome.ok()) outcome = load_debts(*database_, state.debts);
    if (outcome.ok()) outcome = load_alarms(*database_, state.active_alarms);
    if (!outcome.ok()) return outcome.error();
    return state;
}

core::Outcome ReservationAgentStore::commit(std::span<const core::ReservationAgentEffect> effects) {
    struct Writer {
        Database& database;
        std::size_t events_max;
        core::Outcome operator()(const core::RecordEvent& effect) const {
            return write_event(database, effect.record, events_max);
        }
        core::Outcome operator()(const core::RecordDrive& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::RecordAgent& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::RecordDebt& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::RecordAlarm& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::SendNotice&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::StopSending&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::AskHolder&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::StopAsking&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::ForceDriveOffline&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::LiftDriveOffline&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::AnnounceAlarm&) const { return core::Nothing{}; }
    };
    if (!has_records(effects)) return core::Nothing{};
    return database_->transaction([&]() -> core::Outcome {
        for (const core::ReservationAgentEffect& effect : effects) {
            core::Outcome outcome = std::visit(Writer{*database_, events_max_}, effect);
            if (!outcome.ok()) return outcome;
        }
        return core::Nothing{};
    });
}

core::Result<bool> ReservationAgentStore::drive_event_is_repeat(const core::DriveSerial& drive,
                                                                std::uint64_t sequence,
                                                                std::string_view content) const {
    return database_
        ->prepare("SELECT 1 FROM drive_event WHERE drive = ? AND sequence = ? AND content = ?")
        .bind(drive.text)
        .bind(sequence)
        .bind(content_hash(content))
        .step();
}

core::Outcome ReservationAgentStore::remember_drive_event(const core::DriveSerial& drive,
                                                          std::uint64_t sequence,
                                                          std::string_view content) {
    return database_->unsynced_transaction([&]() -> core::Outcome {
        core::Outcome outcome =
            database_->prepare("INSERT INTO drive_event(drive,sequence,content) VALUES(?,?,?)")
                .bind(drive.text)
                .bind(sequence)
                .bind(content_hash(content))
                .run();
        if (!outcome.ok()) return outcome;
        return database_
            ->prepare(
                "DELETE FROM drive_event WHERE drive = ?1 AND number <= (SELECT number FROM "
                "drive_event WHERE drive = ?1 ORDER BY number DESC LIMIT 1 OFFSET 256)")
            .bind(drive.text)
            .run();
    });
}

}  // namespace agent::runtime
