#include "agent/lrad/shared_ledgers.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cstdint>
#include <utility>

#include "agent/lrad/row_troubles.hpp"
#include "agent/mounts/worker.hpp"
#include "agent/postgres/host_ledgers.hpp"
#include "agent/postgres/primary_session.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

using agentless::LedgerDoors;
using core::Outcome;
using postgres::PrimarySession;

namespace {

// Rows of all drives at all hosts may be due at once.
constexpr std::size_t ledger_jobs_max = 4'096;
constexpr core::Duration ledger_patience{10'000};

}  // namespace

class SharedLedgers::Work : public std::enable_shared_from_this<SharedLedgers::Work> {
  public:
    Work(asio::io_context& event_loop, const runtime::PairDatabaseConfiguration& database,
         std::string this_node)
        : loop(event_loop),
          session(database,
                  [tenure = tenure, job = tenure_of_job] { return tenure->load() != job->load(); }),
          rows(session, std::move(this_node)),
          worker(std::make_unique<mounts::Worker>(ledger_jobs_max)) {}

    // `what`: the row, or the host whose rows it is about, in words.
    template <typename Answer>
    void post(std::string what, std::function<Answer()> ask,
              std::function<void(const Answer&)> then);
    void begin(std::uint64_t tenure_of_this_job);
    [[nodiscard]] Outcome be_at_home();
    void tell(const std::string& what, const Outcome& outcome);

    asio::io_context& loop;
    RowTroubles troubles{ledger_patience};
    // Rises when this node leaves service; a job of an earlier one is not begun, or given up.
    std::shared_ptr<std::atomic<std::uint64_t>> tenure =
        std::make_shared<std::atomic<std::uint64_t>>(1);
    std::shared_ptr<std::atomic<std::uint64_t>> tenure_of_job =
        std::make_shared<std::atomic<std::uint64_t>>(1);
    PrimarySession session;                  // the worker's
    postgres::HostLedgerRows rows;           // the worker's
    std::unique_ptr<mounts::Worker> worker;  // last: it uses the others
};

// Only here: on the other node's server this one would write what counts no more.
Outcome SharedLedgers::Work::be_at_home() {
    if (session.is_own()) return core::Nothing{};
    return session.connect(true);
}

// The other node may have served since this one did.
void SharedLedgers::Work::begin(std::uint64_t tenure_of_this_job) {
    if (tenure_of_job->exchange(tenure_of_this_job) != tenure_of_this_job) rows.begin_anew();
}

template <typename Answer>
void SharedLedgers::Work::post(std::string what, std::function<Answer()> ask,
                               std::function<void(const Answer&)> then) {
    const auto of = tenure->load();
    const auto answered = [weak = weak_from_this(), of, what = std::move(what),
                           then](const Answer& answer) {
        const auto self = weak.lock();
        if (!self || self->tenure->load() != of) return;
        self->tell(what, answer ? Outcome(core::Nothing{}) : Outcome(answer.error()));
        then(answer);
    };
    const bool posted = worker->post([this, of, ask = std::move(ask), answered] {
        begin(of);
        if (tenure->load() != of) return;
        const auto home = be_at_home();
        asio::post(loop,
                   [answered, answer = home ? ask() : Answer(home.error())] { answered(answer); });
    });
    if (posted) return;
    asio::post(loop, [answered] {
        answered(Answer(core::Error{"too much waits for the database already"}));
    });
}

void SharedLedgers::Work::tell(const std::string& what, const Outcome& outcome) {
    using Word = RowTroubles::Word;
    const auto word =
        outcome ? troubles.worked(what) : troubles.failed(what, runtime::clock_now().monotonic);
    switch (word) {
        case Word::nothing:
            return;
        case Word::all_fail:
            return runtime::log_error(
                "the ledgers of hosts without an agent can not be read or written in the database "
                "of the pair, so nothing is changed on these hosts, and their confirmations are "
                "missing: " +
                what + ": " + outcome.error().message);
        case Word::this_one:
            return runtime::log_error(
                "the ledgers of hosts without an agent: " + what +
                " can not be read or written in the database of the pair while others can, so "
                "nothing is changed there: " +
                outcome.error().message);
        case Word::all_work:
            return runtime::log_info(
                "the ledgers of hosts without an agent are read and written again");
        case Word::works:
            return runtime::log_info("the ledgers of hosts without an agent: " + what +
                                     " is read and written again");
    }
}

SharedLedgers::SharedLedgers(asio::io_context& loop,
                             const runtime::PairDatabaseConfiguration& database, std::string node)
    : work_(std::make_shared<Work>(loop, database, std::move(node))) {}

SharedLedgers::~SharedLedgers() {
    stop();
    work_->worker.reset();  // its thread uses the rest
}

void SharedLedgers::read(const core::AgentName& agent,
                         std::function<void(const LedgerDoors::Rows&)> then) {
    work_->post<LedgerDoors::Rows>(
        "agent " + agent,
        [&work = *work_, agent]() -> LedgerDoors::Rows { return work.rows.read(agent); },
        std::move(then));
}

void SharedLedgers::read_open(std::function<void(const LedgerDoors::Rows&)> then) {
    work_->post<LedgerDoors::Rows>(
        "what is offline on them", [&work = *work_] { return work.rows.read_open(); },
        std::move(then));
}

void SharedLedgers::put(const core::HostLedgerRow& row,
                        std::function<void(const core::Outcome&)> then) {
    work_->post<Outcome>(
        "drive " + row.entry.drive.text + " at agent " + row.agent,
        [&work = *work_, row] { return work.rows.put(row); }, std::move(then));
}

void SharedLedgers::strike_out(const core::AgentName& agent,
                               std::function<void(const core::Outcome&)> then) {
    work_->post<Outcome>(
        "agent " + agent,
        [&work = *work_, agent, now = runtime::clock_now().wall] {
            return work.rows.strike_out(agent, now);
        },
        std::move(then));
}

void SharedLedgers::leave() {
    work_->tenure->fetch_add(1);
    work_->troubles.forget();
}

void SharedLedgers::stop() {
    leave();
    if (work_->worker) work_->worker->stop();
}

}  // namespace agent::lrad
