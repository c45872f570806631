#include "drive_iface/sessions/write_stream.hpp"

#include <utility>

namespace drive_iface::sessions {

using agent::core::Nothing;
using virtual_library::LogicalObject;

WriteStream::WriteStream(std::uint32_t identifier, SegmentShelf& segments, RunOnLoop run_on_loop,
                         Ended ended)
    : identifier_(identifier),
      segments_(&segments),
      run_on_loop_(std::move(run_on_loop)),
      ended_(std::move(ended)) {}

bool WriteStream::open() {
    if (segment_) return true;
    if (fault_ || broken_) return false;
    auto opened = segments_->open(identifier_);
    if (!opened) return false;
    const auto noted = opened->ok() && opened_ ? opened_() : agent::core::Outcome(Nothing{});
    if (!opened->ok() || !noted) {
        fault_ = opened->ok() ? noted.error() : opened->error();
        broken_ = true;
        return false;
    }
    segment_ = SharedCartridge::of(std::move(*opened).value(), run_on_loop_);
    listening_ = segment_->listen([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->progress();
    });
    return true;
}

std::optional<agent::core::Error> WriteStream::take_fault() {
    if (segment_) {
        if (auto fault = segment().take_fault()) {
            broken_ = true;
            return fault;
        }
    }
    return std::exchange(fault_, std::nullopt);
}

void WriteStream::finish(Ending ending, const std::string& reason) {
    if (ending_) return;
    ending_ = ending;
    reason_ = reason;
    settle();
}

void WriteStream::progress() {
    const auto self = shared_from_this();
    if (!segment_) open();
    settle();
    if (change_) change_();
    if (progress_) progress_();
}

bool WriteStream::is_writing() const {
    return !ended_already_ && segment_ && (ending_ || segment().buffered().objects > 0);
}

// True: what there is to store is stored, or can not be, and then the stream is broken.
bool WriteStream::is_stored() {
    auto& data = segment();
    const auto failed = [&] {
        auto fault = data.take_fault();
        if (!fault) return false;
        fault_ = std::move(fault);
        broken_ = true;
        return true;
    };
    // Before anything is asked for again: storage that stays broken would be asked for ever.
    if (failed()) return true;
    const auto end = data.end_of_data();
    const bool open_end = end > 0 && data.object(end - 1).kind == LogicalObject::Kind::block;
    if (*ending_ == Ending::complete && open_end && !broken_) {
        if (data.room_for(64) == Cartridge::Room::later) return false;
        // Looking for room may have found that the end has come nearer.
        data.append_filemarks(data.end_of_data(), 1);
    }
    data.synchronise();
    if (!data.synchronised()) return false;
    static_cast<void>(failed());
    return true;
}

// A stream that is committed ends with a filemark, so that the next one is a tape file of its own.
void WriteStream::settle() {
    if (!ending_ || ended_already_) return;
    if (segment_ ? !is_stored() : !broken_) return;
    ended_already_ = true;
    if (broken_ && *ending_ == Ending::complete) {
        ending_ = Ending::incomplete;
        reason_ = fault_ ? fault_->message : "something that was written could not be stored";
        if (!fault_) fault_ = agent::core::Error{reason_};
    }
    if (auto recorded = ended_(*this, *ending_, reason_); !recorded) fault_ = recorded.error();
}

}  // namespace drive_iface::sessions
