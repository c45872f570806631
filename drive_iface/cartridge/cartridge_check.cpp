// 'cartridge check': every record of every copy against the index, its checksum, and the other
// copy; with repair, what one of them still knows is given to the others.

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "drive_iface/cartridge/cartridge_jobs.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::LogicalObject;

constexpr std::size_t findings_max = 100;
constexpr std::uint64_t entries_checked_at_once = 1024;
constexpr std::uint64_t progress_step = 16 << 20;

bool is_filemark(const IndexEntry& entry) {
    return entry.object.kind == LogicalObject::Kind::filemark;
}

// Is the record found in the data what the index says?
bool agrees(const TapItem& item, const IndexEntry& entry) {
    if (item.offset != entry.before.offset) return false;
    switch (item.kind) {
        case TapItem::Kind::block:
            return !is_filemark(entry) && item.length == entry.object.length &&
                   item.crc32c == entry.crc32c;
        case TapItem::Kind::filemark:
            return is_filemark(entry);
        case TapItem::Kind::block_in_error:
        case TapItem::Kind::end_of_medium:
        case TapItem::Kind::torn:
            return false;
    }
    return false;
}

// What the data tells of an object whose index entry is gone.
std::optional<IndexEntry> entry_of(const TapItem& item, const RecordedEnd& before) {
    if (item.offset != before.offset) return std::nullopt;
    IndexEntry entry{.object = {}, .before = before, .crc32c = item.crc32c, .generation = 0};
    entry.object.length = item.length;
    switch (item.kind) {
        case TapItem::Kind::block:
            return entry;
        case TapItem::Kind::block_in_error:
            entry.crc32c = ~item.crc32c;
            return entry;
        case TapItem::Kind::filemark:
            entry.object.kind = LogicalObject::Kind::filemark;
            return entry;
        case TapItem::Kind::end_of_medium:
        case TapItem::Kind::torn:
            return std::nullopt;
    }
    return std::nullopt;
}

// Entries one after the other, damaged ones as nothing.
class EntryReader {
  public:
    EntryReader(const StoredCopy& copy, std::uint64_t end) : copy_(copy), end_(end) {}

    std::optional<IndexEntry> at(std::uint64_t number) {
        if (number < first_ || number >= first_ + entries_.size()) {
            first_ = number;
            entries_ = copy_.entries(number, std::min(entries_checked_at_once, end_ - number));
        }
        if (entries_.empty()) return std::nullopt;
        return entries_[number - first_];
    }

  private:
    const StoredCopy& copy_;
    std::uint64_t end_;
    std::uint64_t first_ = 0;
    std::vector<IndexEntry> entries_;
};

class Check {
  public:
    Check(const JobContext& context, std::string barcode, bool repair)
        : context_(context), barcode_(std::move(barcode)), repair_(repair) {}

    Result<CheckReport> run();

  private:
    struct Verdict {
        std::set<std::uint64_t> damaged;           // objects
        std::map<std::uint64_t, IndexEntry> lost;  // entries, as the data tells them
        bool marker_missing = false;
        std::optional<std::uint64_t> unreadable_from;  // neither index nor data tells more
    };

    Outcome walk(const StoredCopy& copy, Verdict& verdict);
    void take_damaged(const StoredCopy& copy, const IndexEntry& entry, Verdict& verdict);
    Outcome mend(std::size_t which);
    Outcome mend_object(const StoredCopy& copy, std::size_t which, std::uint64_t number);
    Outcome complete_mirror();
    void found(const std::string& what);
    void repaired(const std::string& what) { report_.repairs.push_back(what); }
    void tell_progress(std::uint64_t bytes);

    const JobContext& context_;
    const std::string barcode_;
    const bool repair_;
    std::unique_ptr<Recording> recording_;
    std::vector<Verdict> verdicts_;  // as recording_->copies()
    CheckReport report_;
    std::uint64_t bytes_before_ = 0;  // of the copies that are done
};

void Check::found(const std::string& what) {
    report_.sound = false;
    if (report_.findings.size() < findings_max) report_.findings.push_back(what);
}

void Check::tell_progress(std::uint64_t bytes) {
    const auto total = recording_->end().offset * recording_->copies().size();
    context_.progress({bytes_before_ + bytes, total});
}

