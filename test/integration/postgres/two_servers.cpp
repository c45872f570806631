#include "test/integration/postgres/two_servers.hpp"

#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <stdexcept>

#include "agent/postgres/control_data.hpp"
#include "agent/postgres/node_server.hpp"

namespace two_servers {

using agent::postgres::NodeServer;
using agent::postgres::ServerFolder;

namespace {

constexpr const char* programs = "/usr/lib/postgresql/15/bin";

// Below those that the kernel gives out by itself.
std::uint16_t free_port() {
    std::random_device random;
    for (;;) {
        const auto port = static_cast<std::uint16_t>(12'000 + random() % 20'000);
        const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        const bool free = ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        ::close(probe);
        if (free) return port;
    }
}

// With LRA_SHOW in the environment the tests tell what happens; with LRA_KEEP the folders stay.
void show(const std::string& text) {
    static const bool shown = std::getenv("LRA_SHOW") != nullptr;
    static const auto begin = std::chrono::steady_clock::now();
    if (!shown) return;
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begin;
    std::fprintf(stderr, "%8.3f %s\n", since.count(), text.c_str());
}

// In memory where there is room: what is tried here is no disk, and each start syncs a thousand
// files.
std::string new_folder(const std::string& parent = {}) {
    constexpr std::uintmax_t bytes_needed = 1'000'000'000;
    std::error_code error;
    const auto room = std::filesystem::space("/dev/shm", error);
    std::string name = !error && room.available > bytes_needed ? "/dev/shm" : "/tmp";
    if (!parent.empty()) name = parent;
    name += "/lra-pair-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder " + name);
    ::chmod(name.c_str(), 0755);  // the server's user passes through it
    return name;
}

// Made once, since that takes seconds; each test gets copies.
struct MadePair {
    std::string folder;
    ~MadePair() {
        std::error_code ignored;
        if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
    }
};

void copy_folders(const std::string& from, const std::string& to) {
    const std::string command = "cp -a " + from + "/a " + from + "/b " + to + "/";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

}  // namespace

bool can_run() {
    if (::access((std::string(programs) + "/initdb").c_str(), X_OK) != 0) return false;
    return ::geteuid() != 0 || ::getpwnam("postgres") != nullptr;
}

TwoServers::TwoServers(const std::string& parent)
    : copies_(parent.empty()), folder_(new_folder(parent)) {
    const std::string secret = folder_ + "/secret";
    std::ofstream(secret) << "a secret: of \\both\n";
    ::chmod(secret.c_str(), 0600);
    const std::array<std::uint16_t, 2> ports{free_port(), free_port()};
    for (std::size_t i = 0; i < 2; ++i) {
        auto& configuration = nodes_[i].configuration;
        configuration.folder = folder_ + (i == 0 ? "/a" : "/b");
        configuration.programs = programs;
        configuration.user = "postgres";
        configuration.listen = {"127.0.0.1"};
        configuration.port = ports[i];
        configuration.peer_address = "127.0.0.1";
        configuration.peer_port = ports[1 - i];
        configuration.password_file = secret;
        configuration.sslmode = "disable";
        configuration.stop_timeout = {10'000};
        configuration.answer_timeout = {15'000};  // a busy machine is no hung server
        configuration.wal_keep_mb = 32;
        configuration.slot_keep_mb = 64;
    }
}

TwoServers::~TwoServers() {
    close(Node::first);
    close(Node::second);
    std::error_code ignored;
    if (std::getenv("LRA_KEEP") == nullptr) std::filesystem::remove_all(folder_, ignored);
}

agent::postgres::ServerPaths TwoServers::paths(Node node) const {
    return agent::postgres::ServerPaths(one(node).configuration.folder);
}

void TwoServers::make() {
    static MadePair made;
    if (!copies_) {
        make_anew();
        return;
    }
    if (made.folder.empty()) {
        make_anew();
        const auto folder = new_folder();
        copy_folders(folder_, folder);
        made.folder = folder;
        return;
    }
    copy_folders(made.folder, folder_);
}

void TwoServers::make_anew() {
    const auto insist = [](const agent::core::Outcome& outcome) {
        if (!outcome) throw std::runtime_error(outcome.error().message);
    };
    const auto looked_after = [&](Node node) {
        const auto owner = agent::postgres::server_owner("postgres");
        if (!owner) throw std::runtime_error(owner.error().message);
        agent::postgres::ServerEars ears;
        ears.tell = [](Message, const std::vector<std::string>&) {};
        ears.seen = [](const DataSeen&) {};
        ears.up = [](auto, const auto&) {};
        ears.down = [] {};
        auto server = std::make_unique<NodeServer>(one(node).configuration, node, *owner, ears);
        insist(server->prepare());
        return server;
    };
    const auto first = looked_after(Node::first);
    insist(first->make_cluster("tests"));
    insist(first->serve(false, {}));
    const auto second = looked_after(Node::second);
    insist(second->copy_from_peer(false, {}));
    insist(first->leave());
}

void TwoServers::open(Node node) {
    One& it = one(node);
    it.data = {};
    it.seen = 0;
    it.server = std::make_unique<agent::postgres::DatabaseServer>(
        loop_, it.configuration, node,
        [&it, node](Message message, const std::vector<std::string>& arguments) {
            std::string text = agent::core::identifier_of(message);
            for (const auto& argument : arguments)
                text += " | " + argument;
            show((node == Node::first ? "first  " : "second ") + text);
            it.told.emplace_back(message, text);
        });
    it.server->on_seen = [&it, node](const DataSeen& data) {
        const bool moved = it.data.epoch != data.epoch || it.data.standby != data.standby ||
                           it.data.receives != data.receives;
        if (moved) {
            show((node == Node::first ? "first  epoch " : "second epoch ") +
                 std::to_string(data.epoch) + " standby " +
                 std::to_string(static_cast<int>(data.standby)) +
                 (data.receives ? " receives" : ""));
        }
        it.data = data;
        ++it.seen;
    };
    it.server->on_lost = [&it] { ++it.lost; };
    it.server->start();
    if (!until([&] { return it.seen > 0; }, 60)) throw std::runtime_error("nothing was seen");
}

void TwoServers::close(Node node) {
    one(node).server.reset();
    show((node == Node::first ? "first  " : "second ") + std::string("is left alone"));
}

std::uint64_t TwoServers::give(Node node, Step step, std::uint64_t epoch, Relation relation) {
    agent::pair::Order order;
    order.number = ++numbers_;
    order.step = step;
    order.epoch = epoch;
    order.relation = relation;
    order.primary = node;
    one(node).server->carry_out(
        order, [this](const OrderAnswered& answered) { answers_.push_back(answered); });
    return order.number;
}

std::optional<OrderAnswered> TwoServers::answer_to(std::uint64_t number) const {
    for (const auto& answer : answers_)
        if (answer.number == number) return answer;
    return std::nullopt;
}

OrderAnswered TwoServers::order(Node node, Step step, std::uint64_t epoch, Relation relation) {
    const auto number = give(node, step, epoch, relation);
    if (!until([&] { return answer_to(number).has_value(); }, 60)) {
        throw std::runtime_error("an order was not answered: " +
                                 std::string(agent::pair::to_text(step)));
    }
    const auto answer = *answer_to(number);
    show((node == Node::first ? "first  " : "second ") + std::string(agent::pair::to_text(step)) +
         (answer.done ? ": done" : ": NOT DONE"));
    return answer;
}

bool TwoServers::until(const std::function<bool()>& holds, int seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        loop_.restart();
        const auto work = asio::make_work_guard(loop_);
        loop_.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
}

bool TwoServers::was_told(Node node, Message message) const {
    const auto& told = one(node).told;
    return std::any_of(told.begin(), told.end(),
                       [&](const auto& line) { return line.first == message; });
}

std::string TwoServers::told(Node node) const {
    std::string text;
    for (const auto& line : one(node).told)
        text += line.second + "\n";
    return text;
}

bool TwoServers::begin_pair(std::uint64_t epoch) {
    using enum Step;
    return done(Node::first, start_synchronous, epoch) && done(Node::first, checkpoint, epoch) &&
           done(Node::second, follow_peer, epoch) &&
           until([&] { return data(Node::first).standby == DataSeen::Standby::in_sync; }) &&
           done(Node::first, barrier, epoch);
}

std::unique_ptr<ServerSession> TwoServers::session(Node node) const {
    auto opened = ServerSession::open(
        agent::postgres::own_connection(one(node).configuration, agent::postgres::superuser_role,
                                        agent::postgres::database_name),
        {5'000});
    if (!opened) return nullptr;
    return std::move(opened).value();
}

std::string TwoServers::ask(Node node, const std::string& sql) const {
    const auto at = session(node);
    if (!at) return "error: not reached";
    const auto rows = at->run(sql, {}, {20'000});
    if (!rows) return "error: " + rows.error().message;
    return rows->empty() || rows->front().empty() ? "" : rows->front().front();
}

bool TwoServers::begin_alone(Node node, std::uint64_t epoch) {
    return done(node, Step::promote, epoch, Relation::alone) &&
           done(node, Step::checkpoint, epoch) && done(node, Step::barrier, epoch, Relation::alone);
}

bool TwoServers::take_in(Node primary, std::uint64_t epoch) {
    return done(agent::pair::other(primary), Step::follow_peer, epoch) &&
           done(primary, Step::synchronous_on, epoch) &&
           until([&] { return data(primary).standby == DataSeen::Standby::in_sync; }) &&
           done(primary, Step::barrier, epoch);
}

void TwoServers::signal(Node node, int number) const {
    // Again, until all have had it: one that was just being made is not in the first list.
    std::set<int> told;
    for (std::size_t before = 1; told.size() != before;) {
        before = told.size();
        for (const auto process : agent::postgres::processes_in(paths(node).data)) {
            if (told.insert(process).second) ::kill(process, number);
        }
    }
}

int TwoServers::postmaster(Node node) const {
    const auto file = ServerFolder::read(paths(node).data + "/postmaster.pid");
    return file ? agent::postgres::process_from_pid_file(*file).value_or(0) : 0;
}

}  // namespace two_servers
