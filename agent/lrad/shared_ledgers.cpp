#include "agent/lrad/shared_ledgers.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cstdint>
#include <utility>

#include "agent/lrad/lasting_trouble.hpp"
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
          node(std::move(this_node)),
          session(database,
                  [tenure = tenure, job = tenure_of_job] { return tenure->load() != job->load(); }),
          worker(std::make_unique<mounts::Worker>(ledger_jobs_max)) {}

    template <typename Answer>
    void post(std::function<Answer()> ask, std::function<void(const Answer&)> then);
    [[nodiscard]] Outcome be_at_home();
    void tell(const Outcome& outcome);

    asio::io_context& loop;
    const std::string node;
    LastingTrouble trouble{ledger_patience};
    // Rises when this node leaves service; a job of an earlier one is not begun, or given up.
    std::shared_ptr<std::atomic<std::uint64_t>> tenure =
        std::make_shared<std::atomic<std::uint64_t>>(1);
    std::shared_ptr<std::atomic<std::uint64_t>> tenure_of_job =
        std::make_shared<std::atomic<std::uint64_t>>(1);
    std::uint64_t newest = 0;                // number of a row; the worker's
    PrimarySession session;                  // the worker's
    std::unique_ptr<mounts::Worker> worker;  // last: it uses the others
};

// Only here: on the other node's server this one would write what counts no more.
Outcome SharedLedgers::Work::be_at_home() {
    if (session.is_own()) return core::Nothing{};
    return session.connect(true);
}

template <typename Answer>
void SharedLedgers::Work::post(std::function<Answer()> ask,
                               std::function<void(const Answer&)> then) {
    const auto of = tenure->load();
    const auto answered = [weak = weak_from_this(), of, then](const Answer& answer) {
        const auto self = weak.lock();
        if (!self || self->tenure->load() != of) return;
        self->tell(answer ? Outcome(core::Nothing{}) : Outcome(answer.error()));
        then(answer);
    };
    const bool posted = worker->post([this, of, ask = std::move(ask), answered] {
        tenure_of_job->store(of);
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

void SharedLedgers::Work::tell(const Outcome& outcome) {
    if (outcome) {
        if (trouble.is_over())
            runtime::log_info("the ledgers of hosts without an agent are read and written again");
        return;
    }
    if (!trouble.is_there(runtime::clock_now().monotonic)) return;
    runtime::log_error(
        "the ledgers of hosts without an agent can not be read or written in the database of the "
        "pair, so nothing is changed on these hosts, and their confirmations are missing: " +
        outcome.error().message);
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
        [&work = *work_, agent]() -> LedgerDoors::Rows {
            auto ledgers = read_host_ledger(work.session, agent);
            if (!ledgers) return ledgers.error();
            work.newest = std::max(work.newest, ledgers->newest);
            return std::move(ledgers->rows);
        },
        std::move(then));
}

// A statement whose end was not seen may still come: the next one has a higher number.
void SharedLedgers::put(const core::HostLedgerRow& row,
                        std::function<void(const core::Outcome&)> then) {
    work_->post<Outcome>(
        [&work = *work_, row] {
            return put_host_ledger_row(work.session, row, ++work.newest, work.node);
        },
        std::move(then));
}

void SharedLedgers::leave() {
    work_->tenure->fetch_add(1);
    static_cast<void>(work_->trouble.is_over());
}

void SharedLedgers::stop() {
    leave();
    if (work_->worker) work_->worker->stop();
}

}  // namespace agent::lrad
