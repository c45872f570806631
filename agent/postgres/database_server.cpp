#include "agent/postgres/database_server.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "agent/postgres/node_server.hpp"
#include "agent/postgres/record_writer.hpp"
#include "agent/postgres/server_watch.hpp"

namespace agent::postgres {

using core::Message;
using core::Outcome;
using pair::DataSeen;
using pair::Order;
using pair::OrderAnswered;
using pair::Step;

namespace {

constexpr std::chrono::minutes log_looked_at_every{1};

}  // namespace

// Three threads: the one of the orders owns the server, the watch looks at it, and the writer waits
// for barriers. What they have to say is posted to the loop.
class DatabaseServer::Work {
  public:
    Work(DatabaseServer& door, asio::io_context& loop,
         runtime::PairDatabaseConfiguration configuration, pair::Node node, Tell tell)
        : door_(door),
          configuration_(std::move(configuration)),
          node_(node),
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

    // The same words once: what fails is tried again and again.
    void tell_failed(Step step, const std::string& words) {
        if (std::exchange(failures_[step], words) == words) return;
        line_.tell(Message::database_step_failed, {std::string(to_text(step)), words});
    }
    void see(const DataSeen& data) {
        line_.post([this, data] {
            if (shown_ == data) return;
            shown_ = data;
            if (door_.on_seen) door_.on_seen(data);
        });
    }

    // ---- the thread of the orders

    void work();
    bool begin();
    bool prepare();
    void begin_watch();
    // Reading a copy is no reason to wait for who stops the server at once, or ends this.
    [[nodiscard]] bool is_given_up() const {
        return line_.is_stop_at_once_newer(number_) || line_.is_stopping();
    }
    void carry_out_now(const Job& job);
    [[nodiscard]] OrderAnswered stop(const Order& order);
    [[nodiscard]] Outcome step(const Order& order);
    void write_barrier(const Job& job);

    DatabaseServer& door_;
    runtime::PairDatabaseConfiguration configuration_;
    pair::Node node_;
    OrderLine line_;
    std::optional<DataSeen> shown_;  // the loop's

