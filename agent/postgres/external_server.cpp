#include "agent/postgres/external_server.hpp"

#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "agent/postgres/epoch_record.hpp"
#include "agent/postgres/server_session.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Message;
using core::Nothing;
using core::Outcome;
using pair::DataSeen;
using pair::Order;
using pair::OrderAnswered;
using pair::Step;

namespace {

constexpr std::size_t orders_waiting_max = 64;
constexpr std::chrono::milliseconds looked_at_every{500};
constexpr Duration reached_within{2'000};
constexpr Duration recorded_within{15'000};
constexpr int doubted_times_max = 4;

enum class Role : std::uint8_t { none, primary, standby };

}  // namespace

// One thread owns the session; what it has to say is posted to the loop.
class ExternalServer::Work {
  public:
    using Answered = std::function<void(const OrderAnswered&)>;

    Work(ExternalServer& door, asio::io_context& loop,
         runtime::PairDatabaseConfiguration configuration, std::string cluster, Tell tell)
        : door_(door),
          loop_(loop),
          configuration_(std::move(configuration)),
          cluster_(std::move(cluster)),
          tell_(std::move(tell)) {}

    ~Work() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            jobs_.clear();
            changed_.notify_all();
        }
        if (thread_.joinable()) thread_.join();
    }

    void start() {
        thread_ = std::thread([this] { work(); });
    }

    void carry_out(const Order& order, Answered answered) {
        const std::lock_guard lock(mutex_);
        if (stopping_ || jobs_.size() >= orders_waiting_max) {
            OrderAnswered no;
            no.number = order.number;
            return answer(std::move(answered), no);
        }
        jobs_.push_back({order, std::move(answered)});
        changed_.notify_all();
    }

  private:
    struct Job {
        Order order;
        Answered answered;
    };

    // ---- to the loop

    void to_loop(std::function<void()> what) {
        asio::post(loop_, [alive = std::weak_ptr<int>(alive_), what = std::move(what)] {
            if (!alive.expired()) what();
        });
    }
    void answer(Answered answered, OrderAnswered with) {
        to_loop([answered = std::move(answered), with] { answered(with); });
    }
    void tell(Message message, std::vector<std::string> arguments) {
        to_loop([this, message, arguments = std::move(arguments)] { tell_(message, arguments); });
    }
    void tell_failed(const std::string& what, const std::string& words) {
        if (std::exchange(trouble_, words) == words) return;
        tell(Message::database_step_failed, {what, words});
    }
    void see(const DataSeen& data) {
        if (shown_ == data) return;
        shown_ = data;
        to_loop([this, data] {
            if (door_.on_seen) door_.on_seen(data);
        });
    }

    // ---- its thread

    void work();
    [[nodiscard]] Outcome reach();
    [[nodiscard]] Outcome try_server(const std::string& connection);
    [[nodiscard]] Outcome look();
    void look_and_tell();
    void carry_out_now(const Job& job);
    [[nodiscard]] Outcome write_barrier(const Order& order);

    ExternalServer& door_;
    asio::io_context& loop_;
    runtime::PairDatabaseConfiguration configuration_;
    std::string cluster_;
    Tell tell_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);

    std::mutex mutex_;  // guards the next two
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    std::atomic<bool> stopping_ = false;

    // The thread's own.
    std::unique_ptr<ServerSession> session_;
    Role role_ = Role::none;
    std::optional<DataSeen> shown_;
    std::string trouble_;
    std::uint64_t marks_ = 0;
    std::thread thread_;  // last: it uses the others
};

