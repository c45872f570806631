#pragma once

// What the last transaction has left in the drive table, as far as this controller has seen it.
// While nobody else has changed the library since (SqlSession::go_on), it need not be asked for
// again. Inside this room only; one thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/claims/claim.hpp"

namespace agent::mounts {

// All that decides about a request.
struct TableSeen {
    std::optional<claims::Claim> before;  // of the same request
    std::optional<claims::Volume> volume;
    std::optional<claims::Claim> in_use;  // another request has the volume
    std::vector<claims::DriveRow> drives;
    // With those busy that somebody else has put a cartridge into, claimed or not.
    std::vector<claims::DriveRow> usable;
    std::uint64_t next_id = 0;
};

// Serial of a drive, of each volume whose row says that it lies in one; by barcode.
using OccupiedDrives = std::map<std::string, std::string>;

// `drives` with those busy that are occupied.
[[nodiscard]] std::vector<claims::DriveRow> usable_drives(std::vector<claims::DriveRow> drives,
                                                          const OccupiedDrives& occupied);

class TableMemory {
  public:
    // Of more volumes than this the rest is asked for each time.
    static constexpr std::size_t volumes_max = 20'000;

    // Nothing is known any more: it was changed by somebody else, or in another way than below.
    void forget();

    // Every drive, what lies in them, and the number of the next claim.
    void see_all_drives(std::vector<claims::DriveRow> drives, OccupiedDrives occupied,
                        std::uint64_t next_id);
    // One row as it is now, read or written.
    void see(const claims::DriveRow& drive);
    void see(const claims::Volume& volume);
    void see(const claims::Claim& claim);

    // Nothing: unknown here, though the table may have it.
    [[nodiscard]] std::optional<claims::DriveRow> drive(const std::string& serial) const;
    [[nodiscard]] std::optional<claims::Volume> volume(const std::string& barcode) const;
    [[nodiscard]] std::optional<claims::Claim> open_claim(std::uint64_t id) const;
    // What decides about a request that was never made before, for a volume that no claim has. The
    // table may know better: then it refuses the new claim. Nothing: ask.
    [[nodiscard]] std::optional<TableSeen> seen_for_new(const std::string& request,
                                                        const std::string& barcode) const;

  private:
    bool all_drives_ = false;  // without it the next three mean nothing
    std::vector<claims::DriveRow> drives_;
    OccupiedDrives occupied_;
    std::uint64_t next_id_ = 0;
    std::map<std::string, claims::Volume> volumes_;
    std::map<std::uint64_t, claims::Claim> open_claims_;
};

}  // namespace agent::mounts
