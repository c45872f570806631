#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "agent/runtime/database.hpp"
#include "agent/runtime/drive_sharing_agent_store.hpp"
#include "agent/runtime/reservation_agent_store.hpp"
#include "sample_effects.hpp"
#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using namespace agent::core;

namespace {

StoreOptions at_seconds(std::uint64_t seconds, std::size_t events_max = 100'000) {
    return {events_max, seconds};
}

ReservationAgentStore opened(const std::string& path, const StoreOptions& options = {}) {
    auto store = ReservationAgentStore::open(path, options);
    if (!store.ok()) FAIL(store.error().message);
    return std::move(store).value();
}

void commit(ReservationAgentStore& store, const ReservationAgentEffects& effects) {
    const Outcome outcome = store.commit(effects);
    if (!outcome.ok()) FAIL(outcome.error().message);
}

std::string open_error(const std::string& path) {
    const auto store = ReservationAgentStore::open(path, {});
    REQUIRE_FALSE(store.ok());
    return store.error().message;
}

DriveSharingAgentStore opened_of_dsad(const std::string& path, const StoreOptions& options = {}) {
    auto store = DriveSharingAgentStore::open(path, options);
    if (!store.ok()) FAIL(store.error().message);
    return std::move(store).value();
}

// Runs SQL on the file from outside. Empty: it worked.
std::string sql_error(const std::string& path, const std::string& sql) {
    sqlite3* connection = nullptr;
    sqlite3_open(path.c_str(), &connection);
    char* message = nullptr;
    sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &message);
    std::string text = message == nullptr ? "" : message;
    sqlite3_free(message);
    sqlite3_close(connection);
    return text;
}

}  // namespace

