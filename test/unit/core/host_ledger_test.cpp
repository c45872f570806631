// The ledger of a host that two controllers play in turn: test/integration/pair/old_host.py has it
// with real programs.

#include "agent/core/host_ledger.hpp"

#include <algorithm>

#include "test/unit/core/host.hpp"

using namespace core_test;

namespace {

using Do = ApplicationAction;

constexpr Duration runs_for{9'000};

LedgerEntry entry_of(const DriveSerial& drive, bool done) {
    return {drive, {1, 1}, "library-1", {1'700'000'000'000}, done, "reserved by fc:1"};
}

HostLedgerLine line_of_beta() {
    return {"beta", [](const DriveSerial& drive) { return "app-" + drive.text; }};
}

SendConfirmation confirmation_of(const DriveSerial& drive) {
    return {{{1, 1}, "library-1", "beta", drive, ConfirmationResult::set_offline, {}}};
}

// One node's life as the one that plays beta: rules, the line, and what it has asked for and not
// got yet. The rows and the application outlive it.
struct Library {
    std::map<DriveSerial, HostLedgerRow> rows;
    ApplicationDriveState application = ApplicationDriveState::online;
    std::int64_t ms = 1'000;
    [[nodiscard]] Now now() const { return {{ms}, {1'700'000'000'000 + ms}}; }
};

class Node {
  public:
    Node(Library& library, std::uint64_t epoch) : library_(library), epoch_(epoch) {
        std::vector<HostLedgerRow> rows;
        for (const auto& [drive, row] : library_.rows)
            rows.push_back(row);
        line_.recall(rows, runs_for, library_.now().monotonic);
        rules_.emplace(host_beta(), state_from(rows, runs_for), epoch);
        carry_out(rules_->start(library_.now()));
    }
    void tell(const Reservation& reservation) {
        Notice notice;
        notice.id = {epoch_, ++sequence_};
        notice.controller = "library-1";
        notice.drive = drive_1;
        notice.reservation = reservation;
        carry_out(rules_->step(NoticeArrived{notice}, library_.now()));
    }
    // One thing that is under way goes on; false: nothing is.
    bool go_on() {
        if (!puts_.empty()) {
            const auto row = puts_.front();
            puts_.pop_front();
            library_.rows[row.entry.drive] = row;
            const auto after = after_waiting(line_.put(row.entry.drive), rules_->drives());
            for (const auto& effect : after.run)
                act(effect);
            due();
            for (const auto& answer : after.not_run)
                answered(answer);
            return true;
        }
        if (!running_) return false;
        if (!std::exchange(took_effect_, true)) {
            take_effect();
            return true;
        }
        const auto action = *std::exchange(running_, std::nullopt);
        const ApplicationAnswered answer{
            drive_1, action, true,
            action == Do::query ? library_.application : ApplicationDriveState::unknown, ""};
        answered(answer);
        return true;
    }
    void settle() {
        while (go_on()) {
        }
    }
    // Time passes, and what is due then is done.
    void pass(std::int64_t duration) {
        const std::int64_t end = library_.ms + duration;
        while (rules_->next_wakeup() && rules_->next_wakeup()->ms <= end) {
            library_.ms = std::max(library_.ms, rules_->next_wakeup()->ms);
            carry_out(rules_->step(AgentTimePassed{}, library_.now()));
            settle();
        }
        library_.ms = end;
    }
    // Of a command that the node had begun when it died, and that was under way still.
    void take_effect() {
        if (running_ == Do::set_offline) library_.application = ApplicationDriveState::offline;
        if (running_ == Do::set_online) library_.application = ApplicationDriveState::online;
    }
    [[nodiscard]] bool may_bring_online() const {
        return running_ == Do::set_online && !took_effect_;
    }
    [[nodiscard]] bool promises() const {
        return !confirmed.empty() && confirmed.back() == ConfirmationResult::set_offline;
    }
    [[nodiscard]] bool waits_for_a_row() const { return !puts_.empty(); }
    [[nodiscard]] bool has_ledger() const { return rules_->drives().front().ledger.has_value(); }
    std::vector<ConfirmationResult> confirmed;
    std::vector<ApplicationAction> ran;

  private:
    void carry_out(const DriveSharingAgentEffects& effects) {
        for (const auto& effect : line_.take(effects, library_.now().monotonic))
            act(effect);
        due();
    }
    void answered(const ApplicationAnswered& answer) {
        line_.ended(answer, library_.now().monotonic);
        carry_out(rules_->step(answer, library_.now()));
    }
    void due() {
        for (const auto& row : line_.due())
            puts_.push_back(row);
    }
    void act(const DriveSharingAgentEffect& effect) {
        if (const auto* run = std::get_if<RunApplication>(&effect)) {
            const auto row = library_.rows.find(drive_1);
            const bool known = row != library_.rows.end();
            CHECK((run->action != Do::set_offline || (known && row->second.present)));
            CHECK((run->action != Do::set_online || (known && row->second.online_may_come)));
            running_ = run->action;
            took_effect_ = false;
            ran.push_back(run->action);
        }
        if (const auto* sent = std::get_if<SendConfirmation>(&effect))
            confirmed.push_back(sent->confirmation.result);
    }

    Library& library_;
    std::uint64_t epoch_;
    std::uint64_t sequence_ = 0;
    HostLedgerLine line_ = line_of_beta();
    std::optional<DriveSharingAgent> rules_;
    std::deque<HostLedgerRow> puts_;
    std::optional<ApplicationAction> running_;
    bool took_effect_ = false;
};

enum class Late { before_takeover, after_first_look, at_the_end, never };

// The node that serves plays `told` and dies after `steps`; the other one is told `then`. False:
// there were not as many steps.
bool play_with_death(int steps, Late late, const std::vector<Reservation>& told,
                     const Reservation& then, ApplicationDriveState expected) {
    Library library;
    Node first(library, 1);
    bool died = false;
    for (const auto& reservation : told) {
        if (died) break;
        first.tell(reservation);
        while (!died && first.go_on())
            died = --steps < 0;
    }
    if (late == Late::before_takeover) first.take_effect();
    Node second(library, 2);
    second.tell(then);
    for (int step = 0; step < 2; ++step)
        second.go_on();
    if (late == Late::after_first_look) first.take_effect();
    const bool may_come = late == Late::at_the_end && first.may_bring_online();
    second.settle();
    second.pass(runs_for.ms - 1'000);
    CHECK_FALSE((may_come && second.promises()));
    if (late == Late::at_the_end) first.take_effect();
    second.pass(30'000);
    CHECK(library.application == expected);
    CHECK(second.has_ledger() == (expected == ApplicationDriveState::offline));
    const auto row = library.rows.find(drive_1);
    CHECK((row != library.rows.end() && row->second.present) == second.has_ledger());
    REQUIRE_FALSE(second.confirmed.empty());
    if (expected == ApplicationDriveState::offline) CHECK(second.promises());
    return died;
}

}  // namespace

TEST_CASE("of a row and an entry made without it the one that was written later counts") {
    using Counts = LedgerThatCounts;
    HostLedgerRow row;
    row.entry = entry_of(drive_1, true);
    LedgerEntry entry = row.entry;
    entry.done = false;
    CHECK(which_counts(entry, row) == Counts::row);
    entry.because.sequence = 2;
    CHECK(which_counts(entry, row) == Counts::newer_row);  // at the same time: what both know
    entry.at.ms = row.entry.at.ms + 1;
    CHECK(which_counts(entry, row) == Counts::newer_entry);
    row.put_at.ms = entry.at.ms;  // it was struck out by then, say
    CHECK(which_counts(entry, row) == Counts::newer_row);
    entry.at.ms += 1;
    CHECK(which_counts(entry, row) == Counts::newer_entry);
    entry.because = row.entry.because;
    CHECK(which_counts(entry, row) == Counts::row);  // it was made from it
}

TEST_CASE("nothing is run on a host before its row is on every disk") {
    auto line = line_of_beta();
    const DriveSharingAgentEffects step{RecordLedgerEntry{entry_of(drive_1, false)},
                                        RunApplication{drive_1, Do::set_offline},
                                        RunApplication{drive_2, Do::query}};
    const auto at_once = line.take(step, {0});
    REQUIRE(at_once.size() == 1);  // another drive does not wait
    CHECK(std::get<RunApplication>(at_once[0]).drive == drive_2);
    const auto rows = line.due();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].entry == entry_of(drive_1, false));
    CHECK(rows[0].application_name == "app-" + drive_1.text);
    CHECK(line.due().empty());  // it is under way
    line.not_put(drive_1);
    REQUIRE(line.due() == rows);
    const auto released = line.put(drive_1);
    REQUIRE(released.size() == 1);
    CHECK(std::get<RunApplication>(released[0]).action == Do::set_offline);
    CHECK_FALSE(line.waits());
    CHECK(line.put(drive_1).empty());
}

TEST_CASE("what waits for its row is not run when a newer notice says otherwise") {
    for (const bool overtaken : {false, true}) {
        Library library;
        Node node(library, 1);
        node.tell(reserved_by(port_a));
        node.settle();
        REQUIRE(library.application == ApplicationDriveState::offline);
        node.tell(free_drive());
        while (!node.waits_for_a_row())
            REQUIRE(node.go_on());  // the query
        if (overtaken) node.tell(reserved_by(port_a));
        node.settle();
        const bool brought_online =
            std::find(node.ran.begin(), node.ran.end(), Do::set_online) != node.ran.end();
        CHECK(brought_online != overtaken);
        CHECK(node.has_ledger() == overtaken);
        CHECK(node.promises() == overtaken);
    }
}

TEST_CASE("how long a set_online may run is in the row, whatever the row said before") {
    auto line = line_of_beta();
    HostLedgerRow before;
    before.entry = entry_of(drive_1, true);
    before.online_may_come = true;
    line.recall({before}, runs_for, {0});
    CHECK(line.take({RunApplication{drive_1, Do::set_online}}, {0}).empty());
    REQUIRE(line.due().size() == 1);
    CHECK(line.put(drive_1).size() == 1);
}

TEST_CASE("a row keeps for how long what another one began may come, and not for ever") {
    auto line = line_of_beta();
    HostLedgerRow before;
    before.entry = entry_of(drive_1, true);
    before.online_may_come = true;
    before.runs_for = {60'000};
    line.recall({before}, runs_for, {0});
    for (const Instant now : {Instant{59'999}, Instant{60'000}}) {
        (void)line.take({RecordLedgerEntry{entry_of(drive_1, true)}}, now);
        const auto rows = line.due();
        REQUIRE(rows.size() == 1);
        const bool over = now.ms == 60'000;
        CHECK(rows[0].online_may_come != over);
        CHECK(rows[0].runs_for.ms == (over ? 0 : 60'000));
        (void)line.put(drive_1);
    }
}

TEST_CASE("a confirmation waits for what was recorded before it") {
    auto line = line_of_beta();
    CHECK(line.take({SendConfirmation{confirmation_of(drive_1)}}, {0}).size() == 1);
    (void)line.take({RecordLedgerEntry{entry_of(drive_1, true)}}, {0});
    CHECK(line.take({SendConfirmation{confirmation_of(drive_1)}}, {0}).empty());
    (void)line.due();
    CHECK(line.put(drive_1).size() == 1);
}

TEST_CASE("a row says as long as a set_online may come, and no longer") {
    auto line = line_of_beta();
    const auto put_all = [&] {
        std::vector<HostLedgerRow> all;
        while (line.waits()) {
            const auto rows = line.due();
            REQUIRE(rows.size() == 1);
            all.push_back(rows[0]);
            (void)line.put(drive_1);
        }
        return all;
    };
    (void)line.take({RecordLedgerEntry{entry_of(drive_1, true)}}, {0});
    (void)put_all();
    CHECK(line.take({RunApplication{drive_1, Do::set_online}}, {0}).empty());
    CHECK(put_all().front().online_may_come);
    ApplicationAnswered answer{drive_1, Do::set_online, false, ApplicationDriveState::unknown, ""};
    SECTION("its end was seen") {
        line.ended(answer, {10});
        (void)line.take({SendConfirmation{confirmation_of(drive_1)}}, {10});
        const auto rows = put_all();
        REQUIRE(rows.size() == 1);
        CHECK_FALSE(rows[0].online_may_come);
        CHECK(rows[0].present);
    }
    SECTION("it was cut off") {
        answer.may_run_for = {5'000};
        line.ended(answer, {10});
        (void)line.take({RecordLedgerEntry{entry_of(drive_1, false)}}, {20});
        CHECK(put_all().back().online_may_come);
        (void)line.take({RecordLedgerEntry{entry_of(drive_1, false), false}}, {30});
        CHECK(put_all().back().online_may_come);  // also of a drive that is struck out
        (void)line.take({SendConfirmation{confirmation_of(drive_1)}}, {5'010});
        CHECK_FALSE(put_all().back().online_may_come);
    }
}

TEST_CASE("whoever takes over brings nothing online that no row has") {
    Library library;
    library.application = ApplicationDriveState::offline;  // an operator did it
    Node first(library, 1);
    first.tell(reserved_by(port_a));
    first.settle();
    Node second(library, 2);
    second.tell(free_drive());
    second.settle();
    second.pass(30'000);
    CHECK(library.application == ApplicationDriveState::offline);
    CHECK(second.confirmed.back() == ConfirmationResult::left_to_operator);
}

TEST_CASE("the survivor finishes what a node has begun, wherever it died, however late it comes") {
    const auto busy = reserved_by(port_a);
    const Reservation free = free_drive();
    using enum ApplicationDriveState;
    for (const auto late :
         {Late::before_takeover, Late::after_first_look, Late::at_the_end, Late::never}) {
        for (const bool frees : {false, true}) {
            const std::vector<Reservation> told =
                frees ? std::vector{busy, free} : std::vector{busy};
            int steps = 0;
            for (const bool busy_then : {true, false}) {
                steps = 0;
                INFO("late " << static_cast<int>(late) << ", freed " << frees << ", busy then "
                             << busy_then);
                while (play_with_death(steps, late, told, busy_then ? busy : free,
                                       busy_then ? offline : online)) {
                    ++steps;
                    INFO("death after " << steps);
                    REQUIRE(steps < 100);
                }
            }
            CHECK(steps > (frees ? 15 : 7));
        }
    }
}
