#include "agent/runtime/voting_agent_store.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "agent/pair/pair_message.hpp"
#include "agent/runtime/database.hpp"

namespace agent::runtime {
namespace {

const DatabaseKind& voter_kind() {
    static const DatabaseKind the_kind{"dsad's votes",
                                       0x44534150,
                                       1,
                                       R"(
CREATE TABLE voter(id INTEGER PRIMARY KEY CHECK(id = 1), instance TEXT NOT NULL, changes INTEGER NOT NULL,
                   register TEXT, hold INTEGER NOT NULL);
CREATE TABLE shutdown_key(subject TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID;
)",
                                       {}};
    return the_kind;
}

// Told apart from every other store there ever was.
std::string new_instance() {
    std::random_device device;
    std::string text;
    for (int word = 0; word < 4; ++word) {
        const auto number = static_cast<std::uint32_t>(device());
        for (int shift = 28; shift >= 0; shift -= 4) {
            text += "0123456789abcdef"[(number >> static_cast<unsigned>(shift)) & 15U];
        }
    }
    return text;
}

core::Outcome found_voter(Database& database) {
    Statement select = database.prepare("SELECT instance FROM voter");
    const core::Result<bool> row = select.step();
    if (!row.ok()) return row.error();
    if (*row) return core::Nothing{};
    return database.transaction([&database] {
        return database
            .prepare("INSERT INTO voter(id,instance,changes,register,hold) VALUES(1,?,0,NULL,0)")
            .bind(new_instance())
            .run();
    });
}

core::Outcome set_changes(Database& database, std::uint64_t changes) {
    return database.prepare("UPDATE voter SET changes = ?").bind(changes).run();
}

struct VoterWriter {
    Database& database;

    core::Outcome operator()(const pair::RecordRegister& record) const {
        const core::Outcome written =
            database.prepare("UPDATE voter SET register = ?").bind(pair::encode(record.held)).run();
        return written.ok() ? set_changes(database, record.changes) : written;
    }
    core::Outcome operator()(const pair::RecordKey& record) const {
        const core::Outcome written =
            database.prepare("INSERT OR REPLACE INTO shutdown_key(subject,line) VALUES(?,?)")
                .bind(pair::to_text(record.key.subject))
                .bind(pair::encode(record.key))
                .run();
        return written.ok() ? set_changes(database, record.changes) : written;
    }
    core::Outcome operator()(const pair::RecordHold& record) const {
        const core::Outcome written = database.prepare("UPDATE voter SET hold = ?")
                                          .bind(std::int64_t{record.hold ? 1 : 0})
                                          .run();
        return written.ok() ? set_changes(database, record.changes) : written;
    }
    core::Outcome operator()(const pair::SendVote&) const { return core::Nothing{}; }
    core::Outcome operator()(const pair::TellDecision&) const { return core::Nothing{}; }
    core::Outcome operator()(const pair::SendKeyStored&) const { return core::Nothing{}; }
    core::Outcome operator()(const pair::SendLease&) const { return core::Nothing{}; }
    core::Outcome operator()(const pair::NodeBeganAnew&) const { return core::Nothing{}; }
    core::Outcome operator()(const pair::RelayCommand&) const { return core::Nothing{}; }
};

bool is_record(const pair::VotingAgentEffect& effect) {
    return std::holds_alternative<pair::RecordRegister>(effect) ||
           std::holds_alternative<pair::RecordKey>(effect) ||
           std::holds_alternative<pair::RecordHold>(effect);
}

core::Outcome load_voter(const Database& database, pair::VotingAgentState& state) {
    Statement select = database.prepare("SELECT instance,changes,register,hold FROM voter");
    const core::Result<bool> row = select.step();
    if (!row.ok()) return row.error();
    if (!*row) return database.damaged("the agent's register is gone");
    state.instance = select.text(0);
    state.changes = select.unsigned_number(1);
    state.hold = select.number(3) != 0;
    if (select.is_null(2)) return core::Nothing{};
    const auto held = pair::decode_register(select.text(2));
    if (!held.ok()) return database.damaged("the agent's register: " + held.error().message);
    state.held = *held;
    return core::Nothing{};
}

core::Outcome load_keys(const Database& database, pair::VotingAgentState& state) {
    Statement select = database.prepare("SELECT subject,line FROM shutdown_key ORDER BY subject");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) break;
        const auto key = pair::decode_key(select.text(1));
        if (!key.ok()) return database.damaged("a shutdown key: " + key.error().message);
        if (pair::to_text(key->subject) != select.text(0)) {
            return database.damaged("the shutdown key of " + select.text(0) +
                                    " is one for another node");
        }
        state.keys.push_back(*key);
    }
    std::sort(state.keys.begin(), state.keys.end(),
              [](const auto& one, const auto& two) { return one.subject < two.subject; });
    return core::Nothing{};
}

}  // namespace

VotingAgentStore::VotingAgentStore(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}
VotingAgentStore::~VotingAgentStore() = default;
VotingAgentStore::VotingAgentStore(VotingAgentStore&&) noexcept = default;
VotingAgentStore& VotingAgentStore::operator=(VotingAgentStore&&) noexcept = default;

core::Result<VotingAgentStore> VotingAgentStore::open(const std::string& path) {
    core::Result<std::unique_ptr<Database>> database = Database::open(path, voter_kind());
    if (!database.ok()) return database.error();
    const core::Outcome founded = found_voter(**database);
    if (!founded.ok()) return founded.error();
    VotingAgentStore store(std::move(database).value());
    const auto state = store.load();
    if (!state.ok()) return state.error();
    return store;
}

core::Result<pair::VotingAgentState> VotingAgentStore::load() const {
    pair::VotingAgentState state;
    core::Outcome outcome = load_voter(*database_, state);
    if (outcome.ok()) outcome = load_keys(*database_, state);
    if (!outcome.ok()) return outcome.error();
    return state;
}

core::Outcome VotingAgentStore::commit(std::span<const pair::VotingAgentEffect> effects) {
    if (std::none_of(effects.begin(), effects.end(), is_record)) return core::Nothing{};
    return database_->transaction([&]() -> core::Outcome {
        for (const auto& effect : effects) {
            core::Outcome outcome = std::visit(VoterWriter{*database_}, effect);
            if (!outcome.ok()) return outcome;
        }
        return core::Nothing{};
    });
}

}  // namespace agent::runtime
