#pragma once

// Mounts volumes for hosts: chooses a drive in the shared table, reserves it, has the changer move
// the cartridge, waits until the drive is ready and gives it to the host. docs/MOUNTS.md.
//
// Belongs to the event loop's thread. The table is used by a thread of its own (the desk), the
// changer by another (the robot), each drive by its own; they post what came of it back to the
// loop.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/claims/drive_choice.hpp"
#include "agent/claims/mountability.hpp"
#include "agent/claims/reconcile.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/core/result.hpp"
#include "agent/mounts/changer.hpp"
#include "agent/mounts/claim_table.hpp"
#include "agent/mounts/mount_meaning.hpp"
#include "agent/mounts/rightful_transport.hpp"
#include "agent/mounts/worker.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/transport.hpp"

namespace asio {
class io_context;
}

namespace agent::mounts {

struct MountServiceOptions {
    ClaimTableOptions table;
    core::Duration move_timeout{600'000};
    core::Duration ready_timeout{300'000};
    core::Duration reserve_timeout{5'000};
    core::Duration command_timeout{60'000};  // for everything else that is asked of the changer
    core::Duration deadline{3'600'000};      // of a request that names none
    core::Duration asked_again{5'000};  // a drive, the changer or the table that does not answer
    core::Duration line_served_again{2'000};
};

// What is known of a drive that this controller can send commands to.
struct ReachableDrive {
    std::string serial;
    std::optional<std::uint32_t> element;  // as configured; else as the changer says
    std::string product;
    std::string generation;  // as configured; empty: as the product tells
};

struct MountDoors {
    // Sends commands to a drive, on its own thread; from the loop.
    std::function<void(const std::string& serial, drive_iface::DriveJob job)> on_drive;
    // The drives, as they are for this host at this moment.
    std::function<std::vector<claims::KnownDrive>(const std::string& host)> known_drives;
    std::function<std::vector<ReachableDrive>()> reachable_drives;
    // Serials that the host prefers, best first.
    std::function<std::vector<std::string>(const std::string& host)> preferred_drives =
        [](const std::string&) { return std::vector<std::string>{}; };
    // For the event log.
    std::function<void(core::Message message, const std::string& drive,
                       const std::vector<std::string>& words)>
        note;
    // Asked before requests are taken, and before each command to a drive or the changer on the
    // threads that send them. Without a peer: always, under one epoch.
    ActingDoor acting = [] { return pair::right_of_single_controller(0); };
    // What deadlines are counted by.
    std::function<core::Now()> now = runtime::clock_now;
};

// Why a request was not served.
struct MountFault {
    enum class Kind : std::uint8_t {
        not_mountable,
        no_drive,
        drive_failed,
        withdrawn,  // cancelled, or its deadline has passed
        busy,       // not now: the library is not known yet, or too much waits
        differs,    // the claim is in another state than this needs
        unknown_claim,
        failed,
    };
    Kind kind = Kind::failed;
    std::string words;
    std::string reason;  // one word for programs: "cleaning", "queue_full", ...
    std::optional<claims::DriveCounts> counts;
};
using MountAnswer = std::variant<claims::Claim, MountFault>;
using MountCallback = std::function<void(const MountAnswer&)>;

// A claim with what its row does not say.
struct ClaimView {
    claims::Claim claim;
    std::size_t position = 0;  // in the line; 0: not in it
    std::string step;  // what is under way, in words; empty: nothing, or by another controller
};

class MountService : public std::enable_shared_from_this<MountService> {
  public:
    // `changer` may not answer yet.
    [[nodiscard]] static core::Result<std::shared_ptr<MountService>> open(
        asio::io_context& loop, MountServiceOptions options, std::unique_ptr<SqlSession> session,
        std::unique_ptr<drive_iface::Transport> changer, MountDoors doors);
    ~MountService();

    // Takes stock, finishes or undoes what an earlier life has left, then serves.
    void start();
    // The same under an epoch that was given to this controller; what the controller `gone` has
    // left is finished or undone as well.
    void start_under(std::uint64_t epoch, const std::string& gone);
    // Begins nothing more; what is under way ends where it is and is taken up by the next start.
    void stop();

    // `callback` once, from the loop: mounted, or why not. A request that was made before gets the
    // same answer.
    void mount(const MountRequest& request, MountCallback callback);
    // `claim`: its number, its request or its volume. Answered when the cartridge is back.
    void unmount(const std::string& claim, MountCallback callback);
    // Of a claim that is not mounted yet.
    void cancel(const std::string& claim, MountCallback callback);

    // By its number, its volume or its request, in this order.
    void find_claim(const std::string& name,
                    std::function<void(const core::Result<std::optional<claims::Claim>>&)> then);

    using ClaimsCallback = std::function<void(const core::Result<std::vector<ClaimView>>&)>;
    void list_claims(bool all, ClaimsCallback callback);
    void show_claim(const std::string& claim, ClaimsCallback callback);  // one, or none
    void list_volumes(
        std::function<void(const core::Result<std::vector<claims::Volume>>&)> callback);
    void list_drives(
        std::function<void(const core::Result<std::vector<claims::DriveRow>>&)> callback);
    // The drive table as it was at the last step of this controller; from memory.
    [[nodiscard]] const std::map<std::string, claims::DriveRow>& last_drives() const {
        return last_drives_;
    }

    using Done = std::function<void(const core::Outcome&)>;
    // Asks the changer where everything is; `take_stock`: after it has looked for itself.
    void scan(bool take_stock, Done done);
    // `was`: only if nobody has changed it since; what is done already stays done.
    void set_volume_state(const std::string& barcode, claims::VolumeState state,
                          const std::string& reason, const std::optional<VolumeWas>& was,
                          Done done);
    void free_drive(const std::string& serial, const std::optional<DriveWas>& was, Done done);

    // What of this controller's work stands in the way of its leaving.
    struct Load {
        std::uint32_t queued = 0;
        std::uint32_t running = 0;  // drives with a volume, or on the way to it or from it
        bool moving = false;        // the changer has something in hand
    };
    [[nodiscard]] Load load() const;
    // Answers all who wait for a drive; their requests end.
    void hand_back_queue(const std::string& words);

    [[nodiscard]] bool serving() const { return serving_; }
    [[nodiscard]] const std::string& not_serving_why() const { return trouble_; }
    // Not before start() has entered the controller into the table.
    [[nodiscard]] const claims::Writer& writer() const { return writer_; }

  private:
    struct Run;
    using RunPointer = std::shared_ptr<Run>;
    struct Taken;
    // Of what was ordered from a drive. `kept_back`: the right to act ended before it was done.
    struct OrderEnd {
        core::Outcome outcome;
        bool kept_back = false;
    };

    MountService(asio::io_context& loop, MountServiceOptions options, ClaimTable table,
                 std::unique_ptr<drive_iface::Transport> changer, MountDoors doors);

    // mount_service.cpp: requests, the line, runs.
    template <typename Value>
    void at_desk(std::function<Value(ClaimTable&)> work, std::function<void(const Value&)> then);
    void wait_in_line(const RunPointer& run);
    void arm_deadline(const RunPointer& run);
    [[nodiscard]] core::Duration time_left(const RunPointer& run) const;
    void attach(const claims::Claim& claim, const MountCallback& callback);
    void watch_claim(std::uint64_t id, const MountCallback& callback);
    void serve_line();
    void serve_line_later();
    void settle(const RunPointer& run, const MountAnswer& answer);
    [[nodiscard]] RunPointer run_of(const claims::Claim& claim);
    [[nodiscard]] RunPointer find_run(std::uint64_t id) const;
    [[nodiscard]] std::optional<MountFault> why_not_now(bool new_request) const;
    [[nodiscard]] std::optional<MountFault> why_not_acting(bool new_request) const;
    void refresh_drives();
    [[nodiscard]] static MountFault fault_of(const claims::Claim& ended);

    // mount_take.cpp: the way to a reserved drive.
    void take(MountRequest request, std::vector<std::string> not_these, const RunPointer& in_line,
              MountCallback callback);
    Taken take_at_desk(ClaimTable& table, const MountRequest& request,
                       const std::vector<claims::KnownDrive>& known,
                       std::vector<std::string> not_these, std::uint64_t key);
    [[nodiscard]] OrderEnd hold_at_desk(const std::string& serial, std::uint64_t key,
                                        bool& refused);
    void taken(const Taken& result, const MountRequest& request, const RunPointer& in_line,
               const MountCallback& callback);
    void take_from_line(const RunPointer& run, std::vector<std::string> not_these);
    void not_served(const RunPointer& run, const MountFault& fault);
    void take_up_later();

    // mount_moves.cpp: cartridges into drives.
    void begin_move(const RunPointer& run);
    void moved_in(const RunPointer& run, const MoveEnd& end);
    void wait_until_ready(const RunPointer& run);
    void look_if_ready(const RunPointer& run);
    void ready(const RunPointer& run);
    void volume_gone(const RunPointer& run, const std::string& words);
    void load_failed(const RunPointer& run, const std::string& words, bool hardware);
    void step(const RunPointer& run, claims::ClaimEvent event, std::function<void()> then);
    void at_robot(std::function<MoveEnd(drive_iface::Transport&)> work,
                  std::function<void(const MoveEnd&)> then);
    void on_drive(const std::string& serial,
                  std::function<core::Outcome(drive_iface::Transport&, core::Duration)> work,
                  std::function<void(const OrderEnd&)> done);
    void for_claim(const RunPointer& run,
                   std::function<core::Outcome(drive_iface::Transport&, core::Duration)> work,
                   std::function<void(const core::Outcome&)> done);
    void after(core::Duration delay, const RunPointer& run, std::function<void()> then);
    void stuck(const RunPointer& run, const std::string& words);
    void leave_to_other(const RunPointer& run);
    void ask_changer_again(const RunPointer& run, const std::string& words);

    // mount_out.cpp: cartridges back to their slots, and claims to their end.
    void begin_unmount(const claims::Claim& claim, const MountCallback& callback);
    [[nodiscard]] MountFault not_cancelled_yet(const claims::Claim& claim);
    void withdraw(const RunPointer& run, claims::ClaimEnding ending, const std::string& words);
    void withdraw_now(const RunPointer& run);
    void take_back(const RunPointer& run);
    void unload_own(const RunPointer& run, const core::Outcome& held);
    void move_home(const RunPointer& run, std::uint16_t element, const std::string& trouble,
                   const std::string& other);
    void taken_back(const RunPointer& run, const MoveEnd& end);
    void stays_mounted(const RunPointer& run, const std::string& words, bool host_has_it);
    void not_taken_back(const RunPointer& run, const std::string& words);
    void taken_by_somebody(const RunPointer& run, const std::string& words,
                           const std::optional<std::uint16_t>& slot);
    void give_drive_back(const RunPointer& run, ClaimRelease how);
    void record_release(const RunPointer& run, const ClaimRelease& how);
    void released(const RunPointer& run, const claims::Claim& claim);

    // mount_recovery.cpp: what an earlier life has left.
    void take_stock_first();
    void learn(const Inventory& inventory, Done done);
    [[nodiscard]] bool is_new_trouble(const std::string& words);
    void identify_drives(const std::function<void()>& then);
    void scan_again_later();
    void inventory_at_robot(bool take_stock,
                            std::function<void(const core::Result<Inventory>&)> then);
    void recover_all(const std::string& node, std::function<void()> then);
    void count_deadline_of_earlier_life(const RunPointer& run);
    void recover(const RunPointer& run, bool looked_again,
                 const std::shared_ptr<const Inventory>& seen = nullptr);
    void decide(const RunPointer& run, claims::HeldBy held, const core::Result<Inventory>& seen,
                bool looked_again);
    void go_on_adopted(const RunPointer& run, const claims::Claim& adopted,
                       const claims::RecoveryRow& row, const std::optional<std::uint16_t>& slot);
    void act_on(const RunPointer& run, const claims::RecoveryRow& row,
                const std::optional<std::uint16_t>& slot);
    void begin_serving();
    void let_go_of_unclaimed();

    asio::io_context& loop_;
    MountServiceOptions options_;
    MountDoors doors_;
    claims::Writer writer_;
    std::uint64_t family_ = 0;  // of the reservation keys
    std::uint64_t key_ = 0;
    bool serving_ = false;
    bool stopped_ = false;
    bool line_served_soon_ = false;
    bool scanned_soon_ = false;
    bool taken_up_soon_ = false;
    std::shared_ptr<const Inventory> seen_at_start_;
    std::set<std::string> without_left_keys_;  // drives
    std::string gone_;          // a controller whose claims are taken up at the start
    std::string scan_trouble_;  // told already
    std::string trouble_ = "the library is being looked at";
    std::map<std::uint64_t, RunPointer> runs_;
    std::map<std::string, claims::DriveRow> last_drives_;
    std::vector<std::pair<MountRequest, MountCallback>> early_;  // before serving

    std::shared_ptr<std::atomic<bool>> stopping_;
    // Used by the desk and the robot alone.
    std::unique_ptr<ClaimTable> table_;
    std::unique_ptr<drive_iface::Transport> changer_;
    std::unique_ptr<Worker> desk_;
    std::unique_ptr<Worker> robot_;
};

}  // namespace agent::mounts
