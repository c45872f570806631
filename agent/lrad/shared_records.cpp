#include "agent/lrad/shared_records.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/lrad/lasting_trouble.hpp"
#include "agent/mounts/worker.hpp"
#include "agent/postgres/agent_words.hpp"
#include "agent/postgres/host_names.hpp"
#include "agent/postgres/primary_session.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

using core::DriveSerial;
using core::Message;
using core::Outcome;
using core::Result;
using nlohmann::json;
using postgres::AgentRetirement;
using postgres::OfflineMark;
using postgres::PrimarySession;
using runtime::clock_now;

namespace {

constexpr std::size_t sharing_jobs_max = 8;
// So long a drive stays as it is for the sake of the record: a commit takes some milliseconds.
constexpr core::Duration record_patience{1'000};
constexpr std::chrono::milliseconds looked_at_rows_every{1'500};
constexpr core::Duration row_patience{30'000};

std::string offline_note_name(const DriveSerial& drive) {
    return "offline_marks." + drive.text;
}

std::string retirement_note_name(const core::AgentName& agent) {
    return "retirement." + agent;
}

std::string presence_note_name(const core::AgentName& agent) {
    return "presence:" + agent;
}

std::string offline_note_text(const std::vector<LocalMark>& marks) {
    json list = json::array();
    for (const auto& local : marks) {
        const auto& mark = local.mark;
        list.push_back({{"id", mark.id},
                        {"since", mark.since.ms},
                        {"reason", mark.reason},
                        {"node", mark.node},
                        {"ended_at", mark.ended_at ? json(mark.ended_at->ms) : json()},
                        {"ended_by", mark.ended_by},
                        {"told", local.told}});
    }
    return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A text that makes no sense is none: the drive's own record says that it is offline, and leads to
// another mark.
std::vector<LocalMark> marks_from(const DriveSerial& drive, const std::string& text) {
    std::vector<LocalMark> marks;
    const json list = json::parse(text, nullptr, false);
    if (!list.is_array()) return marks;
    try {
        for (const auto& one : list) {
            LocalMark local;
            local.mark.id = one.at("id").get<std::string>();
            local.mark.drive = drive.text;
            local.mark.since = {one.at("since").get<std::int64_t>()};
            local.mark.reason = one.at("reason").get<std::string>();
            local.mark.node = one.at("node").get<std::string>();
            if (!one.at("ended_at").is_null())
                local.mark.ended_at = {one.at("ended_at").get<std::int64_t>()};
            local.mark.ended_by = one.at("ended_by").get<std::string>();
            local.told = one.at("told").get<bool>();
            marks.push_back(std::move(local));
        }
    } catch (const json::exception&) {
        marks.clear();
    }
    return marks;
}

}  // namespace

class SharedRecords::Work : public std::enable_shared_from_this<SharedRecords::Work> {
  public:
    Work(asio::io_context& event_loop, const runtime::PairDatabaseConfiguration& database,
         std::string node, SharedRecordsDoors outside)
        : loop(event_loop),
          doors(std::move(outside)),
          name(node),
          ledger(std::move(node)),
          tick(event_loop),
          session(database,
                  [hurry = hurry, ending = ending] { return hurry->load() || ending->load(); }),
          worker(std::make_unique<mounts::Worker>(sharing_jobs_max)) {}

    // What is shared, as it is read.
    struct Rows {
        std::vector<OfflineMark> marks;
        std::optional<std::vector<core::AgentWord>> words;  // nothing: no such rows there
        std::vector<AgentRetirement> retirements;
        postgres::HostNameRows names;
    };
    static Result<Rows> read_rows(PrimarySession& session, const std::vector<std::string>& named);

    void record(const std::string& note, const std::string& text);
    void keep(const DriveSerial& drive);
    void keep(const core::AgentName& agent);
    void keep_word(const core::AgentName& agent);
    void keep_all(const std::vector<DriveSerial>& touched);
    void push();
    void push_marks(std::vector<OfflineMark> untold);
    void push_words();
    void push_retirements();
    void pushed(const OfflineMark& mark, const Outcome& outcome);
    void take_rows(const Rows& rows);
    void take_words(const std::vector<core::AgentWord>& rows);
    void take_retirements(const std::vector<AgentRetirement>& rows);
    void take_names(const std::map<std::string, std::string>& rows);
    [[nodiscard]] bool counts_here(const core::AgentName& agent) const;
    void look();
    void look_later();
    void tell_unread(const std::string& trouble);
    void tell_unput(const std::string& trouble);
    void wait_over(const DriveSerial& drive);

    asio::io_context& loop;
    SharedRecordsDoors doors;
    const std::string name;  // of this node
    OfflineLedger ledger;
    RetirementLedger retirements;
    core::AgentRoster roster;
    asio::steady_timer tick;
    bool obeying = false;  // what drives become is the other node's doing
    bool pushing = false;  // one at a time
    bool over = false;
    bool begun = false;
    LastingTrouble unread{row_patience};
    LastingTrouble words_unput{row_patience};
    std::map<std::string, std::string> failures;  // by mark: told once
    struct Wait {
        std::unique_ptr<asio::steady_timer> timer;
        bool over = false;
    };
    std::map<DriveSerial, Wait> waits;

    // For the worker to leave what hangs: a node that is to serve comes before all else.
    std::shared_ptr<std::atomic<bool>> hurry = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<std::atomic<bool>> ending = std::make_shared<std::atomic<bool>>(false);
    PrimarySession session;                  // the worker's
    std::unique_ptr<mounts::Worker> worker;  // last: it uses the others
};

// ---- what this node knows

void SharedRecords::Work::record(const std::string& note, const std::string& text) {
    if (const auto kept = doors.remember(note, text); !kept) {
        over = true;
        doors.broken(kept.error().message);
    }
}

void SharedRecords::Work::keep(const DriveSerial& drive) {
    record(offline_note_name(drive), offline_note_text(ledger.marks_of(drive)));
}

void SharedRecords::Work::keep(const core::AgentName& agent) {
    record(retirement_note_name(agent), retirements.text_of(agent));
}

void SharedRecords::Work::keep_word(const core::AgentName& agent) {
    record(presence_note_name(agent), roster.text_of(agent));
}

void SharedRecords::Work::keep_all(const std::vector<DriveSerial>& touched) {
    for (const auto& drive : touched) {
        if (!over) keep(drive);
    }
}

// ---- out

void SharedRecords::Work::push() {
    if (over || pushing) return;
    if (auto untold = ledger.untold(); !untold.empty()) return push_marks(std::move(untold));
    push_words();
}

void SharedRecords::Work::push_marks(std::vector<OfflineMark> untold) {
    pushing = worker->post(
        [weak = weak_from_this(), untold = std::move(untold), &session = session, &loop = loop] {
            bool all = true;
            bool reached = true;
            for (const auto& mark : untold) {
                const auto outcome = put_offline_mark(session, mark);
                asio::post(loop, [weak, mark, outcome] {
                    const auto self = weak.lock();
                    if (self && !self->over) self->pushed(mark, outcome);
                });
                all = all && outcome;
                // What the server has against this one need not stop the others; anything else
                // would.
                reached = outcome || session.refused();
                if (!reached) break;
            }
            asio::post(loop, [weak, all, reached] {
                const auto self = weak.lock();
                if (!self || self->over) return;
                self->pushing = false;
                if (all) return self->push();
                if (reached) self->push_words();
            });
        });
}

// Nothing waits for these: what could not be put is put with the next look. Words come before
// retirements, so that whoever reads that one has ended also reads which life has ended it.
void SharedRecords::Work::push_words() {
    const auto untold = roster.untold(doors.agents());
    if (untold.empty()) {
        tell_unput("");
        return push_retirements();
    }
    pushing = worker->post(
        [weak = weak_from_this(), untold, node = name, &session = session, &loop = loop] {
            const auto put = put_agent_words(session, untold, node);
            const bool reached = put || session.refused();
            asio::post(loop, [weak, untold, put, reached] {
                const auto self = weak.lock();
                if (!self || self->over) return;
                self->pushing = false;
                self->tell_unput(put ? "" : put.error().message);
                if (put) self->roster.told(untold);
                if (put) return self->push();
                if (reached) self->push_retirements();
            });
        });
}

void SharedRecords::Work::tell_unput(const std::string& trouble) {
    if (trouble.empty()) {
        if (words_unput.is_over()) {
            runtime::log_info(
                "nothing that agents have said here waits for the pair's database any more");
        }
        return;
    }
    if (!words_unput.is_there(clock_now().monotonic)) return;
    runtime::log_warning(
        "what agents have said here can not be put into the database of the pair, so the other "
        "node may wait for one that has left, or not for one that has come: " +
        trouble);
}

void SharedRecords::Work::push_retirements() {
    const auto untold = retirements.untold();
    if (untold.empty()) return;
    pushing = worker->post([weak = weak_from_this(), untold, &session = session, &loop = loop] {
        std::vector<RetirementLedger::Change> told;
        for (const auto& change : untold) {
            const auto outcome = change.ended ? end_agent_retirement(session, change.retirement)
                                              : put_agent_retirement(session, change.retirement);
            if (outcome) told.push_back(change);
            if (!outcome && !session.refused()) break;
        }
        asio::post(loop, [weak, told] {
            const auto self = weak.lock();
            if (!self || self->over) return;
            self->pushing = false;
            for (const auto& change : told) {
                if (self->retirements.told(change)) self->keep(change.retirement.agent);
            }
            if (!told.empty()) self->push();  // what has come meanwhile
        });
    });
}

void SharedRecords::Work::pushed(const OfflineMark& mark, const Outcome& outcome) {
    const std::string what = mark.ended_at ? "not forced offline any more" : "forced offline";
    if (!outcome) {
        if (failures.try_emplace(mark.id, outcome.error().message).second)
            doors.note(Message::offline_not_shared, {mark.drive, what, outcome.error().message});
        return;
    }
    if (failures.erase(mark.id) != 0) doors.note(Message::offline_shared, {mark.drive, what});
    if (ledger.told(mark)) keep({mark.drive});
    if (ledger.is_told({mark.drive})) wait_over({mark.drive});
}

void SharedRecords::Work::wait_over(const DriveSerial& drive) {
    const auto found = waits.find(drive);
    if (found == waits.end() || std::exchange(found->second.over, true)) return;
    found->second.timer->cancel();
    doors.recorded(drive);
}

// ---- in

Result<SharedRecords::Work::Rows> SharedRecords::Work::read_rows(
    PrimarySession& session, const std::vector<std::string>& named) {
    auto marks = read_offline_marks(session, named);
    if (!marks) return marks.error();
    auto retirements = read_agent_retirements(session);
    if (!retirements) return retirements.error();
    auto words = read_agent_words(session);
    if (!words) return words.error();
    auto names = read_host_names(session);
    if (!names) return names.error();
    return Rows{std::move(marks).value(), std::move(words).value(), std::move(retirements).value(),
                std::move(names).value()};
}

void SharedRecords::Work::take_rows(const Rows& rows) {
    if (over) return;
    const auto wishes = ledger.compare(rows.marks, doors.drives());
    obeying = true;
    for (const auto& wish : wishes) {
        doors.note(wish.forced ? Message::offline_of_other_node : Message::offline_ended_by_other,
                   wish.forced ? std::vector<std::string>{wish.drive.text, wish.node, wish.reason}
                               : std::vector<std::string>{wish.drive.text, wish.reason});
        doors.obey(wish);
    }
    obeying = false;
    // Only now: a crash in between leads to another mark of the same drive, never to none.
    keep_all(ledger.adopt(rows.marks, doors.drives()));
    if (rows.words) {
        take_words(*rows.words);
    } else {
        roster.no_rows();
    }
    if (!over) take_retirements(rows.retirements);
    if (!over && rows.names) take_names(*rows.names);
    push();
}

// Nothing waits for it: what could not be put is put after the next look.
void SharedRecords::Work::take_names(const std::map<std::string, std::string>& rows) {
    doors.host_names_seen(rows);
    const auto own = rows.find(name);
    auto names = doors.host_names();
    if (names.empty() || (own != rows.end() && own->second == names)) return;
    static_cast<void>(worker->post([node = name, names = std::move(names), &session = session] {
        static_cast<void>(put_host_names(session, node, names));
    }));
}

bool SharedRecords::Work::counts_here(const core::AgentName& agent) const {
    const auto agents = doors.agents();
    return std::find(agents.begin(), agents.end(), agent) != agents.end();
}

void SharedRecords::Work::take_words(const std::vector<core::AgentWord>& rows) {
    std::vector<core::AgentWord> known;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(known),
                 [this](const auto& row) { return counts_here(row.agent); });
    for (const auto& news : roster.adopt(known)) {
        // In this order: after a crash in between it is news again, and heard twice does no harm.
        if (!over) doors.heard_elsewhere(news);
        if (!over) keep_word(news.word.agent);
    }
}

void SharedRecords::Work::take_retirements(const std::vector<AgentRetirement>& rows) {
    std::vector<AgentRetirement> known;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(known),
                 [this](const auto& row) { return counts_here(row.agent); });
    const auto adopted = retirements.adopt(known);
    for (const auto& agent : adopted.touched) {
        if (!over) keep(agent);
    }
    for (const auto& retirement : adopted.retired) {
        if (!over) doors.retired(retirement);
    }
}

// A take-over is long over when this is told.
void SharedRecords::Work::tell_unread(const std::string& trouble) {
    if (trouble.empty()) {
        if (unread.is_over())
            runtime::log_info("which drives the other node has forced offline is known again");
        return;
    }
    if (!unread.is_there(clock_now().monotonic)) return;
    runtime::log_warning(
        "which drives the other node has forced offline, or cleared, can not be read from the "
        "database of the pair, so they are shown as they were: " +
        trouble);
}

void SharedRecords::Work::look() {
    if (over) return;
    push();
    const bool posted = worker->post(
        [weak = weak_from_this(), named = ledger.open_ids(), &session = session, &loop = loop] {
            auto rows = read_rows(session, named);
            asio::post(loop, [weak, rows = std::move(rows)] {
                const auto self = weak.lock();
                if (!self || self->over) return;
                self->tell_unread(rows ? "" : rows.error().message);
                if (rows) self->take_rows(*rows);
                self->look_later();
            });
        });
    if (!posted) look_later();
}

void SharedRecords::Work::look_later() {
    tick.expires_after(looked_at_rows_every);
    tick.async_wait([weak = weak_from_this()](const std::error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->look();
    });
}

// ---- the class

SharedRecords::SharedRecords(asio::io_context& loop,
                             const runtime::PairDatabaseConfiguration& database, std::string node,
                             SharedRecordsDoors doors)
    : work_(std::make_shared<Work>(loop, database, std::move(node), std::move(doors))) {}

SharedRecords::~SharedRecords() {
    stop();
    work_->worker.reset();  // its thread uses the rest
}

void SharedRecords::begin(const std::vector<core::DriveRecord>& drives) {
    for (const auto& agent : work_->doors.agents()) {
        const auto text = work_->doors.recall(retirement_note_name(agent));
        if (!text) return work_->doors.broken(text.error().message);
        if (*text) work_->retirements.recall(agent, **text);
        const auto word = work_->doors.recall(presence_note_name(agent));
        if (!word) return work_->doors.broken(word.error().message);
        if (*word) work_->roster.recall(agent, **word);
    }
    for (const auto& drive : drives) {
        const auto text = work_->doors.recall(offline_note_name(drive.drive));
        if (!text) return work_->doors.broken(text.error().message);
        if (*text) work_->ledger.recall(drive.drive, marks_from(drive.drive, **text));
        if (work_->ledger.follow_at_start(drive, clock_now().wall)) work_->keep(drive.drive);
        if (work_->over) return;
    }
    work_->begun = true;
    work_->push();
    work_->look_later();
}

void SharedRecords::stop() {
    work_->over = true;
    work_->ending->store(true);
    work_->tick.cancel();
    work_->waits.clear();
    if (work_->worker) work_->worker->stop();
}

void SharedRecords::follow(const core::DriveRecord& drive, const std::string& by) {
    // Before its marks are recalled a drive has none, and must not get another one.
    if (!work_->begun || work_->over || work_->obeying) return;
    if (!work_->ledger.follow(drive, by, clock_now().wall)) return;
    work_->waits.erase(drive.drive);
    work_->keep(drive.drive);
    work_->push();
}

void SharedRecords::forced_anew(const DriveSerial& drive) {
    if (!work_->obeying) work_->ledger.forced_anew(drive);
}

void SharedRecords::retire(const core::AgentName& agent, const std::string& actor,
                           const std::string& reason) {
    if (work_->over) return;
    const auto now = clock_now().wall;
    const auto* before = work_->retirements.find(agent);
    // The clock may go back: an id that was used is not used again, nor is an era.
    const auto number = std::max({now.ms, before != nullptr ? before->since.ms + 1 : 0,
                                  static_cast<std::int64_t>(work_->roster.era_of(agent)) + 1});
    work_->retirements.retire(
        {agent, work_->name + ":" + std::to_string(number), actor, reason, {number}});
    work_->keep(agent);
    work_->roster.retire(agent, static_cast<std::uint64_t>(number));
    work_->keep_word(agent);
    work_->push();
}

void SharedRecords::heard(const core::AgentName& agent, std::uint64_t incarnation, bool stopping) {
    if (work_->over) return;
    const bool is_back = !stopping && work_->retirements.returned(agent);
    const bool is_news = work_->roster.hear(agent, incarnation, stopping);
    // In this order: what has ended a retirement outlives the retirement.
    if (is_news) work_->keep_word(agent);
    if (is_back) work_->keep(agent);
    if (is_back || is_news) work_->push();
}

void SharedRecords::forget(const postgres::AgentRetirement& retirement) {
    const auto era = static_cast<std::uint64_t>(std::max<std::int64_t>(retirement.since.ms, 0));
    if (work_->over || !work_->roster.retire(retirement.agent, era)) return;
    work_->keep_word(retirement.agent);
    work_->push();
}

void SharedRecords::overrule(const postgres::AgentRetirement& retirement,
                             std::uint64_t incarnation) {
    forget(retirement);
    heard(retirement.agent, incarnation, false);
}

const core::AgentRoster& SharedRecords::roster() const {
    return work_->roster;
}

const postgres::AgentRetirement* SharedRecords::retirement_of(const core::AgentName& agent) const {
    return work_->retirements.find(agent);
}

void SharedRecords::serve() {
    const auto now = clock_now().wall;
    for (const auto& drive : work_->doors.drives()) {
        if (work_->over) return;
        if (work_->ledger.serve(drive, now)) work_->keep(drive.drive);
    }
    work_->push();
}

bool SharedRecords::is_to_wait(const DriveSerial& drive) {
    if (work_->over || work_->obeying || work_->ledger.is_told(drive)) return false;
    auto& wait = work_->waits[drive];
    if (wait.timer) return !wait.over;
    wait.timer = std::make_unique<asio::steady_timer>(
        work_->loop, std::chrono::milliseconds(record_patience.ms));
    wait.timer->async_wait([weak = std::weak_ptr(work_), drive](const std::error_code& error) {
        const auto work = weak.lock();
        if (!error && work && !work->over) work->wait_over(drive);
    });
    return true;
}

void SharedRecords::read_before_serving(const std::function<void(const Outcome&)>& done) {
    work_->hurry->store(true);
    const bool posted = work_->worker->post([weak = std::weak_ptr(work_), done,
                                             hurry = work_->hurry, named = work_->ledger.open_ids(),
                                             &session = work_->session, &loop = work_->loop] {
        hurry->store(false);
        auto rows = [&]() -> Result<Work::Rows> {
            if (auto connected = session.connect(true); !connected) return connected.error();
            return Work::read_rows(session, named);
        }();
        asio::post(loop, [weak, done, rows = std::move(rows)] {
            const auto work = weak.lock();
            if (!work || work->over) return;
            if (!rows) return done(rows.error());
            work->take_rows(*rows);
            if (!work->over) done(core::Nothing{});
        });
    });
    if (posted) return;
    work_->hurry->store(false);
    asio::post(work_->loop, [done] { done(core::Error{"too much waits for the database"}); });
}

std::vector<std::string> SharedRecords::open_marks(const DriveSerial& drive) const {
    std::vector<std::string> ids;
    for (const auto& local : work_->ledger.marks_of(drive)) {
        if (!local.mark.ended_at) ids.push_back(local.mark.id);
    }
    return ids;
}

std::size_t SharedRecords::untold() const {
    return work_->ledger.untold().size();
}

}  // namespace agent::lrad
