#include "test/integration/iscsi/running_server.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <chrono>

namespace iscsi_server_test {

namespace {

constexpr std::uint8_t read_6 = 0x08;
constexpr std::uint8_t write_6 = 0x0a;
constexpr std::uint8_t waits = 0xff;

}  // namespace

agent::core::Result<NexusId> OneBlockTapes::nexus_established(const std::string& device,
                                                              const agent::core::InitiatorPort&) {
    const NexusId nexus{++last_nexus_};
    nexuses[nexus] = device;
    return nexus;
}

void OneBlockTapes::nexus_lost(NexusId nexus) {
    nexuses.erase(nexus);
    ++lost;
}

std::size_t OneBlockTapes::data_out_length(NexusId, ByteView cdb) {
    if (cdb[0] != write_6) return 0;
    return std::size_t{cdb[2]} << 16 | std::size_t{cdb[3]} << 8 | cdb[4];
}

std::optional<CommandReply> OneBlockTapes::execute(NexusId nexus, TaskId task, std::uint64_t,
                                                   ByteView cdb, Bytes& data_out, Later later) {
    ++executed;
    CommandReply reply;
    if (cdb[0] == write_6) blocks[nexuses[nexus]] = std::move(data_out);
    if (cdb[0] == read_6) reply.data_in = blocks[nexuses[nexus]];
    if (cdb[0] == waits) {
        waiting[task] = std::move(later);
        return std::nullopt;
    }
    return reply;
}

void OneBlockTapes::abandon(NexusId, TaskId task) {
    waiting.erase(task);
}

bool OneBlockTapes::manage(NexusId, std::uint64_t, TaskManagement) {
    return true;
}

RunningServer::RunningServer(std::optional<ChapRules> chap) {
    ServerOptions options;
    options.host = "127.0.0.1";
    options.target_prefix = "iqn.2026-01.example";
    options.chap = std::move(chap);
    server = std::move(Server::listen(loop_, options, tapes, {})).value();
    port_ = server->port();
    thread_ = std::thread([this] {
        const auto work = asio::make_work_guard(loop_);
        loop_.run();
    });
}

RunningServer::~RunningServer() {
    on_loop([this] {
        server.reset();
        loop_.stop();
    });
    thread_.join();
}

void RunningServer::run(std::function<void()> function) {
    asio::post(loop_, std::move(function));
}

bool RunningServer::becomes_true(const std::function<bool()>& on_loop_condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!on_loop(on_loop_condition)) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace iscsi_server_test
