#pragma once

// The shared drive table: drives, volumes and claims of one library, in whichever database. Every
// change is one transaction that counts only while the table's epoch is the writer's. Blocks; used
// by one thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/claims/claim.hpp"
#include "agent/claims/claim_machine.hpp"
#include "agent/claims/drive_choice.hpp"
#include "agent/claims/fault_rule.hpp"
#include "agent/claims/mountability.hpp"
#include "agent/mounts/sql_session.hpp"
#include "agent/mounts/table_memory.hpp"

namespace agent::mounts {

struct ClaimTableOptions {
    std::string library;
    std::string node;
    claims::MediaTable media;
    std::size_t queue_max = 256;  // claims without a drive, of all hosts
    std::size_t queue_per_host_max = 64;
    std::size_t ended_max = 10'000;  // claims remembered after their end, for repeated requests
};

struct MountRequest {
    std::string request;
    std::string volume;
    std::string host;
    claims::Access access = claims::Access::write;
    bool wait = false;
    core::WallTime deadline;
    std::vector<std::string> affinity;
    bool stock_taken = false;  // the changer was asked again because the volume was not there
};

// What became of a request.
struct AlreadyKnown {
    claims::Claim claim;  // the same request was made before
};
struct NoDrive {
    claims::DriveCounts counts;
    std::string queue_full;  // why it could not wait, when it wanted to
};
struct InLine {
    claims::Claim claim;
    std::size_t position = 0;  // 1: next
    claims::DriveCounts counts;
};
struct DriveClaimed {
    claims::Claim claim;
    claims::DriveRow drive;
};
using ClaimBegun = std::variant<AlreadyKnown, claims::MountRefusal, NoDrive, InLine, DriveClaimed>;

// How a claim ends, or gives its drive back.
struct ClaimRelease {
    claims::ClaimEnding ending = claims::ClaimEnding::unmounted;
    std::string reason;
    bool wait_again = false;            // back into the line, at its old place
    std::string quarantine_drive;       // why; empty: the drive is free
    bool medium_in_drive = false;       // it could not be taken out
    std::optional<std::uint16_t> slot;  // where the cartridge lies now
    std::optional<std::string> failed_drive;
};

struct DriveFact {
    std::string serial;
    std::uint16_t element = 0;
    std::string generation;
};

class ClaimTable {
  public:
    ClaimTable(std::unique_ptr<SqlSession> session, ClaimTableOptions options);

    // Enters library and node. One controller alone raises the epoch by one, so that what an
    // earlier life of it wrote is told apart; several leave that to whoever decides about roles.
    [[nodiscard]] core::Result<claims::Writer> enroll();
    // From now on this writer's epoch counts and no older one. Refused when it is not higher.
    [[nodiscard]] core::Outcome raise_epoch(std::uint64_t epoch);
    [[nodiscard]] const claims::Writer& writer() const { return writer_; }

    // Adds what is new and corrects elements and generations; never removes a drive.
    [[nodiscard]] core::Outcome learn_drives(const std::vector<DriveFact>& drives);
    // What the changer has shown: everything else is missing. What people have said of a volume
    // stays.
    [[nodiscard]] core::Outcome learn_volumes(const std::vector<claims::Volume>& seen,
                                              core::WallTime now);

    [[nodiscard]] core::Result<std::vector<claims::DriveRow>> drives();
    [[nodiscard]] core::Result<std::vector<claims::Volume>> volumes();
    [[nodiscard]] core::Result<std::optional<claims::Volume>> volume(const std::string& barcode);
    // Newest first; `all`: also those that have ended, at most `limit`.
    [[nodiscard]] core::Result<std::vector<claims::Claim>> claims(bool all, std::size_t limit);
    [[nodiscard]] core::Result<std::optional<claims::Claim>> claim(std::uint64_t id);
    [[nodiscard]] core::Result<std::optional<claims::Claim>> claim_of_request(
        const std::string& request);
    [[nodiscard]] core::Result<std::optional<claims::Claim>> claim_of_volume(
        const std::string& barcode);
    // Those that wait for a drive, in the order of their turn.
    [[nodiscard]] core::Result<std::vector<claims::Claim>> line();

    [[nodiscard]] core::Outcome lock() { return session_->lock_library(); }
    void unlock() { session_->unlock_library(); }
    // From any thread; see SqlSession.
    void give_up() noexcept { session_->give_up(); }