void Check::take_damaged(const StoredCopy& copy, const IndexEntry& entry, Verdict& verdict) {
    verdict.damaged.insert(entry.before.objects);
    found(copy.paths().data + ": " + (is_filemark(entry) ? "filemark " : "block ") +
          std::to_string(entry.before.objects) + " at byte " + std::to_string(entry.before.offset) +
          " is damaged");
}

Outcome Check::walk(const StoredCopy& copy, Verdict& verdict) {
    const auto& end = recording_->end();
    RecordedEnd at;
    auto scanner = copy.scan(0);
    EntryReader entries(copy, end.objects);
    std::uint64_t told = 0;
    for (std::uint64_t number = 0; number < end.objects; ++number) {
        if (at.offset - told >= progress_step) {
            told = at.offset;
            tell_progress(told);
            if (context_.cancelled()) return Error{"checking " + barcode_ + " was cancelled"};
        }
        const auto item = scanner.next();
        auto entry = entries.at(number);
        if (!entry) {
            entry = entry_of(item, at);
            if (!entry) {
                verdict.unreadable_from = number;
                found(copy.paths().data + ": from object " + std::to_string(number) +
                      " on neither the index nor the data tells what is there");
                return Nothing{};
            }
            verdict.lost.emplace(number, *entry);
            found(copy.paths().index + ": the entry of object " + std::to_string(number) +
                  " is damaged");
        } else if (!agrees(item, *entry) && !copy.has(*entry, true)) {
            take_damaged(copy, *entry, verdict);
        }
        at = entry->after();
        if (scanner.offset() != at.offset) scanner = copy.scan(at.offset);
    }
    verdict.marker_missing = scanner.next().kind != TapItem::Kind::end_of_medium;
    if (verdict.marker_missing) {
        found(copy.paths().data + ": no end marker stands behind the recording");
    }
    return Nothing{};
}

// From a copy that has it whole.
Outcome Check::mend_object(const StoredCopy& copy, std::size_t which, std::uint64_t number) {
    const auto& copies = recording_->copies();
    for (std::size_t i = 0; i < copies.size(); ++i) {
        const bool whole = i != which && !copies[i]->failed() &&
                           !verdicts_[i].damaged.contains(number) &&
                           !verdicts_[i].lost.contains(number);
        if (!whole) continue;
        const auto entry = copies[i]->entry(number);
        if (!entry.ok()) continue;
        virtual_library::Bytes record(tap_size(entry->object));
        if (!copies[i]->data().read(entry->before.offset, record).ok()) continue;
        if (auto put = copy.data().write(entry->before.offset, record); !put.ok()) return put;
        if (auto put = copy.write_entries(std::span(&*entry, 1)); !put.ok()) return put;
        repaired(copy.paths().data + ": object " + std::to_string(number) + " was taken from " +
                 copies[i]->paths().folder);
        return Nothing{};
    }
    return Error{"damaged everywhere"};
}

Outcome Check::mend(std::size_t which) {
    const auto& copy = *recording_->copies()[which];
    auto& verdict = verdicts_[which];
    std::uint64_t written = 0;
    for (const auto& [number, entry] : verdict.lost) {
        if (auto put = copy.write_entries(std::span(&entry, 1)); !put.ok()) return put;
        ++written;
    }
    if (written != 0) {
        repaired(copy.paths().index + ": " + std::to_string(written) +
                 " entries were made anew from the data");
        verdict.lost.clear();
    }
    std::erase_if(verdict.damaged,
                  [&](std::uint64_t number) { return mend_object(copy, which, number).ok(); });
    if (verdict.marker_missing) {
        if (auto put = copy.write_end_marker(recording_->end().offset); !put.ok()) return put;
        repaired(copy.paths().data + ": the end marker was written");
        verdict.marker_missing = false;
    }
    if (auto done = copy.data().synchronise(); !done.ok()) return done;
    return copy.index().synchronise();
}

