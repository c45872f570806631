#pragma once

// Two real PostgreSQL servers of one pair on this machine, each behind the door that the rules of
// the pair order them through, and people who kill, suspend and meddle.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "agent/postgres/database_server.hpp"
#include "agent/postgres/server_files.hpp"
#include "agent/postgres/server_session.hpp"

namespace two_servers {

using agent::core::Message;
using agent::pair::DataSeen;
using agent::pair::Node;
using agent::pair::OrderAnswered;
using agent::pair::Relation;
using agent::pair::Step;
using agent::postgres::ServerSession;

// Is there a PostgreSQL 15, and a user that it can run as?
[[nodiscard]] bool can_run();

class TwoServers {
  public:
    // Its folder is in this one; empty: where it is quick.
    explicit TwoServers(const std::string& parent = {});
    ~TwoServers();

    // Both clusters, the second copied from the first. Neither server runs then, and nobody looks
    // after them.
    void make();
    void open(Node node);   // as a starting lrad does; returns when it was told what is there
    void close(Node node);  // as an lrad that stops

    // Waits for the answer, at most a minute.
    OrderAnswered order(Node node, Step step, std::uint64_t epoch = 1,
                        Relation relation = Relation::pair);
    [[nodiscard]] bool done(Node node, Step step, std::uint64_t epoch = 1,
                            Relation relation = Relation::pair) {
        return order(node, step, epoch, relation).done;
    }
    // Only gives it; the answer shows in answers().
    std::uint64_t give(Node node, Step step, std::uint64_t epoch = 1,
                       Relation relation = Relation::pair);
    [[nodiscard]] std::optional<OrderAnswered> answer_to(std::uint64_t number) const;

    // Runs the loop until it holds; false after so long.
    bool until(const std::function<bool()>& holds, int seconds = 30);

    [[nodiscard]] const DataSeen& data(Node node) const { return one(node).data; }
    [[nodiscard]] int lost(Node node) const { return one(node).lost; }
    [[nodiscard]] bool was_told(Node node, Message message) const;
    [[nodiscard]] std::string told(Node node) const;

    // The server of `first` serves in sync with the other: as after resume_pair and follow.
    bool begin_pair(std::uint64_t epoch = 1);
    // As after take_over, and after pair_up with a follow of the other.
    bool begin_alone(Node node, std::uint64_t epoch);
    bool take_in(Node primary, std::uint64_t epoch);
    // To every process of a server: SIGKILL as a power cut, SIGSTOP as a suspended machine.
    void signal(Node node, int number) const;

    // SQL as the superuser, by the socket.
    [[nodiscard]] std::unique_ptr<ServerSession> session(Node node) const;
    std::string ask(Node node, const std::string& sql) const;  // first cell; "error: ..." else
    [[nodiscard]] int postmaster(Node node) const;             // 0: none
    [[nodiscard]] agent::postgres::ServerPaths paths(Node node) const;
    // Before open(): for those who wait for a server that hangs.
    void be_impatient() {
        for (auto& node : nodes_)
            node.configuration.answer_timeout = {3'000};
    }
    agent::runtime::PairDatabaseConfiguration& configuration(Node node) {
        return one(node).configuration;
    }

  private:
    void make_anew();
    struct One {
        agent::runtime::PairDatabaseConfiguration configuration;
        std::unique_ptr<agent::postgres::DatabaseServer> server;
        DataSeen data;
        int seen = 0;
        int lost = 0;
        std::vector<std::pair<Message, std::string>> told;
    };
    One& one(Node node) { return nodes_[agent::pair::index_of(node)]; }
    [[nodiscard]] const One& one(Node node) const { return nodes_[agent::pair::index_of(node)]; }

    bool copies_;  // of what was made before
    std::string folder_;
    asio::io_context loop_;
    std::array<One, 2> nodes_;
    std::uint64_t numbers_ = 0;
    std::vector<OrderAnswered> answers_;
};

}  // namespace two_servers
