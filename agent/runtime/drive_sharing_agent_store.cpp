#include "agent/runtime/drive_sharing_agent_store.hpp"

#include <utility>

#include "agent/runtime/database.hpp"
#include "agent/runtime/effect_records.hpp"
#include "agent/runtime/store_tables.hpp"

namespace agent::runtime {

namespace {

const DatabaseKind& store_kind_of_dsad() {
    static const DatabaseKind the_kind{"dsad's store",
                                       0x44534131,
                                       1,
                                       shared_tables() + R"(
CREATE TABLE ledger(drive TEXT PRIMARY KEY, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
                    controller TEXT NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL, reason TEXT NOT NULL)
                    WITHOUT ROWID;
CREATE TABLE mark(controller TEXT, drive TEXT, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
                  result TEXT NOT NULL, PRIMARY KEY(controller, drive)) WITHOUT ROWID;
)",
                                       {},
                                       shared_additions()};
    return the_kind;
}

core::Outcome write(Database& database, const core::RecordLedgerEntry& effect) {
    const core::LedgerEntry& entry = effect.entry;
    if (!effect.present) {
        return database.prepare("DELETE FROM ledger WHERE drive = ?").bind(entry.drive.text).run();
    }
    return database
        .prepare(
            "INSERT OR REPLACE INTO ledger(drive,epoch,sequence,controller,at,done,reason) "
            "VALUES(?,?,?,?,?,?,?)")
        .bind(entry.drive.text)
        .bind(entry.because.epoch)
        .bind(entry.because.sequence)
        .bind(entry.controller)
        .bind(entry.at.ms)
        .bind(std::int64_t{entry.done ? 1 : 0})
        .bind(entry.reason)
        .run();
}

core::Outcome write(Database& database, const core::RecordNoticeMark& effect) {
    return database
        .prepare(
            "INSERT OR REPLACE INTO mark(controller,drive,epoch,sequence,result) "
            "VALUES(?,?,?,?,?)")
        .bind(effect.mark.controller)
        .bind(effect.mark.drive.text)
        .bind(effect.mark.id.epoch)
        .bind(effect.mark.id.sequence)
        .bind(core::to_text(effect.mark.result))
        .run();
}

// Notes, so that a dsad of an earlier version can read the file. In front of the drive's serial:
constexpr std::string_view online_command_note = "online_may_come.";

core::Outcome write(Database& database, const core::RecordOnlineCommand& effect) {
    const std::string name = std::string(online_command_note) + effect.drive.text;
    if (!effect.may_come)
        return database.prepare("DELETE FROM note WHERE name = ?").bind(name).run();
    return database.prepare("INSERT OR REPLACE INTO note(name,text) VALUES(?,'')").bind(name).run();
}

// What an earlier life may have begun, and not seen the end of.
core::Outcome load_unseen(const Database& database, core::DriveSharingAgentState& state) {
    for (const auto& entry : state.ledger) {
        if (!entry.done)
            state.unseen.push_back({entry.drive, core::ApplicationAction::set_offline, {}});
    }
    Statement select = database.prepare("SELECT name FROM note ORDER BY name");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        const std::string name = select.text(0);
        if (!name.starts_with(online_command_note)) continue;
        state.unseen.push_back(
            {{name.substr(online_command_note.size())}, core::ApplicationAction::set_online, {}});
    }
}

core::Outcome load_ledger(const Database& database, std::vector<core::LedgerEntry>& ledger) {
    Statement select = database.prepare(
        "SELECT drive,epoch,sequence,controller,at,done,reason FROM ledger ORDER BY drive");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        core::LedgerEntry entry;
        entry.drive.text = select.text(0);
        entry.because = {select.unsigned_number(1), select.unsigned_number(2)};
        entry.controller = select.text(3);
        entry.at.ms = select.number(4);
        entry.done = select.number(5) != 0;
        entry.reason = select.text(6);
        ledger.push_back(std::move(entry));
    }
}

core::Outcome load_marks(const Database& database, std::vector<core::NoticeMark>& marks) {
    Statement select = database.prepare(
        "SELECT controller,drive,epoch,sequence,result FROM mark ORDER BY controller,drive");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        const auto result = core::confirmation_result_from_text(select.text(4));
        if (!result) {
            return database.damaged("the notice mark of drive " + select.text(1) +
                                    " makes no sense");
        }
        marks.push_back({select.text(0),
                         {select.text(1)},
                         {select.unsigned_number(2), select.unsigned_number(3)},
                         *result});
    }
}

}  // namespace

DriveSharingAgentStore::DriveSharingAgentStore(std::unique_ptr<Database> database,
                                               std::uint64_t incarnation, std::size_t events_max)
    : Store(std::move(database), events_max), incarnation_(incarnation) {}

core::Result<DriveSharingAgentStore> DriveSharingAgentStore::open(const std::string& path,
                                                                  const StoreOptions& options) {
    core::Result<std::unique_ptr<Database>> database = Database::open(path, store_kind_of_dsad());
    if (!database.ok()) return database.error();
    const auto incarnation = raise_life_counter(**database, "incarnation", options);
    if (!incarnation.ok()) return incarnation.error().within("raising the incarnation");
    return DriveSharingAgentStore(std::move(database).value(), *incarnation, options.events_max);
}

core::Result<std::uint64_t> DriveSharingAgentStore::raise_incarnation() {
    const auto raised = raise_life_counter(*database_, "incarnation", {events_max_, std::nullopt});
    if (!raised.ok()) return raised.error().within("raising the incarnation");
    incarnation_ = *raised;
    return incarnation_;
}

core::Result<core::DriveSharingAgentState> DriveSharingAgentStore::load() const {
    core::DriveSharingAgentState state;
    core::Outcome outcome = load_ledger(*database_, state.ledger);
    if (outcome.ok()) outcome = load_marks(*database_, state.marks);
    if (outcome.ok()) outcome = load_unseen(*database_, state);
    if (!outcome.ok()) return outcome.error();
    return state;
}

core::Outcome DriveSharingAgentStore::commit(
    std::span<const core::DriveSharingAgentEffect> effects) {
    struct Writer {
        Database& database;
        std::size_t events_max;
        core::Outcome operator()(const core::RecordAgentEvent& effect) const {
            return write_event(database, effect.record, events_max);
        }
        core::Outcome operator()(const core::RecordLedgerEntry& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::RecordNoticeMark& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::RecordOnlineCommand& effect) const {
            return write(database, effect);
        }
        core::Outcome operator()(const core::RunApplication&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::SendConfirmation&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::SendStarted&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::SendStopping&) const { return core::Nothing{}; }
        core::Outcome operator()(const core::StopNow&) const { return core::Nothing{}; }
    };
    if (!has_records(effects)) return core::Nothing{};
    return database_->transaction([&]() -> core::Outcome {
        for (const core::DriveSharingAgentEffect& effect : effects) {
            core::Outcome outcome = std::visit(Writer{*database_, events_max_}, effect);
            if (!outcome.ok()) return outcome;
        }
        return core::Nothing{};
    });
}

}  // namespace agent::runtime