void ExternalServer::Work::work() {
    for (;;) {
        look_and_tell();
        Job job;
        {
            std::unique_lock lock(mutex_);
            const bool come = changed_.wait_for(
                lock, looked_at_every, [this] { return stopping_.load() || !jobs_.empty(); });
            if (stopping_) return;
            if (!come) continue;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        carry_out_now(job);
    }
}

Outcome ExternalServer::Work::try_server(const std::string& connection) {
    auto opened =
        ServerSession::open(connection, reached_within, [this] { return stopping_.load(); });
    if (!opened) return opened.error();
    const auto standby =
        opened.value()->run("SELECT pg_is_in_recovery()", {}, configuration_.answer_timeout);
    if (!standby) return standby.error();
    if (standby->front().front() != "f") return Error{"it is a standby"};
    const auto made = opened.value()->run(epoch_table_if_missing(cluster_, first_record), {},
                                          configuration_.answer_timeout);
    if (!made) return made.error();
    session_ = std::move(opened).value();
    return Nothing{};
}

Outcome ExternalServer::Work::reach() {
    if (session_) return Nothing{};
    std::string all;
    for (const auto& connection : configuration_.servers) {
        auto tried = try_server(connection);
        if (tried) return tried;
        all += (all.empty() ? "" : "; ") + tried.error().message;
    }
    return Error{"no server of pair.database.servers takes writes: " + all};
}

Outcome ExternalServer::Work::look() {
    if (auto reached = reach(); !reached) return reached;
    const auto rows = session_->run("SELECT epoch, relation, node, cluster FROM pair_epoch", {},
                                    configuration_.answer_timeout);
    if (!rows) return rows.error();
    const auto record = rows->size() == 1 ? record_from_row(rows->front(), 0) : std::nullopt;
    if (!record) return Error{"the record in the table pair_epoch can not be read"};
    if (rows->front()[3] != cluster_)
        return Error{"the database is that of the pair " + rows->front()[3] +
                     "; each pair needs one of its own"};
    DataSeen data;
    data.epoch = record->epoch;
    data.relation = record->relation;
    data.primary = record->primary;
    data.position = {1, record->epoch};
    // There is one copy, and both nodes have it.
    if (role_ == Role::primary) data.standby = DataSeen::Standby::in_sync;
    data.receives = role_ == Role::standby;
    see(data);
    return Nothing{};
}

void ExternalServer::Work::look_and_tell() {
    const auto seen = look();
    if (seen) return trouble_.clear();
    session_.reset();
    if (role_ == Role::none) {
        tell_failed("looking at the site's database", seen.error().message);
        if (!shown_) see({});
        return;
    }
    trouble_ = seen.error().message;
    role_ = Role::none;
    shown_.reset();  // whatever is seen next is news
    tell(Message::database_lost, {"does not answer: " + trouble_});
    to_loop([this] {
        if (door_.on_lost) door_.on_lost();
    });
}

void ExternalServer::Work::carry_out_now(const Job& job) {
    OrderAnswered answered;
    answered.number = job.order.number;
    const Step step = job.order.step;
    if (step == Step::stop_database || step == Step::stop_database_at_once) {
        role_ = Role::none;
        answered.done = answered.clean = true;
        if (look()) answered.position = shown_->position;
        return answer(job.answered, answered);
    }
    Outcome done = reach();
    if (done && step == Step::barrier) done = write_barrier(job.order);
    answered.done = done.ok();
    if (!done) tell_failed(std::string(to_text(step)), done.error().message);
    if (done &&
        (step == Step::start_synchronous || step == Step::start_alone || step == Step::promote))
        role_ = Role::primary;
    if (done && step == Step::follow_peer) role_ = Role::standby;
    look_and_tell();
    answer(job.answered, answered);
}

// Written again until it comes back without a doubt, as RecordWriter does.
Outcome ExternalServer::Work::write_barrier(const Order& order) {
    Written last{WriteEnd::doubted, "it was not tried"};
    for (int times = 0; times < doubted_times_max && !stopping_; ++times) {
        if (auto reached = reach(); !reached) return reached;
        const std::string mark =
            std::to_string(::getpid()) + "-external-" + std::to_string(++marks_);
        last = write_record(*session_, {order.epoch, order.relation, order.primary}, mark, "",
                            recorded_within);
        if (last.end == WriteEnd::done) return Nothing{};
        session_.reset();
        if (last.end == WriteEnd::refused) break;
        tell(Message::commit_not_believed, {std::to_string(order.epoch), last.words});
    }
    return Error{last.words};
}

ExternalServer::ExternalServer(asio::io_context& loop,
                               runtime::PairDatabaseConfiguration configuration,
                               std::string cluster, Tell tell)
    : work_(std::make_unique<Work>(*this, loop, std::move(configuration), std::move(cluster),
                                   std::move(tell))) {}

ExternalServer::~ExternalServer() = default;

void ExternalServer::start() {
    work_->start();
}

void ExternalServer::carry_out(const Order& order,
                               std::function<void(const OrderAnswered&)> answered) {
    work_->carry_out(order, std::move(answered));
}

std::unique_ptr<pair_node::DatabaseDoor> database_of_pair(
    asio::io_context& loop, const runtime::PairDatabaseConfiguration& configuration,
    pair::Node node, const std::string& cluster, Tell tell) {
    if (configuration.mode == runtime::PairDatabaseConfiguration::Mode::external)
        return std::make_unique<ExternalServer>(loop, configuration, cluster, std::move(tell));
    return std::make_unique<DatabaseServer>(loop, configuration, node, std::move(tell));
}

}  // namespace agent::postgres