    // Commit 1: chooses a drive and marks it with `key_of` of it. Under lock().
    [[nodiscard]] core::Result<ClaimBegun> begin(const MountRequest& request,
                                                 const std::vector<claims::KnownDrive>& known,
                                                 const std::vector<std::string>& not_these,
                                                 std::uint64_t key, core::WallTime now);

    // One step of the state machine as one commit. Errors: the table; the claim is not in a state
    // where this happens; it is another controller's by now.
    [[nodiscard]] core::Result<claims::Claim> step(std::uint64_t id, claims::ClaimEvent event,
                                                   core::WallTime now);
    // The claim is over, or waits for another drive.
    [[nodiscard]] core::Result<claims::Claim> release(std::uint64_t id, const ClaimRelease& how,
                                                      core::WallTime now);
    // Behind it nothing of this controller is in doubt: a commit nobody could vouch for has come to
    // be, and is read from now on, or never will. An error: not yet.
    [[nodiscard]] core::Outcome settle();
    // Makes a claim of a controller that is gone this one's. Of one that is on its way the deadline
    // is counted anew from `now`.
    [[nodiscard]] core::Result<claims::Claim> adopt(std::uint64_t id, std::uint64_t key,
                                                    core::WallTime now);
    // Remembers a failure and says who is to blame; a volume to blame is quarantined at once.
    [[nodiscard]] core::Result<claims::Blame> record_failure(const claims::MountFailure& failure,
                                                             bool hardware,
                                                             const std::string& words,
                                                             core::WallTime now);

    [[nodiscard]] core::Outcome set_volume_state(const std::string& barcode,
                                                 claims::VolumeState state,
                                                 const std::string& reason);
    // Ends a quarantine; refused for a drive that is not in one.
    [[nodiscard]] core::Outcome free_drive(const std::string& serial, core::WallTime now);

  private:
    struct ClaimSeen {
        claims::Claim claim;
        claims::DriveRow drive;  // without meaning when the claim has none
    };
    // `body` may be done twice: from what is remembered, and, when that was not so any more, asking
    // for everything.
    core::Outcome transaction(const std::function<core::Outcome()>& body);
    // What has begun; remembers nothing of what was not committed.
    core::Outcome carry_out(const std::function<core::Outcome()>& body);
    [[nodiscard]] SqlQuestion whose_epoch() const;
    [[nodiscard]] core::Outcome is_mine(const SqlAnswer& answer) const;
    core::Outcome still_master();
    // A claim and its drive, by a writer that may change them.
    core::Result<ClaimSeen> look_at(std::uint64_t id);
    core::Result<TableSeen> look_for(const MountRequest& request);
    core::Result<std::vector<claims::Claim>> claims_where(std::string_view sql,
                                                          std::vector<SqlValue> values);
    core::Result<std::optional<claims::Claim>> one_claim(std::string_view sql,
                                                         std::vector<SqlValue> values);
    // Written, and remembered.
    core::Outcome keep_claim(const claims::Claim& claim, bool is_new);
    core::Outcome keep_drive(claims::DriveRow drive, core::WallTime now);
    core::Outcome keep_in_drive(const std::string& barcode, const claims::DriveRow& drive,
                                core::WallTime now);
    core::Outcome keep_in_slot(const std::string& barcode, std::uint16_t slot, core::WallTime now);
    // A change that nothing is remembered of; what was is forgotten.
    core::Outcome run(std::string_view sql, std::vector<SqlValue> values);
    core::Outcome forget_before(std::uint64_t id);
    core::Result<std::string> line_full(const std::string& host);
    core::Outcome take_in(claims::Claim& claim, const claims::DriveRow& chosen, std::uint64_t key,
                          bool is_new, core::WallTime now, DriveClaimed& taken);
    // Of a request that is new as far as is remembered; false: everything has to be asked for.
    core::Result<bool> choose_from_memory(const MountRequest& request,
                                          const std::vector<claims::KnownDrive>& known,
                                          const std::vector<std::string>& not_these,
                                          std::uint64_t key, core::WallTime now, ClaimBegun& begun);
    core::Result<std::size_t> position_of(std::uint64_t id);
    core::Outcome choose(const MountRequest& request, const std::vector<claims::KnownDrive>& known,
                         const std::vector<std::string>& not_these, std::uint64_t key,
                         core::WallTime now, ClaimBegun& begun);

    std::unique_ptr<SqlSession> session_;
    ClaimTableOptions options_;
    claims::Writer writer_;
    TableMemory memory_;
    bool from_memory_ = false;  // in a transaction that goes on from what is remembered
};

}  // namespace agent::mounts
