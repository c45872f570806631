#include "agent/mounts/claim_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "agent/mounts/claim_rows.hpp"
#include "agent/mounts/claim_sql.hpp"

namespace agent::mounts {

using namespace claim_sql;
using claims::Claim;
using claims::DriveRow;
using claims::Volume;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using core::WallTime;

namespace {

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

}  // namespace

ClaimTable::ClaimTable(std::unique_ptr<SqlSession> session, ClaimTableOptions options)
    : session_(std::move(session)), options_(std::move(options)) {
    writer_.node = options_.node;
}

// ---- transactions

Outcome ClaimTable::transaction(const std::function<Outcome()>& body) {
    if (session_->can_go_on()) {
        if (auto begun = session_->go_on(writer_.epoch); !begun) return begun;
        from_memory_ = true;
        auto done = carry_out(body);
        from_memory_ = false;
        if (done || !session_->was_overtaken()) return done;
    }
    memory_.forget();
    if (auto begun = session_->begin(); !begun) return begun;
    return carry_out(body);
}

Outcome ClaimTable::carry_out(const std::function<Outcome()>& body) {
    if (auto done = body(); !done) {
        session_->rollback();
        memory_.forget();
        return done;
    }
    const auto commit = session_->commit();
    if (commit.end == CommitEnd::done) return Nothing{};
    memory_.forget();
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
    if (const auto seen = memory_.open_claim(id); from_memory_ && seen) {
        const auto its_drive = seen->drive ? memory_.drive(*seen->drive) : DriveRow{};
        if (its_drive) return ClaimSeen{*seen, *its_drive};
    }
    const auto answers = session_->ask({whose_epoch(),
                                        {claim_by_id, {options_.library, number(id)}},
                                        {drive_of_claim, {options_.library, number(id)}}});
    if (!answers) return answers.error();
    if (auto master = is_mine((*answers)[0]); !master) return master.error();
    auto claim = maybe_one((*answers)[1], &claim_from);
    if (!claim) return claim.error();
    if (!*claim) return Error{"there is no claim " + std::to_string(id)};
    auto drive = maybe_one((*answers)[2], &drive_from);
    if (!drive) return drive.error();
    if ((*claim)->drive && !*drive)
        return Error{"drive " + *(*claim)->drive + " is not in the drive table"};
    memory_.see(**claim);
    return ClaimSeen{**claim, (*drive).value_or(DriveRow{})};
}

Outcome ClaimTable::run(std::string_view sql, std::vector<SqlValue> values) {
    memory_.forget();
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
        if (auto entered = run("INSERT INTO node (name, number, commit_mark) SELECT $1, "
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
        memory_.forget();
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
        std::set<std::string_view> changed;
        for (const auto& volume : *known) {
            if (volume.place == claims::Place::missing || seen_now.count(volume.barcode) != 0)
                continue;
            auto gone =
                run("UPDATE volume SET place = 'missing', drive = NULL, seen_at = $1 WHERE library "
                    "= $2 AND barcode = $3",
                    {now.ms, options_.library, volume.barcode});
            if (!gone) return gone;
            changed.insert(volume.barcode);
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
            changed.insert(volume.barcode);
        }
        for (const auto& volume : *known) {
            if (!changed.contains(volume.barcode)) memory_.see(volume);
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
    memory_.see(claim);
    if (is_new) {
        return session_->put(
            add_claim,
            {options_.library, number(claim.id), claim.request, claim.host, claim.volume,
             text(to_text(claim.access)), std::int64_t{claim.wait ? 1 : 0},
             text(to_text(claim.state)), text(to_text(claim.ending)), claim.reason, claim.node,
             number(claim.epoch), maybe(claim.drive), maybe(claim.home), maybe(claim.failed_drive),
             claim.asked_at.ms, claim.changed_at.ms, claim.deadline.ms});
    }
    return session_->put(
        write_claim,
        {text(to_text(claim.state)), text(to_text(claim.ending)), claim.reason, claim.node,
         number(claim.epoch), maybe(claim.drive), maybe(claim.home), maybe(claim.failed_drive),
         claim.changed_at.ms, std::int64_t{claim.wait ? 1 : 0}, claim.deadline.ms, options_.library,
         number(claim.id)});
}

Outcome ClaimTable::keep_drive(DriveRow drive, WallTime now) {
    drive.since = now;
    memory_.see(drive);
    return session_->put(
        write_drive, {text(to_text(drive.state)), drive.node, number(drive.epoch),
                      maybe(drive.claim), maybe(drive.volume), maybe(drive.home), number(drive.key),
                      number(drive.last_used), number(drive.mounts), number(drive.errors),
                      drive.reason, now.ms, options_.library, drive.serial});
}

Outcome ClaimTable::keep_in_drive(const std::string& barcode, const DriveRow& drive, WallTime now) {
    if (auto volume = memory_.volume(barcode)) {
        volume->place = claims::Place::drive;
        volume->element = drive.element;
        volume->drive = drive.serial;
        volume->since = now;
        memory_.see(*volume);
    } else {
        memory_.forget();
    }
    return session_->put(place_in_drive, {std::int64_t{drive.element}, drive.serial, now.ms,
                                          options_.library, barcode});
}

Outcome ClaimTable::keep_in_slot(const std::string& barcode, std::uint16_t slot, WallTime now) {
    if (auto volume = memory_.volume(barcode)) {
        volume->place = claims::Place::slot;
        volume->element = slot;
        volume->home = slot;
        volume->drive.reset();
        volume->since = now;
        memory_.see(*volume);
    } else {
        memory_.forget();
    }
    return session_->put(
        place_in_slot, {std::int64_t{slot}, std::int64_t{slot}, now.ms, options_.library, barcode});
}

Outcome ClaimTable::forget_before(std::uint64_t id) {
    if (id <= options_.ended_max || id % 64 != 0) return Nothing{};
    // Nothing of claims that have ended is remembered.
    return session_->put("DELETE FROM claim WHERE library = $1 AND state = 'ended' AND id < $2",
                         {options_.library, number(id - options_.ended_max)});
}

}  // namespace agent::mounts
