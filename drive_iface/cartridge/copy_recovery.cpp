#include "drive_iface/cartridge/copy_recovery.hpp"

#include <algorithm>
#include <optional>

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::LogicalObject;

constexpr std::uint64_t entries_at_once = 4096;
// Entries looked at one by one, from the end back, for one whose record is still there. More than
// that is another file than the index is of, and all of it is read anew.
constexpr std::uint64_t steps_back_max = 4096;
// Damaged entries passed over in the search for the end: some pages of them.
constexpr std::uint64_t steps_over_max = 4096;

std::string objects(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " object" : " objects");
}

class Recovery {
  public:
    Recovery(const StoredCopy& copy, const Cancelled& cancelled)
        : copy_(copy), cancelled_(cancelled) {}

    Result<Recovered> by_index(const IndexCommit& commit);
    Result<Recovered> by_scan(const IndexCommit& before);
    [[nodiscard]] Error needs_writing() const {
        return {copy_.paths().index +
                ": has to be made anew from the data, and can not be written"};
    }

  private:
    [[nodiscard]] std::uint64_t whole_entries() const;
    [[nodiscard]] std::optional<RecordedEnd> last_good(std::uint64_t count) const;
    Outcome take_hints();
    Outcome scan_to(std::uint64_t limit);
    Outcome finish(bool changed);

    void found(const std::string& what) {
        recovered_.findings.push_back(copy_.paths().data + ": " + what);
    }

    const StoredCopy& copy_;
    const Cancelled& cancelled_;
    IndexCommit commit_;  // as it was on disk
    RecordedEnd end_;     // what is known to be good so far
    Recovered recovered_;
};

// Of the entries the commit covers, how many are there: those since the commit before it may have
// been lost with the power, though the data they describe was safe by then.
std::uint64_t Recovery::whole_entries() const {
    const auto covered = commit_.end.objects;
    auto number = std::min(commit_.since, covered);
    while (number < covered) {
        const auto some = copy_.entries(number, std::min(entries_at_once, covered - number));
        for (const auto& entry : some) {
            if (entry.generation != commit_.generation) return number;
            ++number;
        }
        if (some.empty()) return std::min(number, copy_.entries_there());
    }
    return covered;
}

// The end behind the last of the first `count` entries whose record stands in the data.
std::optional<RecordedEnd> Recovery::last_good(std::uint64_t count) const {
    const auto size = copy_.data().size();
    std::uint64_t low = 0;
    std::uint64_t high = count;  // entries below `low` end inside the file, from `high` on not
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        // A damaged one tells nothing: the next one that is whole does.
        auto at = middle;
        auto entry = copy_.entry(at);
        while (!entry.ok() && at + 1 < high && at - middle < steps_over_max)
            entry = copy_.entry(++at);
        if (entry.ok() && entry->after().offset <= size) {
            low = at + 1;
        } else {
            high = middle;
        }
    }
    for (std::uint64_t step = 0; low > 0 && step < steps_back_max; ++step, --low) {
        const auto entry = copy_.entry(low - 1);
        if (entry.ok() && copy_.has(*entry, false)) return entry->after();
    }
    if (low == 0) return RecordedEnd{};
    return std::nullopt;
}

// Entries behind the commit tell what was written and not synchronised. They count as far as the
// data is there, too.
Outcome Recovery::take_hints() {
    for (;;) {
        const auto some = copy_.entries(end_.objects, entries_at_once);
        for (const auto& entry : some) {
            const bool follows = entry.generation == commit_.generation && entry.before == end_;
            if (!follows || !copy_.has(entry, true)) return Nothing{};
            end_ = entry.after();
            if (cancelled_()) return Error{copy_.paths().data + ": opening it was cancelled"};
        }
        if (some.size() < entries_at_once) return Nothing{};
    }
}

// Takes what stands in the data from end_ on, as far as `limit`, into the index.
Outcome Recovery::scan_to(std::uint64_t limit) {
    auto scanner = copy_.scan(end_.offset);
    std::vector<IndexEntry> entries;
    const auto store = [&] {
        auto stored = copy_.write_entries(entries);
        entries.clear();
        return stored;
    };
    bool more = true;
    while (more && scanner.offset() < limit) {
        const auto item = scanner.next();
        if (scanner.read_failed()) {
            return Error{copy_.paths().data + ": could not be read behind byte " +
                         std::to_string(end_.offset)};
        }
        IndexEntry entry{.object = {}, .before = end_, .crc32c = item.crc32c, .generation = 0};
        entry.before.offset = item.offset;
        entry.generation = recovered_.commit.generation;
        entry.object.length = item.length;
        switch (item.kind) {
            case TapItem::Kind::block:
                break;
            case TapItem::Kind::block_in_error:
                entry.crc32c = ~item.crc32c;  // damaged it was and damaged it stays
                break;
            case TapItem::Kind::filemark:
                entry.object.kind = LogicalObject::Kind::filemark;
                break;
            case TapItem::Kind::torn:
                found("what begins at byte " + std::to_string(item.offset) +
                      " is no whole record; the recording ends before it");
                more = false;
                break;
            case TapItem::Kind::end_of_medium:
                more = false;
                break;
        }
        if (!more) break;
        end_ = entry.after();
        entries.push_back(entry);
        if (entries.size() == entries_at_once) {
            if (auto stored = store(); !stored.ok()) return stored;
            if (cancelled_()) return Error{copy_.paths().data + ": reading it was cancelled"};
        }
    }
    return store();
}