TEST_CASE("what was recorded about drives, agents, debts and alarms comes back after a restart") {
    const TemporaryFolder folder;
    const AgentRecord agent{"host2", AgentState::lost, 1'769'860'799, 3};
    const DebtRecord debt{{"VT1"}, "host2", {{5, 1}, {5, 4}, {6, 2}}, true};
    {
        ReservationAgentStore store = opened(folder.file("lrad.db"));
        commit(store,
               {RecordDrive{sample_drive("VT1", 9)}, RecordDrive{{}}, RecordAgent{agent},
                RecordDebt{debt}, RecordAlarm{sample_alarm("VT1"), true},
                RecordAlarm{sample_alarm("VT2"), true}, RecordEvent{sample_event("VT1", 17)}});
        commit(store, {RecordAlarm{sample_alarm("VT2"), false}});
    }
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    const ReservationAgentState state = store.load().value();
    REQUIRE(state.drives.size() == 2);
    CHECK(state.drives[0] == DriveRecord{});
    CHECK(state.drives[1] == sample_drive("VT1", 9));
    CHECK(state.agents == std::vector<AgentRecord>{agent});
    CHECK(state.debts == std::vector<DebtRecord>{debt});
    CHECK(state.active_alarms == std::vector<Alarm>{sample_alarm("VT1")});
    CHECK(store.events({}).value().at(0).record == sample_event("VT1", 17));
}

TEST_CASE("a store that version 1 wrote is brought up to date and loses nothing") {
    const TemporaryFolder folder;
    const DebtRecord debt{{"VT1"}, "host2", {{5, 1}, {5, 4}}};
    {
        ReservationAgentStore store = opened(folder.file("lrad.db"));
        commit(store, {RecordDebt{debt}});
    }
    REQUIRE(sql_error(folder.file("lrad.db"),
                      "ALTER TABLE debt DROP COLUMN excused; PRAGMA user_version=1")
                .empty());
    for (int start = 0; start < 2; ++start) {
        ReservationAgentStore store = opened(folder.file("lrad.db"));
        CHECK(store.load().value().debts == std::vector<DebtRecord>{debt});
    }
}

TEST_CASE("a later record takes the place of an earlier one, and a settled debt is gone") {
    const TemporaryFolder folder;
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    commit(store,
           {RecordDrive{sample_drive("VT1", 1)}, RecordDebt{{{"VT1"}, "host2", {{5, 1}, {5, 2}}}}});
    commit(store, {RecordDrive{sample_drive("VT1", 2)}, RecordDebt{{{"VT1"}, "host2", {{5, 2}}}}});
    CHECK(store.load().value().drives == std::vector<DriveRecord>{sample_drive("VT1", 2)});
    CHECK(store.load().value().debts == std::vector<DebtRecord>{{{"VT1"}, "host2", {{5, 2}}}});
    commit(store, {RecordDebt{{{"VT1"}, "host2", {}}}});
    CHECK(store.load().value().debts.empty());
}

TEST_CASE("every recorded drive state of every enumerator survives") {
    const TemporaryFolder folder;
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    std::vector<DriveRecord> drives;
    int number = 100;
    for (int state = 0; state <= static_cast<int>(ReservationState::unknown); ++state) {
        for (int kind = 0; kind <= static_cast<int>(ReservationKind::persistent); ++kind) {
            for (int evidence = 0; evidence <= static_cast<int>(HolderEvidence::none); ++evidence) {
                DriveRecord drive;
                drive.drive.text = "VT" + std::to_string(number++);
                drive.reservation.state = static_cast<ReservationState>(state);
                drive.reservation.kind = static_cast<ReservationKind>(kind);
                drive.evidence = static_cast<HolderEvidence>(evidence);
                drive.operational_state = static_cast<OperationalState>(number % 3);
                drives.push_back(drive);
            }
        }
    }
    ReservationAgentEffects effects;
    for (const DriveRecord& drive : drives)
        effects.push_back(RecordDrive{drive});
    commit(store, effects);
    CHECK(store.load().value().drives == drives);
}

TEST_CASE("the epoch rises at each start and never goes back, even if the clock does") {
    const TemporaryFolder folder;
    const std::string path = folder.file("lrad.db");
    CHECK(opened(path, at_seconds(1'000)).epoch() == 1'000);
    CHECK(opened(path, at_seconds(1'000)).epoch() == 1'001);
    CHECK(opened(path, at_seconds(500)).epoch() == 1'002);
    CHECK(opened(path, at_seconds(2'000)).epoch() == 2'000);
    CHECK(opened(path).epoch() > 1'700'000'000);
}

TEST_CASE("a drive sharing agent's incarnation rises the same way") {
    const TemporaryFolder folder;
    const std::string path = folder.file("dsad.db");
    CHECK(DriveSharingAgentStore::open(path, at_seconds(1'000))->incarnation() == 1'000);
    CHECK(DriveSharingAgentStore::open(path, at_seconds(10))->incarnation() == 1'001);
}

TEST_CASE("the ledger and the marks of a drive sharing agent come back after a restart") {
    const TemporaryFolder folder;
    const LedgerEntry entry{{"VT1"}, {5, 6}, "lra", {17}, true, "reserved by fc:2100000e1e09a1b0"};
    const NoticeMark mark{"lra", {"VT1"}, {5, 6}, ConfirmationResult::set_offline};
    LedgerEntry unfinished = entry;
    unfinished.drive.text = "VT2";
    unfinished.done = false;
    {
        DriveSharingAgentStore store =
            DriveSharingAgentStore::open(folder.file("d.db"), {}).value();
        const DriveSharingAgentEffects effects{
            RecordLedgerEntry{entry, true}, RecordLedgerEntry{unfinished, true},
            RecordNoticeMark{mark}, RecordAgentEvent{sample_event("VT1", 1)}, StopNow{}};
        REQUIRE(store.commit(effects).ok());
    }
    DriveSharingAgentStore store = DriveSharingAgentStore::open(folder.file("d.db"), {}).value();
    CHECK(store.load()->ledger == std::vector<LedgerEntry>{entry, unfinished});
    CHECK(store.load()->marks == std::vector<NoticeMark>{mark});
    REQUIRE(store.commit(DriveSharingAgentEffects{RecordLedgerEntry{entry, false}}).ok());
    CHECK(store.load()->ledger == std::vector<LedgerEntry>{unfinished});
    CHECK(store.events({})->size() == 1);
}

TEST_CASE("what a drive sharing agent's earlier life may have begun comes back after a restart") {
    const TemporaryFolder folder;
    const LedgerEntry done{{"VT1"}, {5, 6}, "lra", {17}, true, "reserved"};
    LedgerEntry begun = done;
    begun.drive.text = "VT2";
    begun.done = false;
    {
        DriveSharingAgentStore store =
            DriveSharingAgentStore::open(folder.file("d.db"), {}).value();
        REQUIRE(store.remember("something else", "").ok());
        REQUIRE(store
                    .commit(DriveSharingAgentEffects{
                        RecordLedgerEntry{done, true}, RecordLedgerEntry{begun, true},
                        RecordOnlineCommand{{"VT1"}, true}, RecordOnlineCommand{{"VT3"}, true},
                        RecordOnlineCommand{{"VT3"}, true}})
                    .ok());
    }
    DriveSharingAgentStore store = DriveSharingAgentStore::open(folder.file("d.db"), {}).value();
    CHECK(store.load()->unseen ==
          std::vector<UnseenCommand>{{{"VT2"}, ApplicationAction::set_offline, {}},
                                     {{"VT1"}, ApplicationAction::set_online, {}},
                                     {{"VT3"}, ApplicationAction::set_online, {}}});
    REQUIRE(store.commit(DriveSharingAgentEffects{RecordOnlineCommand{{"VT3"}, false}}).ok());
    CHECK(store.load()->unseen.size() == 2);
}

TEST_CASE("the event log answers by drive, time and number, from either end") {
    const TemporaryFolder folder;
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    ReservationAgentEffects effects;
    for (int i = 0; i < 20; ++i)
        effects.push_back(RecordEvent{sample_event(i % 2 == 0 ? "VT1" : "VT2", 1'000 + i)});
    commit(store, effects);
    const auto numbers = [&](const EventQuery& query) {
        std::vector<std::uint64_t> result;
        const auto events = store.events(query);
        for (const StoredEvent& event : *events)
            result.push_back(event.number);
        return result;
    };
    CHECK(numbers({std::nullopt, std::nullopt, 3, true}) == std::vector<std::uint64_t>{20, 19, 18});
    CHECK(numbers({std::nullopt, std::nullopt, 3, false}) == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(numbers({DriveSerial{"VT2"}, std::nullopt, 2, true}) ==
          std::vector<std::uint64_t>{20, 18});
    CHECK(numbers({std::nullopt, WallTime{1'018}, 100, false}) ==
          std::vector<std::uint64_t>{19, 20});
    CHECK(numbers({DriveSerial{"VT1"}, WallTime{1'017}, 100, true}) ==
          std::vector<std::uint64_t>{19});
    CHECK(numbers({DriveSerial{"VT' OR 1"}, std::nullopt, 100, true}).empty());
    CHECK(numbers({std::nullopt, std::nullopt, 0, true}).size() == 1);
}

TEST_CASE("the event log drops its oldest lines and never uses a number again") {
    const TemporaryFolder folder;
    const std::string path = folder.file("lrad.db");
    {
        ReservationAgentStore store = opened(path, {10, std::nullopt});
        for (int i = 0; i < 35; ++i)
            commit(store, {RecordEvent{sample_event("VT1", i)}});
        const auto events = store.events({std::nullopt, std::nullopt, 100, false}).value();
        REQUIRE(events.size() == 10);
        CHECK(events.front().number == 26);
        CHECK(events.back().record.at.ms == 34);
    }
    ReservationAgentStore store = opened(path, {10, std::nullopt});
    commit(store, {RecordEvent{sample_event("VT1", 99)}});
    CHECK(store.events({})->front().number == 36);
}

TEST_CASE("the audit trail of people grows, and the file itself refuses to change or shorten it") {
    const TemporaryFolder folder;
    const AdministratorAction first{
        {1}, "root (uid 0, pid 1)", "drive.clear", "VT1", "cable replaced"};
    const AdministratorAction second{
        {2}, "ops (uid 7, pid 2)", "drive.offline", "VT2", "maintenance"};
    {
        ReservationAgentStore store = opened(folder.file("lrad.db"));
        REQUIRE(store.append_audit(first).ok());
        REQUIRE(store.append_audit(second).ok());
    }
    CHECK_THAT(sql_error(folder.file("lrad.db"), "DELETE FROM audit"),
               ContainsSubstring("can not be shortened"));
    CHECK_THAT(sql_error(folder.file("lrad.db"), "UPDATE audit SET reason = ''"),
               ContainsSubstring("can not be changed"));
    CHECK(opened(folder.file("lrad.db")).audit(10).value() ==
          std::vector<AdministratorAction>{second, first});
}

TEST_CASE("of what programs did the audit trail keeps the newest, of what people did everything") {
    const TemporaryFolder folder;
    const std::string program = GENERATE("dsad", "lrad");
    const AdministratorAction of_person{{1}, "dsad (uid 7, pid 1)", "drive.clear", "VT1", "why"};
    const auto call = [&](std::int64_t at) {
        return AdministratorAction{{at}, program, "application.set_offline", "VT1", "refused"};
    };
    DriveSharingAgentStore store = opened_of_dsad(folder.file("dsad.db"), {5, std::nullopt});
    REQUIRE(store.append_audit(of_person).ok());
    for (int at = 2; at < 20; ++at)
        REQUIRE(store.append_audit(call(at)).ok());
    CHECK(store.audit(100).value() == std::vector<AdministratorAction>{call(19), call(18), call(17),
                                                                       call(16), call(15),
                                                                       of_person});
}

TEST_CASE("an audit trail that grew without a bound is shortened, also in the file of before") {
    const TemporaryFolder folder;
    const std::string path = folder.file("dsad.db");
    const AdministratorAction of_person{{1}, "root (uid 0, pid 1)", "drive.clear", "VT1", "why"};
    const AdministratorAction call{{2}, "dsad", "application.set_offline", "VT1", "refused"};
    REQUIRE(opened_of_dsad(path).append_audit(of_person).ok());
    REQUIRE(
        sql_error(path,
                  "DROP TRIGGER audit_of_people_no_delete; DROP INDEX audit_by_actor;"
                  "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
                  "  BEGIN SELECT RAISE(ABORT, 'the audit trail can not be shortened'); END;"
                  "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i+1 FROM n WHERE i<2500)"
                  "INSERT INTO audit SELECT i,2,'dsad','application.set_offline','VT1','refused'"
                  "  FROM n")
            .empty());
    for (int start = 0; start < 2; ++start) {
        DriveSharingAgentStore store = opened_of_dsad(path, {5, std::nullopt});
        const std::size_t before = store.audit(10'000).value().size();
        REQUIRE(store.append_audit(call).ok());
        // A part at a time, so that nobody waits.
        CHECK(store.audit(10'000).value().size() == before + 1 - 1'000);
    }
    DriveSharingAgentStore store = opened_of_dsad(path, {5, std::nullopt});
    REQUIRE(store.append_audit(call).ok());
    const auto kept = store.audit(10'000).value();
    CHECK(kept == std::vector<AdministratorAction>{call, call, call, call, call, of_person});
}

TEST_CASE("a program of before can still open and write the stores") {
    const TemporaryFolder folder;
    opened(folder.file("lrad.db"));
    opened_of_dsad(folder.file("dsad.db"));
    for (const auto& [file, version] : {std::pair{"lrad.db", "2"}, std::pair{"dsad.db", "1"}}) {
        CHECK(sql_error(folder.file(file),
                        std::string("CREATE TEMP TABLE of(version CHECK(version = ") + version +
                            ")); INSERT INTO of SELECT user_version FROM pragma_user_version;"
                            "INSERT INTO audit(at,actor,action,subject,reason)"
                            "  VALUES(1,'dsad','a','s','r')")
                  .empty());
    }
}

TEST_CASE("named counters and notes survive, and a counter is never the epoch") {
    const TemporaryFolder folder;
    const std::string path = folder.file("lrad.db");
    {
        ReservationAgentStore store = opened(path, at_seconds(100));
        CHECK(store.raise_counter("engine_boots").value() == 1);
        CHECK(store.raise_counter("engine_boots").value() == 2);
        CHECK(store.raise_counter("epoch").value() == 1);
        CHECK_FALSE(store.recall("engine_id").value());
        REQUIRE(store.remember("engine_id", std::string("80\0 00", 6)).ok());
        REQUIRE(store.remember("empty", "").ok());
        REQUIRE(store.remember_soon("channel", "up").ok());
        CHECK_FALSE(store.remember_soon("huge", std::string(65'537, 'x')).ok());
        CHECK_FALSE(store.remember("huge", std::string(65'537, 'x')).ok());
    }
    ReservationAgentStore store = opened(path, at_seconds(100));
    CHECK(store.epoch() == 101);
    CHECK(store.raise_counter("engine_boots").value() == 3);
    CHECK(store.recall("engine_id").value() == std::string("80\0 00", 6));
    CHECK(store.recall("empty").value() == "");
    CHECK(store.recall("channel").value() == "up");
    CHECK_FALSE(store.recall("huge").value());
}

TEST_CASE("what may be lost is not synced, and what is recorded behind it is again") {
    const TemporaryFolder folder;
    const auto opened_file = Database::open(folder.file("a.db"), {"a table", 1, 1, "", {}});
    REQUIRE(opened_file);
    const auto& database = opened_file.value();
    constexpr std::int64_t normal = 1;
    constexpr std::int64_t full = 2;
    const auto synced = [&] {
        Statement pragma = database->prepare("PRAGMA synchronous");
        REQUIRE(pragma.step().value());
        return pragma.number(0);
    };
    CHECK(synced() == full);
    for (const bool fails : {false, true}) {
        const auto done = database->unsynced_transaction([&]() -> Outcome {
            CHECK(synced() == normal);
            return fails ? Outcome(Error{"it fails"}) : Outcome(Nothing{});
        });
        CHECK(done.ok() == !fails);
        CHECK(synced() == full);
    }
}

TEST_CASE("a drive's event is a repeat when sequence and content are known, also after a restart") {
    const TemporaryFolder folder;
    {
        ReservationAgentStore store = opened(folder.file("lrad.db"));
        CHECK_FALSE(store.drive_event_is_repeat({"VT1"}, 41, "reserved").value());
        REQUIRE(store.remember_drive_event({"VT1"}, 41, "reserved").ok());
        CHECK(store.drive_event_is_repeat({"VT1"}, 41, "reserved").value());
        CHECK_FALSE(store.drive_event_is_repeat({"VT1"}, 41, "released").value());
        CHECK_FALSE(store.drive_event_is_repeat({"VT2"}, 41, "reserved").value());
    }
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    CHECK(store.drive_event_is_repeat({"VT1"}, 41, "reserved").value());
    for (std::uint64_t i = 100; i < 360; ++i)
        REQUIRE(store.remember_drive_event({"VT1"}, i, "x").ok());
    CHECK_FALSE(store.drive_event_is_repeat({"VT1"}, 41, "reserved").value());
    CHECK(store.drive_event_is_repeat({"VT1"}, 104, "x").value());
    CHECK(store.drive_event_is_repeat({"VT1"}, 359, "x").value());
}

TEST_CASE("the store's files are nobody else's business") {
    const TemporaryFolder folder;
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    commit(store, {RecordEvent{sample_event("VT1", 1)}});
    for (const char* name : {"lrad.db", "lrad.db-wal"}) {
        struct stat status {};
        REQUIRE(::stat(folder.file(name).c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
    }
}

// A second connection in this process would be kept out by SQLite's own memory.
TEST_CASE("no other process can have a store that is open") {
    const TemporaryFolder folder;
    const std::string file = folder.file("lrad.db");
    const auto is_locked_for_others = [&file] {
        const pid_t other = ::fork();
        if (other == 0) {
            const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
            struct flock wanted {};
            wanted.l_type = F_WRLCK;
            wanted.l_whence = SEEK_SET;
            const bool asked = ::fcntl(descriptor, F_GETLK, &wanted) == 0;
            ::_exit(asked && wanted.l_type != F_UNLCK ? 0 : 1);
        }
        int status = -1;
        REQUIRE(::waitpid(other, &status, 0) == other);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    };
    {
        ReservationAgentStore store = opened(file);
        CHECK(is_locked_for_others());
        commit(store, {RecordEvent{sample_event("VT1", 1)}});
        CHECK(is_locked_for_others());
    }
    CHECK_FALSE(is_locked_for_others());
}

TEST_CASE("a store that can not be opened says why and what helps") {
    const TemporaryFolder folder;
    CHECK_THAT(open_error(folder.file("no/such/lrad.db")),
               ContainsSubstring("check that its folder exists"));
    CHECK_THAT(open_error(folder.write("text", "this is not a database, however long it may be")),
               ContainsSubstring("it is damaged"));
    REQUIRE(DriveSharingAgentStore::open(folder.file("dsad.db"), {}).ok());
    CHECK_THAT(open_error(folder.file("dsad.db")), ContainsSubstring("another program's database"));
    REQUIRE(ReservationAgentStore::open(folder.file("newer.db"), {}).ok());
    CHECK(sql_error(folder.file("newer.db"), "PRAGMA user_version=99").empty());
    CHECK_THAT(open_error(folder.file("newer.db")), ContainsSubstring("version 99"));
    const ReservationAgentStore in_use = opened(folder.file("lrad.db"));
    CHECK_THAT(open_error(folder.file("lrad.db")),
               ContainsSubstring("is the daemon running already?"));
}

TEST_CASE("a damaged page is noticed at the start") {
    const TemporaryFolder folder;
    const std::string path = folder.file("lrad.db");
    {
        ReservationAgentStore store = opened(path);
        for (int i = 0; i < 500; ++i)
            commit(store, {RecordEvent{sample_event("VT1", i)}});
    }
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0, std::ios::end);
    const auto size = static_cast<long>(file.tellp());
    REQUIRE(size > 20'000);
    for (long at = 12'000; at < size; at += 4'096) {
        file.seekp(at - at % 4'096);
        file << std::string(64, '\x7f');
    }
    file.close();
    CHECK_THAT(open_error(path), ContainsSubstring("it is damaged"));
}

TEST_CASE("a row that makes no sense is an error, not a guess") {
    const TemporaryFolder folder;
    const std::string path = folder.file("lrad.db");
    {
        ReservationAgentStore store = opened(path);
        commit(store, {RecordDrive{sample_drive("VT1", 1)},
                       RecordAgent{{"host1", AgentState::started, 1, 0}}});
    }
    REQUIRE(sql_error(path, "UPDATE drive SET operational_state = 'fine'").empty());
    CHECK_THAT(opened(path).load().error().message,
               ContainsSubstring("the row of drive VT1 makes no sense"));
    REQUIRE(sql_error(path, "UPDATE drive SET operational_state = 'online', holders = '[[1]]'")
                .empty());
    CHECK_FALSE(opened(path).load().ok());
    REQUIRE(
        sql_error(path, "UPDATE drive SET holders = '[]'; UPDATE agent SET state = '?'").empty());
    CHECK_THAT(opened(path).load().error().message, ContainsSubstring("agent host1"));
}

namespace {

// In a process of its own: commits until the file may not grow any more, then what the error says
// and what is stored.
int fill_up(const std::string& path) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = ReservationAgentStore::open(path, {});
    if (!store.ok()) return 10;
    const rlimit limit{300'000, 300'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (std::uint64_t i = 1; i < 10'000; ++i) {
        const ReservationAgentEffects effects{RecordDrive{sample_drive("VT1", i)},
                                              RecordEvent{sample_event("VT1", 1)}};
        const Outcome outcome = store.value().commit(effects);
        if (outcome.ok()) continue;
        const bool in_words = outcome.error().message.find("lrad.db: ") != std::string::npos &&
                              outcome.error().message.find("disk") != std::string::npos;
        const auto state = store->load();
        if (!in_words || !state.ok() || state->drives.size() != 1) return 11;
        return state->drives[0].newest_notice->sequence == i - 1 ? 0 : 12;
    }
    return 13;
}

}  // namespace

TEST_CASE(
    "when the disk takes no more the commit fails in words and the state stays what was recorded "
    "last") {
    const TemporaryFolder folder;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(fill_up(folder.file("lrad.db")));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    CHECK(store.load()->drives.size() == 1);
    CHECK(store.events({std::nullopt, std::nullopt, 10'000, true})->size() ==
          store.load()->drives[0].newest_notice->sequence);
}

TEST_CASE("without any record a commit writes nothing") {
    const TemporaryFolder folder;
    ReservationAgentStore store = opened(folder.file("lrad.db"));
    struct stat before {};
    REQUIRE(::stat(folder.file("lrad.db-wal").c_str(), &before) == 0);
    commit(store, {StopSending{"host1", {"VT1"}}});
    commit(store, {});
    struct stat after {};
    REQUIRE(::stat(folder.file("lrad.db-wal").c_str(), &after) == 0);
    CHECK(before.st_size == after.st_size);
}
