#pragma once

// The real iSCSI server on a thread of its own, in front of tapes that remember one block.

#include <asio/io_context.hpp>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "drive_iface/iscsi/server.hpp"

namespace iscsi_server_test {

using namespace drive_iface::iscsi;

// WRITE(6) keeps the block, READ(6) gives it back, TEST UNIT READY is GOOD, operation code FFh is
// answered when the test says so.
class OneBlockTapes final : public TargetDevices {
  public:
    std::vector<ServedTarget> targets() const override {
        return {drive_target("VT1"), drive_target("VT2"), changer_target("CH1")};
    }
    agent::core::Result<NexusId> nexus_established(const std::string& device,
                                                   const agent::core::InitiatorPort& port) override;
    void nexus_lost(NexusId nexus) override;
    std::size_t data_out_length(NexusId nexus, ByteView cdb) override;
    std::optional<CommandReply> execute(NexusId nexus, TaskId task, std::uint64_t lun, ByteView cdb,
                                        Bytes& data_out, Later later) override;
    void abandon(NexusId nexus, TaskId task) override;
    bool manage(NexusId nexus, std::uint64_t lun, TaskManagement function) override;

    std::map<NexusId, std::string> nexuses;
    std::map<std::string, Bytes> blocks;
    std::map<TaskId, Later> waiting;
    std::size_t lost = 0;
    std::size_t executed = 0;

  private:
    std::uint64_t last_nexus_ = 0;
};

class RunningServer {
  public:
    explicit RunningServer(std::optional<ChapRules> chap = std::nullopt);
    ~RunningServer();

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string portal() const { return "127.0.0.1:" + std::to_string(port_); }
    static std::string target(const std::string& suffix) { return "iqn.2026-01.example:" + suffix; }

    // On the server's thread.
    template <typename Function>
    auto on_loop(Function function) {
        std::packaged_task<decltype(function())()> task(std::move(function));
        auto result = task.get_future();
        run([&task] { task(); });
        return result.get();
    }
    // Waits, at most 10 s.
    [[nodiscard]] bool becomes_true(const std::function<bool()>& on_loop_condition);

    OneBlockTapes tapes;
    std::unique_ptr<Server> server;

  private:
    void run(std::function<void()> function);

    asio::io_context loop_;
    int port_ = 0;
    std::thread thread_;
};

}  // namespace iscsi_server_test
