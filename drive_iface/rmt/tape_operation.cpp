#include "drive_iface/rmt/tape_operation.hpp"

namespace drive_iface::rmt {

// RESET (0) is left out: who sends 0 may be a BSD client that wants a filemark, and would lose it
// if 0 were accepted as anything else.
std::optional<TapeOperation> linux_operation(std::int64_t code) {
    using enum TapeOperation;
    switch (code) {
        case 1:
            return forward_filemarks;
        case 2:
            return backward_filemarks;
        case 3:
            return forward_records;
        case 4:
            return backward_records;
        case 5:
            return write_filemarks;
        case 6:
            return rewind;
        case 7:
            return unload;
        case 8:
            return synchronise;
        case 9:
            return retension;
        case 10:
            return backward_filemarks_to_file;
        case 11:
            return forward_filemarks_to_end;
        case 12:
            return end_of_data;
        case 13:
            return erase;
        case 20:
            return set_block_length;
        case 22:
            return seek;
        case 24:
            return nothing;
        case 28:
            return lock;
        case 29:
            return unlock;
        case 30:
            return load;
        case 31:
            return unload;
        case 35:
            return write_filemarks_immediate;
        default:
            return std::nullopt;
    }
}

std::optional<TapeOperation> bsd_operation(std::int64_t code) {
    using enum TapeOperation;
    switch (code) {
        case 0:
            return write_filemarks;
        case 1:
            return forward_filemarks;
        case 2:
            return backward_filemarks;
        case 3:
            return forward_records;
        case 4:
            return backward_records;
        case 5:
            return rewind;
        case 6:
            return unload;
        case 7:
            return synchronise;
        default:
            return std::nullopt;
    }
}

std::optional<TapeOperation> star_operation(std::int64_t code) {
    using enum TapeOperation;
    switch (code) {
        case 0:
        case 1:
            return nothing;
        case 2:
            return retension;
        case 3:
            return erase;
        case 4:
            return end_of_data;
        case 5:
            return beginning_of_file;
        default:
            return std::nullopt;
    }
}

}  // namespace drive_iface::rmt
