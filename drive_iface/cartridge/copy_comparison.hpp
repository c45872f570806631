#pragma once

// What two copies of a recording have in common, and bringing one to what the other one holds. What
// can not be told of an object, since its index entry or its data is damaged, is no difference.

#include "drive_iface/cartridge/copy_recovery.hpp"
#include "drive_iface/cartridge/stored_copy.hpp"

namespace drive_iface::cartridge {

// The end of what both hold, of their first `count` objects. Sooner when it is cancelled.
[[nodiscard]] RecordedEnd common_end(const StoredCopy& leader, const StoredCopy& follower,
                                     std::uint64_t count, const Cancelled& cancelled);

// The data of `leader` between the two, as it is; but what is damaged in it, by its own index, and
// whole in `follower` stays.
[[nodiscard]] agent::core::Outcome copy_data(const StoredCopy& leader, const StoredCopy& follower,
                                             const RecordedEnd& begin, const RecordedEnd& end,
                                             const Cancelled& cancelled);

[[nodiscard]] agent::core::Outcome copy_bytes(const StorageFile& from, const StorageFile& to,
                                              std::uint64_t begin, std::uint64_t end,
                                              const Cancelled& cancelled);

}  // namespace drive_iface::cartridge
