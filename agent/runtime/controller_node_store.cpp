#include "agent/runtime/controller_node_store.hpp"

#include <utility>

#include "agent/runtime/database.hpp"

namespace agent::runtime {
namespace {

const DatabaseKind& controller_node_kind() {
    static const DatabaseKind the_kind{"lrad's part in a pair",
                                       0x4c524150,
                                       3,
                                       R"(
CREATE TABLE node(id INTEGER PRIMARY KEY CHECK(id = 1), ballot_counter INTEGER NOT NULL,
                  order_epoch INTEGER NOT NULL, order_counter INTEGER NOT NULL, order_issuer TEXT NOT NULL,
                  ballot_mark INTEGER NOT NULL, lives INTEGER NOT NULL);
CREATE TABLE witness(agent TEXT PRIMARY KEY, instance TEXT NOT NULL, changes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO node VALUES(1,0,0,0,'',0,0);
)",
                                       {{1,
                                         "ALTER TABLE node ADD COLUMN ballot_mark INTEGER NOT NULL "
                                         "DEFAULT 0;"},
                                        // Messages were counted from the seconds of the clock.
                                        {2,
                                         "ALTER TABLE node ADD COLUMN lives INTEGER NOT NULL "
                                         "DEFAULT 0;UPDATE node SET "
                                         "lives=CAST(strftime('%s','now') AS INTEGER);"}}};
    return the_kind;
}

// Another mark at each start: whoever goes on with an old copy of the file does not know what it
// has used since.
core::Outcome begin_life(Database& database) {
    return database.prepare("UPDATE node SET lives=lives+1,ballot_mark=abs(random() % ?)")
        .bind(pair::ballot_marks)
        .run();
}

core::Outcome load_witnesses(const Database& database, pair::NodeRecord& record) {
    Statement select = database.prepare("SELECT agent,instance,changes FROM witness");
    while (true) {
        const core::Result<bool> row = select.step();
        if (!row.ok()) return row.error();
        if (!*row) return core::Nothing{};
        record.witnesses[select.text(0)] = {select.text(1), select.unsigned_number(2)};
    }
}

core::Outcome write_witnesses(Database& database, const pair::NodeRecord& record) {
    core::Outcome outcome = database.prepare("DELETE FROM witness").run();
    for (const auto& [agent, witness] : record.witnesses) {
        if (!outcome.ok()) return outcome;
        outcome = database.prepare("INSERT INTO witness(agent,instance,changes) VALUES(?,?,?)")
                      .bind(agent)
                      .bind(witness.instance)
                      .bind(witness.changes)
                      .run();
    }
    return outcome;
}

}  // namespace

ControllerNodeStore::ControllerNodeStore(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}
ControllerNodeStore::~ControllerNodeStore() = default;
ControllerNodeStore::ControllerNodeStore(ControllerNodeStore&&) noexcept = default;
ControllerNodeStore& ControllerNodeStore::operator=(ControllerNodeStore&&) noexcept = default;

core::Result<ControllerNodeStore> ControllerNodeStore::open(const std::string& path) {
    core::Result<std::unique_ptr<Database>> database = Database::open(path, controller_node_kind());
    if (!database.ok()) return database.error();
    ControllerNodeStore store(std::move(database).value());
    const auto begun = begin_life(*store.database_);
    if (!begun.ok()) return begun.error();
    const auto record = store.load();
    if (!record.ok()) return record.error();
    return store;
}

core::Result<pair::NodeRecord> ControllerNodeStore::load() const {
    pair::NodeRecord record;
    Statement select = database_->prepare(
        "SELECT ballot_counter,order_epoch,order_counter,order_issuer,ballot_mark FROM node");
    const core::Result<bool> row = select.step();
    if (!row.ok()) return row.error();
    if (!*row) return database_->damaged("the numbers of this node's ballots are gone");
    record.ballot_counter = select.unsigned_number(0);
    record.ballot_mark = select.unsigned_number(4);
    record.last_order = {select.unsigned_number(1), select.unsigned_number(2), select.text(3)};
    const core::Outcome witnesses = load_witnesses(*database_, record);
    if (!witnesses.ok()) return witnesses.error();
    return record;
}

core::Result<std::uint64_t> ControllerNodeStore::lives() const {
    Statement select = database_->prepare("SELECT lives FROM node");
    const core::Result<bool> row = select.step();
    if (!row.ok()) return row.error();
    if (!*row) return database_->damaged("the number of this node's lives is gone");
    return select.unsigned_number(0);
}

core::Outcome ControllerNodeStore::record(const pair::NodeRecord& record) {
    return database_->transaction([&]() -> core::Outcome {
        const core::Outcome outcome =
            database_
                ->prepare(
                    "UPDATE node SET ballot_counter=?,order_epoch=?,order_counter=?,"
                    "order_issuer=?")
                .bind(record.ballot_counter)
                .bind(record.last_order.epoch)
                .bind(record.last_order.counter)
                .bind(record.last_order.issuer)
                .run();
        return outcome.ok() ? write_witnesses(*database_, record) : outcome;
    });
}

}  // namespace agent::runtime
