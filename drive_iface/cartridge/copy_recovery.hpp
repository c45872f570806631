#pragma once

// What one copy of a cartridge holds, found out when it is opened: everything that was
// synchronised, and of what was not as much as verifiably was written, in its order.

#include <functional>
#include <string>
#include <vector>

#include "drive_iface/cartridge/stored_copy.hpp"

namespace drive_iface::cartridge {

struct Recovered {
    IndexCommit commit;                 // `end` is all that is recorded and on disk
    bool rebuilt = false;               // no commit told what was once known to be there
    std::vector<std::string> findings;  // what was not as it should be, for the log
};

// Asked now and then while a long scan runs; true: give up.
using Cancelled = std::function<bool()>;

// Leaves index, commit and end marker as if the recording had been synchronised there; of a copy
// that is not writable() it changes nothing, and tells of what can be read without. Takes
// reading the last few blocks when the cartridge was unloaded in order, verifying what was written
// since the last synchronisation when not, and reading all of the data when the index is gone.
// `distrust_index`: as if it were. Errors: reading or writing the files failed, or cancelled.
[[nodiscard]] agent::core::Result<Recovered> recover(const StoredCopy& copy, bool distrust_index,
                                                     const Cancelled& cancelled);

}  // namespace drive_iface::cartridge