// A missing, failed or hopelessly damaged copy is made anew.
Outcome Check::complete_mirror() {
    const auto good = [&] {
        std::vector<std::string> folders;
        for (const auto& copy : recording_->copies()) {
            if (!copy->failed()) folders.push_back(copy->paths().folder);
        }
        return folders;
    };
    if (recording_->metadata().placement != Placement::mirror || good().size() >= 2) {
        return Nothing{};
    }
    found("cartridge " + barcode_ + " is to be mirrored and has one usable copy");
    if (!repair_) return Nothing{};
    // Where it was before, if that is known, and any other folder otherwise.
    auto folders = context_.folders;
    std::stable_partition(folders.begin(), folders.end(), [&](const std::string& folder) {
        const auto& copies = recording_->copies();
        return std::any_of(copies.begin(), copies.end(), [&](const auto& copy) {
            return copy->failed() && copy->paths().folder == folder;
        });
    });
    Error last{"no other folder"};
    for (const auto& folder : folders) {
        const auto used = good();
        if (std::find(used.begin(), used.end(), folder) != used.end()) continue;
        auto added = recording_->add_copy(folder, context_.cancelled);
        if (added.ok()) {
            repaired("a copy was made in " + folder);
            return Nothing{};
        }
        last = added.error();
    }
    const auto& copies = recording_->copies();
    if (std::any_of(copies.begin(), copies.end(),
                    [](const auto& copy) { return copy->strays(); })) {
        found(last.message);
        return Nothing{};
    }
    return Error{"no second copy of " + barcode_ + " could be made: " + last.message};
}

Result<CheckReport> Check::run() {
    OpeningOptions options;
    options.cancelled = context_.cancelled;
    if (repair_) options.catch_up_max = ~std::uint64_t{0};
    auto opened = Recording::open(context_.folders, barcode_, options);
    if (!opened.ok()) return opened.error();
    recording_ = std::move(opened).value();
    for (const auto& finding : recording_->take_findings()) {
        if (report_.findings.size() < findings_max) report_.findings.push_back(finding);
    }
    const auto& end = recording_->end();
    report_.objects = end.objects;
    report_.filemarks = end.filemarks;
    const auto& copies = recording_->copies();
    verdicts_.resize(copies.size());
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (!copies[i]->failed()) {
            if (auto walked = walk(*copies[i], verdicts_[i]); !walked.ok()) return walked.error();
            report_.bytes += end.bytes;
        }
        bytes_before_ += end.offset;
    }
    bool hopeless = false;
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (copies[i]->failed()) continue;
        if (verdicts_[i].unreadable_from) {
            // As long as the other copy is whole, this one is made anew from it.
            const bool other = std::any_of(copies.begin(), copies.end(), [&](const auto& copy) {
                return copy != copies[i] && !copy->failed();
            });
            if (other && repair_) {
                copies[i]->set_failed();
            } else {
                hopeless = true;
            }
        } else if (repair_) {
            if (auto mended = mend(i); !mended.ok()) return mended.error();
        }
    }
    if (auto complete = complete_mirror(); !complete.ok()) return complete.error();
    // Damaged in every copy that is used.
    std::optional<std::set<std::uint64_t>> everywhere;
    bool nothing_left = true;
    for (std::size_t i = 0; i < verdicts_.size(); ++i) {
        if (i < copies.size() && copies[i]->failed()) continue;
        const auto& verdict = verdicts_[i];
        nothing_left = nothing_left && verdict.damaged.empty() && verdict.lost.empty() &&
                       !verdict.marker_missing;
        if (!everywhere) {
            everywhere = verdict.damaged;
        } else {
            std::erase_if(*everywhere,
                          [&](std::uint64_t n) { return !verdict.damaged.contains(n); });
        }
    }
    report_.damaged_blocks = everywhere ? everywhere->size() : 0;
    const bool mirrored = recording_->metadata().placement != Placement::mirror ||
                          std::count_if(copies.begin(), copies.end(),
                                        [](const auto& copy) { return !copy->failed(); }) >= 2;
    report_.sound = nothing_left && !hopeless && mirrored;
    return report_;
}

}  // namespace

Result<CheckReport> check_cartridge(const JobContext& context, const std::string& barcode,
                                    bool repair) {
    return Check(context, barcode, repair).run();
}

}  // namespace drive_iface::cartridge
