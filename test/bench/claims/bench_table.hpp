#pragma once

// A drive table with 16 drives and one volume that is claimed over and over. One thread.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/mounts/claim_table.hpp"

namespace claims_bench {

inline constexpr int drives_in_table = 16;
inline constexpr agent::core::WallTime bench_time{1'000'000};

class BenchTable {
  public:
    // Nothing: the table can not be used. `epoch`: this one counts from now on.
    [[nodiscard]] static std::unique_ptr<BenchTable> open(
        agent::core::Result<std::unique_ptr<agent::mounts::SqlSession>> session,
        std::optional<std::uint64_t> epoch = {}) {
        if (!session) return nullptr;
        auto table = std::unique_ptr<BenchTable>(new BenchTable(std::move(session).value()));
        if (!table->table_.enroll() || (epoch && !table->table_.raise_epoch(*epoch)) ||
            !table->learn())
            return nullptr;
        return table;
    }

    // Commit 1 alone: request, volume and drives looked at, a drive chosen, claim and row written.
    [[nodiscard]] bool claim(const std::string& name) {
        agent::mounts::MountRequest request;
        request.request = name;
        request.volume = "VT0001L8";
        auto begun = table_.begin(request, known_, {}, 1, bench_time);
        const auto* taken =
            begun ? std::get_if<agent::mounts::DriveClaimed>(&begun.value()) : nullptr;
        if (taken == nullptr) return false;
        id_ = taken->claim.id;
        return true;
    }
    // As a mount does it: lock, commit, commit, unlock.
    [[nodiscard]] bool claim_and_reserve(const std::string& name) {
        if (!table_.lock()) return false;
        const bool done =
            claim(name) &&
            table_.step(id_, agent::claims::ClaimEvent::drive_reserved, bench_time).ok();
        table_.unlock();
        return done;
    }
    [[nodiscard]] bool give_back() { return table_.release(id_, {}, bench_time).ok(); }
    // What somebody else was at.
    void free_all() {
        const auto open = table_.claims(false, 64);
        if (!open) return;
        for (const auto& claim : *open)
            static_cast<void>(table_.release(claim.id, {}, bench_time));
    }
    // Nothing: they can not be read.
    [[nodiscard]] std::optional<std::set<std::string>> requests() {
        const auto all = table_.claims(true, remembered);
        if (!all) return std::nullopt;
        std::set<std::string> names;
        for (const auto& claim : *all)
            names.insert(claim.request);
        return names;
    }

  private:
    static constexpr std::size_t remembered = 1'000'000;

    explicit BenchTable(std::unique_ptr<agent::mounts::SqlSession> session)
        : table_(std::move(session), {.library = "bench",
                                      .node = "bench",
                                      .media = agent::claims::lto_media(),
                                      .ended_max = remembered}) {}
    bool learn() {
        std::vector<agent::mounts::DriveFact> facts;
        for (int i = 0; i < drives_in_table; ++i) {
            const std::string serial = "D" + std::to_string(i);
            facts.push_back({serial, static_cast<std::uint16_t>(256 + i), "LTO-8"});
            known_.push_back({serial, agent::claims::DriveCondition::usable});
        }
        agent::claims::Volume volume;
        volume.barcode = "VT0001L8";
        volume.generation = "LTO-8";
        volume.place = agent::claims::Place::slot;
        volume.element = 1'000;
        return table_.learn_drives(facts).ok() && table_.learn_volumes({volume}, bench_time).ok();
    }

    agent::mounts::ClaimTable table_;
    std::vector<agent::claims::KnownDrive> known_;
    std::uint64_t id_ = 0;
};

}  // namespace claims_bench
