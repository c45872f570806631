#pragma once

// The statements about drives, volumes and claims that are asked more than once or follow each
// other, for both engines. Inside this room only.

#include <string_view>

namespace agent::mounts::claim_sql {

// Every statement is a literal of its own: sessions keep them prepared.
#define LRA_DRIVES                                                                          \
    "SELECT serial, element, generation, state, node, epoch, claim, volume, home, pr_key, " \
    "last_used, mounts, errors, reason, step_at FROM drive WHERE library = $1"
#define LRA_VOLUMES                                                                          \
    "SELECT barcode, generation, kind, state, reason, place, element, home, drive, seen_at " \
    "FROM volume WHERE library = $1"
#define LRA_CLAIMS                                                                         \
    "SELECT id, request, host, volume, access, wait, state, ending, reason, node, epoch, " \
    "drive, home, failed_drive, asked_at, changed_at, deadline FROM claim WHERE library = $1"

inline constexpr std::string_view every_drive = LRA_DRIVES " ORDER BY serial";
inline constexpr std::string_view drive_of_claim =
    LRA_DRIVES " AND serial = (SELECT drive FROM claim WHERE library = $1 AND id = $2)";
inline constexpr std::string_view every_volume = LRA_VOLUMES " ORDER BY barcode";
inline constexpr std::string_view one_volume = LRA_VOLUMES " AND barcode = $2";
inline constexpr std::string_view every_claim = LRA_CLAIMS " ORDER BY id DESC LIMIT $2";
inline constexpr std::string_view open_claims =
    LRA_CLAIMS " AND is_open = 1 ORDER BY id DESC LIMIT $2";
inline constexpr std::string_view claim_by_id = LRA_CLAIMS " AND id = $2";
inline constexpr std::string_view claim_by_request = LRA_CLAIMS " AND request = $2";
inline constexpr std::string_view claim_by_volume = LRA_CLAIMS " AND volume = $2 AND is_open = 1";
inline constexpr std::string_view claims_in_line = LRA_CLAIMS " AND state = 'queued' ORDER BY id";

#undef LRA_DRIVES
#undef LRA_VOLUMES
#undef LRA_CLAIMS

inline constexpr std::string_view epoch_of_library =
    "SELECT epoch FROM library_state WHERE library = $1";
// Held to the end of the transaction: whoever else wants to change something waits.
inline constexpr std::string_view epoch_of_library_locked =
    "SELECT epoch FROM library_state WHERE library = $1 FOR UPDATE";
// Not max(): for that PostgreSQL reads all claims while it has counted none.
inline constexpr std::string_view newest_claim =
    "SELECT id FROM claim WHERE library = $1 ORDER BY id DESC LIMIT 1";
inline constexpr std::string_view occupied_drives =
    "SELECT barcode, drive FROM volume WHERE library = $1 AND place = 'drive' AND drive IS NOT "
    "NULL";

inline constexpr std::string_view write_drive =
    "UPDATE drive SET state = $1, node = $2, epoch = $3, claim = $4, volume = $5, home = $6, "
    "pr_key = $7, last_used = $8, mounts = $9, errors = $10, reason = $11, step_at = $12 "
    "WHERE library = $13 AND serial = $14";
inline constexpr std::string_view add_claim =
    "INSERT INTO claim (library, id, request, host, volume, access, wait, state, ending, reason, "
    "node, epoch, drive, home, failed_drive, asked_at, changed_at, deadline) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
inline constexpr std::string_view place_in_drive =
    "UPDATE volume SET place = 'drive', element = $1, drive = $2, seen_at = $3 WHERE library = $4 "
    "AND barcode = $5";
inline constexpr std::string_view place_in_slot =
    "UPDATE volume SET place = 'slot', element = $1, home = $2, drive = NULL, seen_at = $3 WHERE "
    "library = $4 AND barcode = $5";
inline constexpr std::string_view write_claim =
    "UPDATE claim SET state = $1, ending = $2, reason = $3, node = $4, epoch = $5, drive = $6, "
    "home = $7, failed_drive = $8, changed_at = $9, wait = $10, deadline = $11, "
    "is_open = CASE WHEN $1 = 'ended' THEN 0 ELSE 1 END "
    "WHERE library = $12 AND id = $13";

}  // namespace agent::mounts::claim_sql