    // The thread's own.
    std::unique_ptr<NodeServer> server_;
    std::unique_ptr<ServerWatch> watch_;
    std::unique_ptr<RecordWriter> writer_;
    std::string trouble_;  // why there is no server_
    std::map<Step, std::string> failures_;
    bool synchronous_ = false;
    std::uint64_t number_ = 0;  // of the order under way
    std::thread thread_;        // last: it uses the others
};

bool DatabaseServer::Work::prepare() {
    auto owner = server_owner(configuration_.user);
    if (!owner) {
        trouble_ = owner.error().message;
        return false;
    }
    ServerEars ears;
    ears.tell = [this](Message message, std::vector<std::string> arguments) {
        line_.tell(message, std::move(arguments));
    };
    ears.seen = [this](const DataSeen& data) { see(data); };
    ears.hurried = [this] { return line_.is_stop_at_once_newer(number_); };
    ears.up = [this](ServerRole, std::shared_ptr<ProcessEnd> end) {
        watch_->begin(std::move(end));
    };
    ears.down = [this] {
        synchronous_ = false;
        watch_->end();
        writer_->give_up();
    };
    auto server = std::make_unique<NodeServer>(configuration_, node_, *owner, std::move(ears));
    if (auto prepared = server->prepare(); !prepared) {
        trouble_ = prepared.error().message;
        return false;
    }
    server_ = std::move(server);
    return true;
}

void DatabaseServer::Work::begin_watch() {
    WatchOptions options;
    options.connection = own_connection(configuration_, superuser_role, database_name);
    options.peer = follower_name(pair::other(node_));
    options.answer_within = configuration_.answer_timeout;
    watch_ = std::make_unique<ServerWatch>(
        options, [this](const DataSeen& data) { see(data); },
        [this](const std::string& why) {
            line_.tell(Message::database_lost, {why});
            writer_->give_up();
            line_.post([this] {
                shown_.reset();  // whatever is seen next is news
                if (door_.on_lost) door_.on_lost();
            });
        });
    writer_ = std::make_unique<RecordWriter>(
        options.connection, [this](std::uint64_t epoch, const std::string& words) {
            line_.tell(Message::commit_not_believed, {std::to_string(epoch), words});
        });
}

// What runs there was left by somebody: it is stopped, and what it holds is told.
bool DatabaseServer::Work::begin() {
    if (!prepare()) return false;
    const auto stopped = server_->stop(StopHow::in_order, [this] { return is_given_up(); });
    if (!stopped.told) see({});
    return true;
}

void DatabaseServer::Work::work() {
    begin_watch();
    if (!begin()) {
        line_.tell(Message::database_step_failed, {"looking after the server", trouble_});
        see({});
    }
    while (!line_.is_stopping()) {
        if (const auto job = line_.take(log_looked_at_every)) {
            carry_out_now(*job);
        } else if (server_ && !line_.is_stopping()) {
            server_->trim_log();
        }
    }
    if (server_) static_cast<void>(server_->leave());
    watch_.reset();  // it gives the writer's work up when the server is lost
    writer_.reset();
    server_.reset();
}

void DatabaseServer::Work::carry_out_now(const Job& job) {
    number_ = job.order.number;
    // What made it impossible may have been repaired.
    if (!server_ && !begin()) {
        tell_failed(job.order.step, trouble_);
        OrderAnswered no;
        no.number = job.order.number;
        line_.answer(job.answered, no);
        return;
    }
    if (job.order.step == Step::barrier) {
        write_barrier(job);
        return;
    }
    if (stops(job.order.step)) {
        line_.answer(job.answered, stop(job.order));
        return;
    }
    OrderAnswered answered;
    answered.number = job.order.number;
    const auto done = step(job.order);
    answered.done = done.ok();
    if (done) {
        failures_.erase(job.order.step);
    } else {
        tell_failed(job.order.step, done.error().message);
    }
    line_.answer(job.answered, answered);
}

OrderAnswered DatabaseServer::Work::stop(const Order& order) {
    const auto stopped = server_->stop(stops_at_once(order) ? StopHow::at_once : StopHow::in_order,
                                       [this] { return is_given_up(); });
    if (!stopped.down) {
        tell_failed(order.step,
                    "a process of the server does not even die of SIGKILL; its disk hangs");
    }
    return {order.number, stopped.down, stopped.clean, stopped.position};
}

Outcome DatabaseServer::Work::step(const Order& order) {
    const Interrupted by_stop = [this, &order] { return line_.is_stop_newer(order.number); };
    const Interrupted by_any = [this, &order] { return line_.is_newer(order.number); };
    switch (order.step) {
        case Step::start_synchronous: {
            auto done = server_->serve(true, by_stop);
            synchronous_ = done.ok();
            return done;
        }
        case Step::start_alone:
        case Step::promote: {
            auto done = server_->serve(false, by_stop);
            if (done) synchronous_ = false;
            return done;
        }
        case Step::follow_peer:
            return server_->follow(by_any);
        case Step::checkpoint:
            return server_->checkpoint(by_stop);
        case Step::synchronous_on: {
            auto done = server_->set_synchronous(true, by_stop);
            synchronous_ = done.ok();
            return done;
        }
        case Step::synchronous_off: {
            auto done = server_->set_synchronous(false, by_stop);
            if (done) synchronous_ = false;
            return done;
        }
        case Step::stop_database:
        case Step::stop_database_at_once:
        case Step::barrier:
        case Step::read_register:
        case Step::vote_alone:
        case Step::vote_pair:
        case Step::vote_forced:
        case Step::await_standby:
        case Step::fence_old:
        case Step::judge_claims:
            break;
    }
    return core::Error{"that is nothing that a database server does"};
}

void DatabaseServer::Work::write_barrier(const Job& job) {
    const Order order = job.order;
    const EpochRecord record{order.epoch, order.relation, order.primary};
    const std::string peer = synchronous_ ? server_->peer_name() : "";
    writer_->write(record, peer, [this, order, answered = job.answered](const Written& written) {
        OrderAnswered with;
        with.number = order.number;
        with.done = written.end == WriteEnd::done;
        if (!with.done) {
            line_.tell(Message::database_step_failed,
                       {"the record of epoch " + std::to_string(order.epoch), written.words});
        } else {
            line_.post([this, order] {
                if (!shown_) return;
                DataSeen data = *shown_;
                data.epoch = order.epoch;
                data.relation = order.relation;
                data.primary = order.primary;
                if (shown_ == data) return;
                shown_ = data;
                if (door_.on_seen) door_.on_seen(data);
            });
        }
        line_.answer(answered, with);
    });
}

DatabaseServer::DatabaseServer(asio::io_context& loop,
                               runtime::PairDatabaseConfiguration configuration, pair::Node node,
                               Tell tell)
    : work_(std::make_unique<Work>(*this, loop, std::move(configuration), node, std::move(tell))) {}

DatabaseServer::~DatabaseServer() = default;

void DatabaseServer::start() {
    work_->start();
}

void DatabaseServer::carry_out(const Order& order,
                               std::function<void(const OrderAnswered&)> answered) {
    work_->carry_out(order, std::move(answered));
}

std::vector<std::string> table_connections(
    const runtime::PairDatabaseConfiguration& configuration) {
    if (configuration.mode == runtime::PairDatabaseConfiguration::Mode::external)
        return configuration.servers;
    return {own_connection(configuration, owner_role, database_name)};
}

}  // namespace agent::postgres
