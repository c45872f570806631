#pragma once

// All write sessions of the library: what parallel drives get their cartridges from, and what is
// remembered of it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/sessions/segment_shelf.hpp"
#include "drive_iface/sessions/shared_cartridge.hpp"
#include "drive_iface/sessions/tracking.hpp"
#include "drive_iface/virtual/parallel.hpp"

namespace drive_iface::sessions {

struct SessionStoreOptions {
    std::string ledger_file;
    RunOnLoop run_on_loop;
    std::function<std::int64_t()> now_ms;  // since 1970 UTC
    std::function<void(const std::string&)> log;
    std::size_t active_max = 256;
    // Newest sessions that hold data, whose segments are kept although nobody holds them.
    std::size_t merged_kept = 16;
    std::size_t incomplete_kept = 64;
    // Newest sessions that are remembered at all, beside those that are kept.
    std::size_t remembered_max = 10'000;
};

class SessionStore final : public virtual_library::ParallelCartridges, public Tracking {
  public:
    // Sessions that were active when the process ended are incomplete; copies that were broken off
    // go on. `volumes` and `segments` outlive it. Errors: the ledger can not be used.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<SessionStore>> start(
        SessionStoreOptions options, virtual_library::CartridgeShelf& volumes,
        SegmentShelf& segments);
    // Views of it must be gone.
    ~SessionStore() override;

    // The shelf for drives that are not parallel: a volume that is being written in parallel is
    // opened for them when that is over.
    [[nodiscard]] virtual_library::CartridgeShelf& shelf_for_drives();

    // This host uses this volume on this drive, whatever is loaded there, until it is told
    // otherwise; what it prepared and did not write to is forgotten. Errors: unknown barcode.
    [[nodiscard]] agent::core::Outcome choose_volume(const std::string& drive_serial,
                                                     const agent::core::InitiatorPort& host,
                                                     const std::string& barcode);
    void forget_choice(const std::string& drive_serial, const agent::core::InitiatorPort& host);
    // The same, and the session of this host's next write begins now, so that the host can be told
    // its identifier first. Errors: it can not begin, in an operator's words.
    [[nodiscard]] agent::core::Result<std::uint32_t> prepare(const std::string& drive_serial,
                                                             const agent::core::InitiatorPort& host,
                                                             const std::string& barcode);

    // Tries again to copy what could not be copied into its volume, in pauses that grow. To be
    // called every second or so.
    void retry_copies();

    // ParallelCartridges
    std::optional<agent::core::Result<std::unique_ptr<virtual_library::ParallelCartridge>>> open(
        const std::string& drive_serial, const std::string& barcode,
        const agent::core::InitiatorPort& host) override;
    void on_progress(std::function<void()> progress) override;

    // Tracking
    std::vector<Session> list() const override;
    std::optional<Session> show(std::uint32_t identifier) const override;
    agent::core::Result<std::vector<SessionRecord>> records(std::uint32_t identifier,
                                                            std::uint64_t first,
                                                            std::uint64_t count) const override;
    std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> open(
        std::uint32_t identifier) override;
    bool hold(std::uint32_t identifier) override;
    void release(std::uint32_t identifier) override;
    void allow_deletion() override;
    std::uint64_t revision() const override;
    std::shared_ptr<void> listen(Listener listener) override;

  private:
    class State;
    explicit SessionStore(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // shared weakly with views and what is queued in the loop
};

// "rmt:USER", "iscsi:NAME,i,0xISID".
[[nodiscard]] std::string host_text(const agent::core::InitiatorPort& host);

}  // namespace drive_iface::sessions
