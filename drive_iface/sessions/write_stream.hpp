#pragma once

// The segment of one session while its host writes, and until what it wrote is safe.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "drive_iface/sessions/segment_shelf.hpp"
#include "drive_iface/sessions/shared_cartridge.hpp"

namespace drive_iface::sessions {

class WriteStream : public std::enable_shared_from_this<WriteStream> {
  public:
    enum class Ending : std::uint8_t { complete, incomplete };
    // Everything acknowledged is durable, or `fault` says why not. Returns whether the session is
    // recorded as complete; the error is told to the host.
    using Ended = std::function<agent::core::Outcome(WriteStream& stream, Ending ending,
                                                     const std::string& reason)>;

    // `segments` outlives it.
    WriteStream(std::uint32_t identifier, SegmentShelf& segments, RunOnLoop run_on_loop,
                Ended ended);

    [[nodiscard]] std::uint32_t identifier() const { return identifier_; }

    // Goes on opening; false: still being opened, or take_fault() tells why it can not be.
    bool open();
    // It failed for good, told or not.
    [[nodiscard]] bool can_not_open() const { return !segment_ && broken_; }
    // Something that was acknowledged could not be stored.
    [[nodiscard]] bool lost_something() const { return segment_ && broken_; }
    // Only after open() said true.
    [[nodiscard]] Cartridge& segment() const { return *segment_->operator->(); }
    [[nodiscard]] const std::shared_ptr<SharedCartridge>& shared() const { return segment_; }
    // Storing failed, once.
    [[nodiscard]] std::optional<agent::core::Error> take_fault();

    // Nothing more is written. Complete: the stream ends with a filemark, and is committed when it
    // is durable; otherwise it is kept as it is.
    void finish(Ending ending, const std::string& reason);
    [[nodiscard]] bool finishing() const { return ending_.has_value(); }
    [[nodiscard]] bool completing() const { return ending_ == Ending::complete; }
    [[nodiscard]] bool ended() const { return ended_already_; }

    // Called when its segment was made and is open, before anything is written to it: an error
    // breaks the stream.
    void on_open(std::function<agent::core::Outcome()> opened) { opened_ = std::move(opened); }
    // Called when a wait may be over.
    void on_change(std::function<void()> change) { change_ = std::move(change); }
    // Called at each progress, for the store.
    void on_progress(std::function<void()> progress) { progress_ = std::move(progress); }
    // What it was given is still on its way to storage.
    [[nodiscard]] bool is_writing() const;
    void progress();

  private:
    [[nodiscard]] bool is_stored();
    void settle();

    std::uint32_t identifier_;
    SegmentShelf* segments_;
    RunOnLoop run_on_loop_;
    Ended ended_;
    std::shared_ptr<SharedCartridge> segment_;
    std::shared_ptr<void> listening_;
    std::optional<agent::core::Error> fault_;
    bool broken_ = false;  // something acknowledged was lost
    std::optional<Ending> ending_;
    std::string reason_;
    bool ended_already_ = false;
    std::function<agent::core::Outcome()> opened_;
    std::function<void()> change_;
    std::function<void()> progress_;
};

}  // namespace drive_iface::sessions
