#pragma once

// What two copies of a recording have in common, and bringing one to what the other one holds. What
// can not be told of an object, since its index entry or its data is damaged, is no difference.
// Where neither has an entry of it, it is the same when its records in both are.

#include "drive_iface/cartridge/copy_recovery.hpp"
#include "drive_iface/cartridge/stored_copy.hpp"

namespace drive_iface::cartridge {

// The end of what both hold, of their first `count` objects. Sooner when it is cancelled.
[[nodiscard]] RecordedEnd common_end(const StoredCopy& leader, const StoredCopy& follower,
                                     std::uint64_t count, const Cancelled& cancelled);

// Objects that were copied though no index entry tells whether they are whole.
struct Unvouched {
    std::uint64_t objects = 0;
    std::uint64_t first = 0;  // number of the first of them
};

// The data of `leader` between the two, as it is; but what is damaged in it, by its own index, and
// whole in `follower` stays. Errors: reading or writing the files failed, or cancelled.
[[nodiscard]] agent::core::Result<Unvouched> copy_data(const StoredCopy& leader,
                                                       const StoredCopy& follower,
                                                       const RecordedEnd& begin,
                                                       const RecordedEnd& end,
                                                       const Cancelled& cancelled);

[[nodiscard]] agent::core::Outcome copy_bytes(const StorageFile& from, const StorageFile& to,
                                              std::uint64_t begin, std::uint64_t end,
                                              const Cancelled& cancelled);

}  // namespace drive_iface::cartridge
