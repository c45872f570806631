#pragma once

// What a controller that is a node of a pair has besides. Inside this room only.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/host_names.hpp"
#include "agent/lrad/pair_alarms.hpp"
#include "agent/lrad/pair_view.hpp"
#include "agent/lrad/release_once.hpp"
#include "agent/lrad/request_passing.hpp"
#include "agent/lrad/shared_ledgers.hpp"
#include "agent/lrad/shared_records.hpp"
#include "agent/mounts/worker.hpp"
#include "agent/pair_node/node_runner.hpp"

namespace agent::lrad {

struct Controller::PairPart {
    static constexpr std::size_t table_jobs_max = 8;

    std::unique_ptr<pair_node::NodeRunner> node;
    // Opens the drive table, which may block.
    std::unique_ptr<mounts::Worker> table = std::make_unique<mounts::Worker>(table_jobs_max);
    bool active = false;
    bool mounting = false;  // the mount service was started
    // Mount services that were given up end here: their threads may wait for drives or database.
    struct Ending {
        std::shared_ptr<std::atomic<bool>> over;
        std::thread thread;
    };
    std::vector<Ending> endings;
    // Of the newest round that takes the other node's keys off the drives: nothing of it is sent
    // any more.
    std::shared_ptr<std::atomic<bool>> round_over;
    std::uint64_t fence_order = 0;  // the newest
    std::uint64_t activations = 0;
    std::vector<core::AgentName> to_be_told;  // how all drives are
    PairPart() = default;
    PairPart(const PairPart&) = delete;
    PairPart& operator=(const PairPart&) = delete;
    ~PairPart() {
        for (auto& ending : endings)
            ending.thread.join();
    }
    void end_round() {
        if (round_over) round_over->store(true);
    }
    std::unique_ptr<SharedRecords> shared;
    std::unique_ptr<SharedLedgers> ledgers;
    std::unique_ptr<RequestPassing> requests;
    ReleaseOnce releases_once{"", ""};  // of this node since it serves
    mounts::MountDispatch mounts;       // empty: no changer
    std::optional<core::Instant> mounting_awaited_since;
    std::map<core::DriveSerial, std::string> cleared_by;  // who, and why, until it is online
    std::set<core::AlarmKey> mirrored;  // alarms that the other node has announced
    std::set<core::AlarmKey> unheard;   // raised by the process before this one, a moment ago
    PairAlarms alarms;
    BallotsAtEnrolment enrolled;
    std::optional<core::Instant> judged_at;
    std::string shown;  // of the pair, in the MIB's tables
    // Hosts without an agent: what the other node has, once it is known, and what was told of it.
    std::optional<NamesOfHosts> hosts_there;
    std::map<core::AgentName, std::string> differences_told;
    enum class LeftOver : std::uint8_t { to_be_looked_for, asked, told };
    LeftOver left_over = LeftOver::to_be_looked_for;
    // Empty: answered.
    using Question = std::shared_ptr<runtime::ControlServer::Answerer>;  // with who answers it
    std::vector<Question> ledger_questions;
    [[nodiscard]] Question open_question(const runtime::ControlServer::Answerer& answer) {
        std::erase_if(ledger_questions, [](const auto& one) { return !*one; });
        return ledger_questions.emplace_back(
            std::make_shared<runtime::ControlServer::Answerer>(answer));
    }
    std::shared_ptr<int> alive = std::make_shared<int>(0);
};

}  // namespace agent::lrad