Outcome Recovery::finish(bool changed) {
    auto& commit = recovered_.commit;
    commit.end = end_;
    if (!changed || !copy_.writable()) return Nothing{};
    // What stands behind is no part of the recording, whatever it looks like.
    if (auto put = copy_.write_end_marker(end_.offset); !put.ok()) return put;
    if (auto done = copy_.data().synchronise(); !done.ok()) return done;
    // The commit vouches for all entries, and must not come to the disk before them.
    if (auto done = copy_.index().synchronise(); !done.ok()) return done;
    commit.since = end_.objects;
    commit.closed = false;
    ++commit.sequence;
    return copy_.write_commit(commit);
}

Result<Recovered> Recovery::by_index(const IndexCommit& commit) {
    commit_ = commit;
    recovered_.commit = commit;
    const auto whole = whole_entries();
    const auto good = last_good(whole);
    if (!good) {
        if (!copy_.writable()) return needs_writing();
        found("holds other records than its index tells; the index is built anew");
        return by_scan(commit);
    }
    end_ = *good;
    bool changed = !commit.closed || end_ != commit.end;
    // Given up objects and numbers used again need a generation of their own.
    if (changed) ++recovered_.commit.generation;
    if (end_.objects < commit.end.objects && !copy_.writable()) {
        found(objects(commit.end.objects - end_.objects) +
              " have no index entry, which can not be made anew while the folder can not be "
              "written, and are not shown");
    } else if (end_.objects < commit.end.objects) {
        if (auto scanned = scan_to(commit.end.offset); !scanned.ok()) return scanned.error();
        const auto kept = std::min(end_.objects, commit.end.objects);
        found(objects(commit.end.objects - whole) + " had no index entry, " +
              objects(commit.end.objects - kept) + " had no data any more; the rest is whole");
    } else if (!commit.closed) {
        const auto before = end_;
        if (auto taken = take_hints(); !taken.ok()) return taken.error();
        if (end_ != before) {
            found(objects(end_.objects - before.objects) +
                  " written and not synchronised before the process ended were found whole");
        }
    } else if (copy_.writable()) {
        // Unloaded in order: what follows was put there by another program.
        const auto before = end_;
        ++recovered_.commit.generation;
        if (auto scanned = scan_to(copy_.data().size()); !scanned.ok()) return scanned.error();
        if (end_ == before && recovered_.findings.empty()) {
            recovered_.commit.generation = commit.generation;
        } else {
            changed = true;
            found(objects(end_.objects - before.objects) + " were appended by another program");
        }
    }
    if (auto finished = finish(changed); !finished.ok()) return finished.error();
    return recovered_;
}

Result<Recovered> Recovery::by_scan(const IndexCommit& before) {
    end_ = {};
    recovered_.commit = {
        .sequence = before.sequence, .generation = before.generation + 1, .epochs = before.epochs};
    if (auto put = copy_.write_header(); !put.ok()) return put.error();
    if (auto scanned = scan_to(copy_.data().size()); !scanned.ok()) return scanned.error();
    if (auto finished = finish(true); !finished.ok()) return finished.error();
    return recovered_;
}

}  // namespace

Result<Recovered> recover(const StoredCopy& copy, bool distrust_index, const Cancelled& cancelled) {
    Recovery recovery(copy, cancelled);
    const auto commit = copy.newest_commit();
    if (commit && !distrust_index) return recovery.by_index(*commit);
    if (!copy.writable()) return recovery.needs_writing();
    auto recovered = recovery.by_scan(commit.value_or(IndexCommit{}));
    if (recovered.ok() && !commit) {
        recovered.value().rebuilt = true;
        recovered.value().findings.insert(recovered.value().findings.begin(),
                                          copy.paths().index + ": no usable index; built anew");
    }
    return recovered;
}

}  // namespace drive_iface::cartridge
