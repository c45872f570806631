#pragma once

// A volume that hosts write to in parallel: its cartridge, behind it the sessions that are complete
// and not yet copied, in the order of their completion, and the copying.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "drive_iface/sessions/stream_parts.hpp"

namespace drive_iface::sessions {

class Volume : public std::enable_shared_from_this<Volume> {
  public:
    struct Doors {
        std::function<std::optional<agent::core::Result<std::unique_ptr<Cartridge>>>()> open_base;
        std::function<std::optional<agent::core::Result<std::shared_ptr<SharedCartridge>>>(
            std::uint32_t identifier)>
            open_segment;
        RunOnLoop run_on_loop;
        // Recorded durably before the first object is copied, and when the last one is safe.
        std::function<agent::core::Outcome(std::uint32_t identifier, std::uint64_t start)>
            merge_begins;
        std::function<agent::core::Outcome(std::uint32_t identifier, std::uint64_t first_object)>
            merged;
        // Copying stopped, and is tried again; or, with an empty text, it goes on.
        std::function<void(std::uint32_t identifier, const std::string& why)> merge_stopped;
        std::function<void(const std::string&)> log;
        std::function<void()> progress;
        std::function<std::int64_t()> now_ms;
        // Hosts are writing: what is copied meanwhile is taken from them. Null: never.
        std::function<bool()> hosts_write;
    };
    struct Pending {
        std::uint32_t identifier = 0;
        std::shared_ptr<SharedCartridge> segment;  // null: to be opened
        std::uint64_t objects = 0;
        std::uint64_t bytes = 0;
        std::optional<std::uint64_t> merge_start;  // where an earlier copy of it began
    };

    Volume(std::string barcode, Doors doors);

    // Goes on opening the cartridge and the segments of what is to be copied. Nothing: it takes
    // time. The error stays until forget_trouble().
    [[nodiscard]] std::optional<agent::core::Outcome> open();
    void forget_trouble() { trouble_.reset(); }

    // Only after open() said well:
    [[nodiscard]] Cartridge& base() const { return *base_->operator->(); }
    [[nodiscard]] const std::shared_ptr<SharedCartridge>& shared_base() const { return base_; }
    // Everything that is committed now.
    [[nodiscard]] StreamParts committed() const;
    // Bytes of block data committed.
    [[nodiscard]] std::uint64_t used() const;

    // A session is complete: from now on it is part of the volume.
    void commit(Pending pending);
    [[nodiscard]] bool has_pending() const { return !pending_.empty(); }
    // Why nothing is copied for now; empty: it goes on.
    [[nodiscard]] const std::string& stopped() const { return stopped_; }
    // Tries again what stopped, when its pause is over: a second after the first failure, twice as
    // long after each further one, five minutes at most. Looks again whether hosts write.
    void retry();
    // Somebody waits for the copies to be made: they wait for nobody any more.
    void hurry();
    [[nodiscard]] const std::string& barcode() const { return barcode_; }

    // Copies on, some at a time, as far as nothing has to be waited for.
    void work();
    // The same, and opens what it takes.
    void go_on();

  private:
    [[nodiscard]] bool waits_for_hosts();
    [[nodiscard]] bool begin_merge();
    // True: storing into the base failed, and copying has stopped.
    [[nodiscard]] bool meets_fault();
    [[nodiscard]] bool is_full(std::uint64_t bytes) const;
    // True: all of it is copied.
    [[nodiscard]] bool copy_some();
    void finish_merge();
    void stop_copying(const std::string& why);
    void stop_merging(const std::string& why);
    void open_anew();

    std::string barcode_;
    Doors doors_;
    std::shared_ptr<SharedCartridge> base_;
    std::shared_ptr<void> listening_;
    std::optional<agent::core::Error> trouble_;

    std::uint64_t committed_objects_ = 0;  // of the base; more is there while a session is copied
    std::uint64_t committed_bytes_ = 0;
    std::deque<Pending> pending_;

    enum class Merge : std::uint8_t { idle, copying, synchronising, stopped } merge_ = Merge::idle;
    std::string stopped_;
    std::string fault_;  // that the open base had
    std::int64_t pause_ms_ = 0;
    std::int64_t retry_at_ms_ = 0;
    std::optional<std::int64_t> hosts_write_since_ms_;
    bool hurried_ = false;
    bool separator_ = false;  // the base does not end with a filemark: one goes first
    std::uint64_t copied_ = 0;
    std::shared_ptr<void> listening_to_segment_;
    std::shared_ptr<SharedCartridge> one_filemark_;
};

}  // namespace drive_iface::sessions
