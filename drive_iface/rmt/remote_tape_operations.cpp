// What I and i do to the tape.

#include <cerrno>
#include <utility>

#include "drive_iface/rmt/remote_tape.hpp"
#include "drive_iface/rmt/tape_commands.hpp"

namespace drive_iface::rmt {

namespace {

// The commands of an operation, in order.
std::deque<Bytes> commands_of(TapeOperation operation, std::int64_t count) {
    using enum TapeOperation;
    const auto n = static_cast<std::int32_t>(count);
    switch (operation) {
        case forward_filemarks:
            return {space_filemarks(n)};
        case backward_filemarks:
            return {space_filemarks(-n)};
        case forward_filemarks_to_end:
            return {space_filemarks(n), space_filemarks(-1)};
        case backward_filemarks_to_file:
            return {space_filemarks(-n), space_filemarks(1)};
        case beginning_of_file:
            // At least one filemark back has to be there; the first file is reached by rewinding.
            return {space_filemarks(-n - 1), space_filemarks(1)};
        case forward_records:
            return {space_blocks(n)};
        case backward_records:
            return {space_blocks(-n)};
        case TapeOperation::write_filemarks:
            return {rmt::write_filemarks(static_cast<std::uint32_t>(n), false)};
        case write_filemarks_immediate:
            return {rmt::write_filemarks(static_cast<std::uint32_t>(n), true)};
        case TapeOperation::rewind:
            return {rmt::rewind()};
        case TapeOperation::unload:
            return {rmt::unload()};
        case TapeOperation::load:
            return {rmt::load(false)};
        case retension:
            return {rmt::load(true)};
        case end_of_data:
            return {space_to_end_of_data()};
        case erase:
            return {erase_to_end()};
        case TapeOperation::seek:
            return {locate(static_cast<std::uint32_t>(n))};
        case lock:
            return {prevent_removal(true)};
        case unlock:
            return {prevent_removal(false)};
        case synchronise:
            return {rmt::write_filemarks(0, false)};
        case set_block_length:
        case nothing:
            return {};
    }
    return {};
}

bool changes_the_tape(TapeOperation operation) {
    using enum TapeOperation;
    return operation == TapeOperation::write_filemarks || operation == write_filemarks_immediate ||
           operation == erase;
}

// Before the tape goes elsewhere, what was written gets its filemark, as st does it.
bool leaves_what_was_written(TapeOperation operation) {
    using enum TapeOperation;
    switch (operation) {
        case forward_filemarks:
        case backward_filemarks:
        case forward_filemarks_to_end:
        case backward_filemarks_to_file:
        case beginning_of_file:
        case TapeOperation::rewind:
        case TapeOperation::unload:
        case TapeOperation::load:
        case retension:
        case end_of_data:
        case TapeOperation::seek:
            return true;
        case forward_records:
        case backward_records:
        case TapeOperation::write_filemarks:
        case write_filemarks_immediate:
        case erase:
        case set_block_length:
        case lock:
        case unlock:
        case synchronise:
        case nothing:
            return false;
    }
    return false;
}

// Block number within the file after it went well; -1: not known.
std::int32_t block_after(TapeOperation operation, std::int64_t count, std::int32_t before) {
    using enum TapeOperation;
    switch (operation) {
        case forward_filemarks:
        case backward_filemarks_to_file:
        case beginning_of_file:
        case TapeOperation::rewind:
        case TapeOperation::load:
        case retension:
        case TapeOperation::write_filemarks:
        case write_filemarks_immediate:
            return 0;
        case forward_records:
            return before < 0 ? -1 : before + static_cast<std::int32_t>(count);
        case backward_records:
            return before < count ? -1 : before - static_cast<std::int32_t>(count);
        case set_block_length:
        case lock:
        case unlock:
        case synchronise:
        case nothing:
        case erase:
            return before;
        case backward_filemarks:
        case forward_filemarks_to_end:
        case TapeOperation::unload:
        case end_of_data:
        case TapeOperation::seek:
            return -1;
    }
    return -1;
}

}  // namespace

void RemoteTape::operate_in_steps(TapeOperation operation, std::int64_t count) {
    if (changes_the_tape(operation) && access_ == Access::read)
        return refuse({EBADF, "the tape is open for reading only"});
    if (operation == TapeOperation::set_block_length && count != 0)
        return refuse({EINVAL, "records have the length they are written with"});
    const bool writes_filemarks = changes_the_tape(operation) && operation != TapeOperation::erase;
    // A synchronising reader would write.
    if (operation == TapeOperation::synchronise && !wrote_) return accept(count);

    auto then = [this, operation, count, writes_filemarks](std::optional<Refusal> refusal) {
        behind_filemark_ = !refusal && (operation == TapeOperation::forward_filemarks ||
                                        operation == TapeOperation::backward_filemarks_to_file ||
                                        writes_filemarks);
        end_of_data_met_ = false;
        block_number_ = refusal ? -1 : block_after(operation, count, block_number_);
        if (refusal) return refuse(*refusal);
        if (writes_filemarks && count > 0) wrote_ = false;
        accept(count);
    };
    if (leaves_what_was_written(operation))
        return finish_writing_then(commands_of(operation, count), std::move(then));
    run(commands_of(operation, count), std::move(then));
}

}  // namespace drive_iface::rmt
