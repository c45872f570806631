#include "agent/postgres/external_server.hpp"

#include <unistd.h>

#include <asio/io_context.hpp>
#include <chrono>
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

constexpr std::chrono::milliseconds looked_at_every{500};
constexpr Duration reached_within{2'000};
constexpr Duration recorded_within{15'000};
constexpr int doubted_times_max = 4;

enum class Role : std::uint8_t { none, primary, standby };

}  // namespace

// One thread owns the session; what it has to say is posted to the loop.
class ExternalServer::Work {
  public:
    Work(ExternalServer& door, asio::io_context& loop,
         runtime::PairDatabaseConfiguration configuration, std::string cluster, Tell tell)
        : door_(door),
          configuration_(std::move(configuration)),
          cluster_(std::move(cluster)),
          line_(loop, std::move(tell)) {}

    ~Work() {
        line_.stop();
        if (thread_.joinable()) thread_.join();
    }

    void start() {
        thread_ = std::thread([this] { work(); });
    }

    void carry_out(const Order& order, OrderLine::Answered answered) {
        line_.put(order, std::move(answered));
    }

  private:
    using Job = OrderLine::Job;

    // ---- to the loop

    void tell_failed(const std::string& what, const std::string& words) {
        if (std::exchange(trouble_, words) == words) return;
        line_.tell(Message::database_step_failed, {what, words});
    }
    void see(const DataSeen& data) {
        if (shown_ == data) return;
        shown_ = data;
        line_.post([this, data] {
            if (door_.on_seen) door_.on_seen(data);
        });
    }

    // ---- its thread

    void work();
    // An order to stop the database waits for nobody, nor does the end of this.
    [[nodiscard]] bool is_given_up() const { return line_.is_stop_newer(number_); }
    [[nodiscard]] Outcome reach();
    [[nodiscard]] Outcome try_server(const std::string& connection);
    [[nodiscard]] Outcome look();
    void look_and_tell();
    void carry_out_now(const Job& job);
    [[nodiscard]] Outcome write_barrier(const Order& order);

    ExternalServer& door_;
    runtime::PairDatabaseConfiguration configuration_;
    std::string cluster_;
    OrderLine line_;

    // The thread's own.
    std::unique_ptr<ServerSession> session_;
    Role role_ = Role::none;
    std::optional<DataSeen> shown_;
    std::string trouble_;
    std::uint64_t marks_ = 0;
    std::uint64_t number_ = 0;  // of the newest order that was begun
    std::thread thread_;        // last: it uses the others
};

void ExternalServer::Work::work() {
    while (!line_.is_stopping()) {
        look_and_tell();
        if (const auto job = line_.take(looked_at_every)) carry_out_now(*job);
    }
}

Outcome ExternalServer::Work::try_server(const std::string& connection) {
    auto opened = ServerSession::open(connection, reached_within, [this] { return is_given_up(); });
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
    if (rows->front()[3] != cluster_) {
        return Error{"the database is that of the pair " + rows->front()[3] +
                     "; each pair needs one of its own"};
    }
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
    if (is_given_up()) return;  // cut short, which says nothing of the database
    if (role_ == Role::none) {
        tell_failed("looking at the site's database", seen.error().message);
        if (!shown_) see({});
        return;
    }
    trouble_ = seen.error().message;
    role_ = Role::none;
    shown_.reset();  // whatever is seen next is news
    line_.tell(Message::database_lost, {"does not answer: " + trouble_});
    line_.post([this] {
        if (door_.on_lost) door_.on_lost();
    });
}

void ExternalServer::Work::carry_out_now(const Job& job) {
    number_ = job.order.number;
    OrderAnswered answered;
    answered.number = number_;
    const Step step = job.order.step;
    if (stops(step)) {
        role_ = Role::none;
        answered.done = answered.clean = true;
        if (look()) answered.position = shown_->position;
        return line_.answer(job.answered, answered);
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
    line_.answer(job.answered, answered);
}

// Written again until it comes back without a doubt, as RecordWriter does.
Outcome ExternalServer::Work::write_barrier(const Order& order) {
    Written last{WriteEnd::doubted, "it was not tried"};
    for (int times = 0; times < doubted_times_max && !is_given_up(); ++times) {
        if (auto reached = reach(); !reached) return reached;
        const std::string mark =
            std::to_string(::getpid()) + "-external-" + std::to_string(++marks_);
        last = write_record(*session_, {order.epoch, order.relation, order.primary}, mark, "",
                            recorded_within);
        if (last.end == WriteEnd::done) return Nothing{};
        session_.reset();
        if (last.end == WriteEnd::refused) break;
        line_.tell(Message::commit_not_believed, {std::to_string(order.epoch), last.words});
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
