#include "agent/mounts/claim_table.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/mounts/claim_rows.hpp"

namespace agent::mounts {

using claims::Claim;
using claims::ClaimEnding;
using claims::ClaimState;
using claims::DriveRow;
using claims::DriveState;
using claims::Volume;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using core::WallTime;

namespace {

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

constexpr std::string_view every_drive = LRA_DRIVES " ORDER BY serial";
constexpr std::string_view drive_of_claim =
    LRA_DRIVES " AND serial = (SELECT drive FROM claim WHERE library = $1 AND id = $2)";
constexpr std::string_view every_volume = LRA_VOLUMES " ORDER BY barcode";
constexpr std::string_view one_volume = LRA_VOLUMES " AND barcode = $2";
constexpr std::string_view every_claim = LRA_CLAIMS " ORDER BY id DESC LIMIT $2";
constexpr std::string_view open_claims =
    LRA_CLAIMS " AND state <> 'ended' ORDER BY id DESC LIMIT $2";
constexpr std::string_view claim_by_id = LRA_CLAIMS " AND id = $2";
constexpr std::string_view claim_by_request = LRA_CLAIMS " AND request = $2";
constexpr std::string_view claim_by_volume = LRA_CLAIMS " AND volume = $2 AND state <> 'ended'";
constexpr std::string_view claims_in_line = LRA_CLAIMS " AND state = 'queued' ORDER BY id";

#undef LRA_DRIVES
#undef LRA_VOLUMES
#undef LRA_CLAIMS

constexpr std::string_view epoch_of_library = "SELECT epoch FROM library_state WHERE library = $1";
// Held to the end of the transaction: whoever else wants to change something waits.
constexpr std::string_view epoch_of_library_locked =
    "SELECT epoch FROM library_state WHERE library = $1 FOR UPDATE";
// Not max(): for that PostgreSQL reads all claims while it has counted none.
constexpr std::string_view newest_claim =
    "SELECT id FROM claim WHERE library = $1 ORDER BY id DESC LIMIT 1";
constexpr std::string_view occupied_drives =
    "SELECT drive FROM volume WHERE library = $1 AND place = 'drive' AND drive IS NOT NULL";

constexpr std::string_view write_drive =
    "UPDATE drive SET state = $1, node = $2, epoch = $3, claim = $4, volume = $5, home = $6, "
    "pr_key = $7, last_used = $8, mounts = $9, errors = $10, reason = $11, step_at = $12 "
    "WHERE library = $13 AND serial = $14";
constexpr std::string_view add_claim =
    "INSERT INTO claim (library, id, request, host, volume, access, wait, state, ending, reason, "
    "node, epoch, drive, home, failed_drive, asked_at, changed_at, deadline) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
constexpr std::string_view write_claim =
    "UPDATE claim SET state = $1, ending = $2, reason = $3, node = $4, epoch = $5, drive = $6, "
    "home = $7, failed_drive = $8, changed_at = $9, wait = $10, deadline = $11 "
    "WHERE library = $12 AND id = $13";

Error not_master(const std::string& node) {
    return Error{"controller " + node +
                 " has been replaced meanwhile: another one has taken over, nothing was changed"};
}

// Of what is as it was nothing is written: the library is looked at every minute.
bool is_known(const DriveFact& fact, const std::vector<DriveRow>& known) {
    return std::any_of(known.begin(), known.end(), [&](const DriveRow& row) {
        return row.serial == fact.serial && row.element == fact.element &&
               (fact.generation.empty() || row.generation == fact.generation);
    });
}

// Borrows from the volumes. Of two with one barcode the first counts.
using VolumesByBarcode = std::map<std::string_view, const Volume*>;
VolumesByBarcode by_barcode(const std::vector<Volume>& volumes) {
    VolumesByBarcode found;
    for (const auto& volume : volumes)
        found.emplace(volume.barcode, &volume);
    return found;
}

bool shows_the_same(const Volume& now, const Volume& before) {
    return now.generation == before.generation && now.kind == before.kind &&
           now.place == before.place && now.element == before.element &&
           (!now.home || now.home == before.home) && now.drive == before.drive;
}

std::string number_text(std::uint64_t number) {
    return std::to_string(number);
}

}  // namespace

ClaimTable::ClaimTable(std::unique_ptr<SqlSession> session, ClaimTableOptions options)
    : session_(std::move(session)), options_(std::move(options)) {
    writer_.node = options_.node;
}

// ---- transactions

Outcome ClaimTable::transaction(const std::function<Outcome()>& body) {
    if (auto begun = session_->begin(); !begun) return begun;
    if (auto done = body(); !done) {
        session_->rollback();
        return done;
    }
    const auto commit = session_->commit();
    if (commit.end == CommitEnd::done) return Nothing{};
    if (commit.end == CommitEnd::failed) return Error{commit.words};
    return Error{"nobody can say whether the change was recorded: " + commit.words +
                 "; the same request may be repeated, and continues where it stands"};
}

// Asked before anything else: what is asked behind it, on the same trip, nobody changes any more.
SqlQuestion ClaimTable::whose_epoch() const {
    return {session_->is_shared() ? epoch_of_library_locked : epoch_of_library, {options_.library}};
}

Outcome ClaimTable::is_mine(const SqlAnswer& answer) const {
    if (answer.rows.empty()) return Error{"library " + options_.library + " is not in the table"};
    const auto epoch = static_cast<std::uint64_t>(number_in(answer.rows.front().front()));
    if (epoch != writer_.epoch) return not_master(writer_.node);
    return Nothing{};
}

Outcome ClaimTable::still_master() {
    const auto answers = session_->ask({whose_epoch()});
    if (!answers) return answers.error();
    return is_mine(answers->front());
}

Result<ClaimTable::ClaimSeen> ClaimTable::look_at(std::uint64_t id) {
    const auto answers = session_->ask({whose_epoch(),
                                        {claim_by_id, {options_.library, number(id)}},
                                        {drive_of_claim, {options_.library, number(id)}}});
    if (!answers) return answers.error();
    if (auto master = is_mine((*answers)[0]); !master) return master.error();
    auto claim = maybe_one((*answers)[1], &claim_from);
    if (!claim) return claim.error();
    if (!*claim) return Error{"there is no claim " + number_text(id)};
    auto drive = maybe_one((*answers)[2], &drive_from);
    if (!drive) return drive.error();
    if ((*claim)->drive && !*drive)
        return Error{"drive " + *(*claim)->drive + " is not in the drive table"};
    return ClaimSeen{**claim, (*drive).value_or(DriveRow{})};
}

Outcome ClaimTable::run(std::string_view sql, std::vector<SqlValue> values) {
    return session_->put(sql, std::move(values));
}

Result<claims::Writer> ClaimTable::enroll() {
    auto done = transaction([&]() -> Outcome {
        if (auto entered = run("INSERT INTO library_state (library, number, epoch, uses) "
                               "SELECT $1, coalesce(max(number), 0) + 1, 0, 0 "
                               "FROM library_state WHERE true ON CONFLICT (library) DO NOTHING",
                               {options_.library});
            !entered)
            return entered;
        if (auto entered = run("INSERT INTO node (name, number, mark) SELECT $1, "
                               "coalesce(max(number), 0) + 1, '' FROM node WHERE true "
                               "ON CONFLICT (name) DO NOTHING",
                               {options_.node});
            !entered)
            return entered;
        if (!session_->is_shared()) {
            if (auto raised = run("UPDATE library_state SET epoch = epoch + 1 WHERE library = $1",
                                  {options_.library});
                !raised)
                return raised;
        }
        const auto entered =
            session_->ask({{epoch_of_library, {options_.library}},
                           {"SELECT number FROM node WHERE name = $1", {options_.node}}});
        if (!entered) return entered.error();
        const auto only_number = [](const SqlAnswer& answer) {
            return number_in(answer.rows.front().front());
        };
        writer_.epoch = static_cast<std::uint64_t>(only_number((*entered)[0]));
        writer_.node_number = static_cast<std::uint32_t>(only_number((*entered)[1]));
        if (writer_.node_number <= 15) return Nothing{};
        return Error{
            "the drive table knows 15 controllers already; remove those that are gone "
            "from its table \"node\""};
    });
    if (!done) return done.error();
    return writer_;
}

Outcome ClaimTable::raise_epoch(std::uint64_t epoch) {
    auto done = transaction([&]() -> Outcome {
        const auto raised =
            session_->run("UPDATE library_state SET epoch = $1 WHERE library = $2 AND epoch <= $3",
                          {number(epoch), options_.library, number(epoch)});
        if (!raised) return raised.error();
        if (raised->changed == 1) return Nothing{};
        return not_master(writer_.node);
    });
    if (done) writer_.epoch = epoch;
    return done;
}

// ---- what there is

Outcome ClaimTable::learn_drives(const std::vector<DriveFact>& drives) {
    return transaction([&]() -> Outcome {
        if (auto master = still_master(); !master) return master;
        const auto known = this->drives();
        if (!known) return known.error();
        for (const auto& fact : drives) {
            if (is_known(fact, *known)) continue;
            auto kept = run(
                "INSERT INTO drive (library, serial, element, generation, state, node, epoch, "
                "pr_key, last_used, mounts, errors, reason, step_at) VALUES ($1, $2, $3, $4, "
                "'free', '', 0, 0, 0, 0, 0, '', 0) ON CONFLICT (library, serial) DO UPDATE SET "
                "element = excluded.element, generation = CASE WHEN excluded.generation = '' THEN "
                "drive.generation ELSE excluded.generation END",
                {options_.library, fact.serial, std::int64_t{fact.element}, fact.generation});
            if (!kept) return kept;
        }
        return Nothing{};
    });
}

Outcome ClaimTable::learn_volumes(const std::vector<Volume>& seen, WallTime now) {
    // Other nodes wait for the library's row meanwhile, and a library has tens of thousands.
    const auto seen_now = by_barcode(seen);
    return transaction([&]() -> Outcome {
        if (auto master = still_master(); !master) return master;
        const auto known = volumes();
        if (!known) return known.error();
        const auto known_before = by_barcode(*known);
        for (const auto& volume : *known) {
            if (volume.place == claims::Place::missing || seen_now.count(volume.barcode) != 0)
                continue;
            auto gone =
                run("UPDATE volume SET place = 'missing', drive = NULL, seen_at = $1 WHERE library "
                    "= $2 AND barcode = $3",
                    {now.ms, options_.library, volume.barcode});
            if (!gone) return gone;
        }
        for (const auto& volume : seen) {
            const auto before = known_before.find(volume.barcode);
            if (before != known_before.end() && shows_the_same(volume, *before->second)) continue;
            auto kept = run(
                "INSERT INTO volume (library, barcode, generation, kind, state, reason, place, "
                "element, home, drive, seen_at) VALUES ($1, $2, $3, $4, 'usable', '', $5, $6, $7, "
                "$8, $9) ON CONFLICT (library, barcode) DO UPDATE SET generation = "
                "excluded.generation, kind = excluded.kind, place = excluded.place, element = "
                "excluded.element, home = coalesce(excluded.home, volume.home), drive = "
                "excluded.drive, seen_at = excluded.seen_at",
                {options_.library, volume.barcode, volume.generation, text(to_text(volume.kind)),
                 text(to_text(volume.place)), std::int64_t{volume.element}, maybe(volume.home),
                 maybe(volume.drive), now.ms});
            if (!kept) return kept;
        }
        return Nothing{};
    });
}

Result<std::vector<DriveRow>> ClaimTable::drives() {
    const auto answer = session_->run(every_drive, {options_.library});
    if (!answer) return answer.error();
    return every_one(*answer, &drive_from);
}

Result<std::vector<Volume>> ClaimTable::volumes() {
    const auto answer = session_->run(every_volume, {options_.library});
    if (!answer) return answer.error();
    return every_one(*answer, &volume_from);
}

Result<std::optional<Volume>> ClaimTable::volume(const std::string& barcode) {
    const auto answer = session_->run(one_volume, {options_.library, barcode});
    if (!answer) return answer.error();
    return maybe_one(*answer, &volume_from);
}

Result<std::vector<Claim>> ClaimTable::claims_where(std::string_view sql,
                                                    std::vector<SqlValue> values) {
    values.insert(values.begin(), options_.library);
    const auto answer = session_->run(sql, std::move(values));
    if (!answer) return answer.error();
    return every_one(*answer, &claim_from);
}

Result<std::optional<Claim>> ClaimTable::one_claim(std::string_view sql,
                                                   std::vector<SqlValue> values) {
    auto found = claims_where(sql, std::move(values));
    if (!found) return found.error();
    if (found->empty()) return std::optional<Claim>();
    return std::optional(found->front());
}

Result<std::vector<Claim>> ClaimTable::claims(bool all, std::size_t limit) {
    return claims_where(all ? every_claim : open_claims, {number(limit)});
}
Result<std::optional<Claim>> ClaimTable::claim(std::uint64_t id) {
    return one_claim(claim_by_id, {number(id)});
}
Result<std::optional<Claim>> ClaimTable::claim_of_request(const std::string& request) {
    return one_claim(claim_by_request, {request});
}
Result<std::optional<Claim>> ClaimTable::claim_of_volume(const std::string& barcode) {
    return one_claim(claim_by_volume, {barcode});
}
Result<std::vector<Claim>> ClaimTable::line() {
    return claims_where(claims_in_line, {});
}

Result<std::size_t> ClaimTable::position_of(std::uint64_t id) {
    const auto waiting = line();
    if (!waiting) return waiting.error();
    std::size_t position = 1;
    for (const auto& claim : *waiting) {
        if (claim.id == id) return position;
        ++position;
    }
    return std::size_t{0};
}

// ---- writing rows

Outcome ClaimTable::keep_claim(const Claim& claim, bool is_new) {
    if (is_new) {
        return run(
            add_claim,
            {options_.library, number(claim.id), claim.request, claim.host, claim.volume,
             text(to_text(claim.access)), std::int64_t{claim.wait ? 1 : 0},
             text(to_text(claim.state)), text(to_text(claim.ending)), claim.reason, claim.node,
             number(claim.epoch), maybe(claim.drive), maybe(claim.home), maybe(claim.failed_drive),
             claim.asked_at.ms, claim.changed_at.ms, claim.deadline.ms});
    }
    return run(write_claim,
               {text(to_text(claim.state)), text(to_text(claim.ending)), claim.reason, claim.node,
                number(claim.epoch), maybe(claim.drive), maybe(claim.home),
                maybe(claim.failed_drive), claim.changed_at.ms, std::int64_t{claim.wait ? 1 : 0},
                claim.deadline.ms, options_.library, number(claim.id)});
}

Outcome ClaimTable::keep_drive(const DriveRow& drive, WallTime now) {
    return run(write_drive,
               {text(to_text(drive.state)), drive.node, number(drive.epoch), maybe(drive.claim),
                maybe(drive.volume), maybe(drive.home), number(drive.key), number(drive.last_used),
                number(drive.mounts), number(drive.errors), drive.reason, now.ms, options_.library,
                drive.serial});
}

Outcome ClaimTable::forget_before(std::uint64_t id) {
    if (id <= options_.ended_max || id % 64 != 0) return Nothing{};
    return run("DELETE FROM claim WHERE library = $1 AND state = 'ended' AND id < $2",
               {options_.library, number(id - options_.ended_max)});
}

// ---- commit 1

Result<std::string> ClaimTable::line_full(const std::string& host) {
    const auto waiting = line();
    if (!waiting) return waiting.error();
    const auto of_host = static_cast<std::size_t>(std::count_if(
        waiting->begin(), waiting->end(), [&](const Claim& claim) { return claim.host == host; }));
    if (waiting->size() >= options_.queue_max)
        return number_text(waiting->size()) + " requests wait already, which is the limit";
    if (of_host >= options_.queue_per_host_max)
        return number_text(of_host) + " requests of this host wait already, which is its limit";
    return std::string();
}

Outcome ClaimTable::take_in(Claim& claim, const DriveRow& chosen, std::uint64_t key, bool is_new,
                            WallTime now, DriveClaimed& taken) {
    claim.state = claims::claim_row(claim.state, claims::ClaimEvent::drive_claimed).to;
    claim.ending = ClaimEnding::none;
    claim.reason.clear();
    claim.node = writer_.node;
    claim.epoch = writer_.epoch;
    claim.drive = chosen.serial;
    claim.changed_at = now;
    DriveRow drive = chosen;
    drive.state = DriveState::claimed;
    drive.node = writer_.node;
    drive.epoch = writer_.epoch;
    drive.claim = claim.id;
    drive.volume = claim.volume;
    drive.home = claim.home;
    drive.key = key;
    drive.since = now;
    if (auto kept = keep_claim(claim, is_new); !kept) return kept;
    if (auto kept = keep_drive(drive, now); !kept) return kept;
    taken = {claim, drive};
    return Nothing{};
}

Result<ClaimTable::TableSeen> ClaimTable::look_for(const MountRequest& request) {
    const auto answers = session_->ask({whose_epoch(),
                                        {claim_by_request, {options_.library, request.request}},
                                        {one_volume, {options_.library, request.volume}},
                                        {claim_by_volume, {options_.library, request.volume}},
                                        {every_drive, {options_.library}},
                                        {occupied_drives, {options_.library}},
                                        {newest_claim, {options_.library}}});
    if (!answers) return answers.error();
    if (auto master = is_mine((*answers)[0]); !master) return master.error();
    auto before = maybe_one((*answers)[1], &claim_from);
    if (!before) return before.error();
    auto volume = maybe_one((*answers)[2], &volume_from);
    if (!volume) return volume.error();
    auto in_use = maybe_one((*answers)[3], &claim_from);
    if (!in_use) return in_use.error();
    if (*in_use && (*in_use)->request == request.request) in_use.value().reset();
    auto rows = every_one((*answers)[4], &drive_from);
    if (!rows) return rows.error();
    TableSeen seen{*before, *volume, *in_use, *rows, *rows, 0};
    for (const auto& cells : (*answers)[5].rows) {
        for (auto& row : seen.usable) {
            if (row.serial == cells.front() && row.state == DriveState::free)
                row.state = DriveState::mounted;
        }
    }
    // The newest claim is never forgotten, so no number is used twice.
    const auto& newest = (*answers)[6].rows;
    seen.next_id =
        newest.empty() ? 1 : static_cast<std::uint64_t>(number_in(newest.front().front())) + 1;
    return seen;
}

Outcome ClaimTable::choose(const MountRequest& request,
                           const std::vector<claims::KnownDrive>& known,
                           const std::vector<std::string>& not_these, std::uint64_t key,
                           WallTime now, ClaimBegun& begun) {
    const auto looked = look_for(request);
    if (!looked) return looked.error();
    const auto& [before, volume, in_use, rows, usable, next_id] = *looked;
    const bool open = before && before->state == ClaimState::queued;
    const bool again =
        before && before->state == ClaimState::ended && before->ending == ClaimEnding::undone;
    if (before && (before->volume != request.volume || before->host != request.host))
        return Error{"request " + request.request + " was made before for volume " +
                     before->volume + "; choose another --request"};
    if (before && !open && !again) {
        begun = AlreadyKnown{*before};
        return Nothing{};
    }
    if (auto refusal = claims::why_not_mountable(request.volume, volume, in_use, request.access,
                                                 rows, options_.media)) {
        begun = std::move(*refusal);
        return Nothing{};
    }
    const claims::DriveWish wish{.generation = volume->generation,
                                 .access = request.access,
                                 .from = volume->element,
                                 .affinity = request.affinity,
                                 .not_these = not_these};
    const auto choice = claims::choose_drive(wish, usable, known, options_.media);
    Claim claim;
    if (before) {
        claim = *before;
    } else {
        claim.id = next_id;
        claim.request = request.request;
        claim.host = request.host;
        claim.volume = request.volume;
        claim.access = request.access;
        claim.asked_at = now;
    }
    claim.wait = request.wait;
    claim.deadline = request.deadline;
    claim.home = volume->element;
    if (!choice.serial && !request.wait) {
        begun = NoDrive{choice.counts, ""};
        return Nothing{};
    }
    if (!choice.serial && !open) {
        const auto full = line_full(request.host);
        if (!full) return full.error();
        if (!full->empty()) {
            begun = NoDrive{choice.counts, *full};
            return Nothing{};
        }
    }
    if (!before) {
        if (auto pruned = forget_before(next_id); !pruned) return pruned;
    }
    if (choice.serial) {
        const auto chosen = std::find_if(rows.begin(), rows.end(), [&](const DriveRow& row) {
            return row.serial == *choice.serial;
        });
        DriveClaimed taken;
        if (auto kept = take_in(claim, *chosen, key, !before, now, taken); !kept) return kept;
        begun = std::move(taken);
        return Nothing{};
    }
    if (!open) {
        claim.state = ClaimState::queued;
        claim.ending = ClaimEnding::none;
        claim.reason.clear();
        claim.node = writer_.node;
        claim.epoch = writer_.epoch;
        claim.drive.reset();
        claim.changed_at = now;
        if (auto kept = keep_claim(claim, !before); !kept) return kept;
    }
    const auto position = position_of(claim.id);
    if (!position) return position.error();
    begun = InLine{claim, *position, choice.counts};
    return Nothing{};
}

Result<ClaimBegun> ClaimTable::begin(const MountRequest& request,
                                     const std::vector<claims::KnownDrive>& known,
                                     const std::vector<std::string>& not_these, std::uint64_t key,
                                     WallTime now) {
    ClaimBegun begun = NoDrive{};
    auto done = transaction([&] { return choose(request, known, not_these, key, now, begun); });
    if (!done) return done.error();
    return begun;
}

}  // namespace agent::mounts
