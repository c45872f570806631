#include "drive_iface/cartridge/copy_comparison.hpp"

#include <algorithm>
#include <optional>

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::LogicalObject;

constexpr std::size_t copy_step = 1 << 20;
// Looked at and copied at once, so that it is read from the disk once.
constexpr std::uint64_t stretch_max = 8 << 20;
constexpr std::uint64_t compared_at_once = 4096;
constexpr std::uint64_t entries_behind_damage = 64;  // that is seldom alone
constexpr std::size_t unclear_max = 65'536;

using MaybeEntry = std::optional<IndexEntry>;

// `count` of them, damaged and missing ones as nothing.
std::vector<MaybeEntry> entries_of(const StoredCopy& copy, std::uint64_t first,
                                   std::uint64_t count) {
    std::vector<MaybeEntry> all(count);
    auto at_once = count;
    for (std::uint64_t at = 0; at < count && first + at < copy.entries_there(); ++at) {
        for (const auto& entry : copy.entries(first + at, std::min(at_once, count - at)))
            all[at++] = entry;
        at_once = entries_behind_damage;
    }
    return all;
}

bool same(const IndexEntry& one, const IndexEntry& other) {
    return one.before == other.before && one.object.kind == other.object.kind &&
           one.object.length == other.object.length && one.crc32c == other.crc32c;
}

// Two recordings from one place on, record by record, without their entries.
class Records {
  public:
    Records(const StoredCopy& one, const StoredCopy& other, std::uint64_t offset)
        : one_(one.scan(offset)), other_(other.scan(offset)) {}

    [[nodiscard]] bool stand_at(std::uint64_t offset) const {
        return one_.offset() == offset && other_.offset() == offset;
    }
    // The next one, when it is whole and the same in both.
    std::optional<LogicalObject> next() {
        const auto here = one_.next();
        const auto there = other_.next();
        const bool record = here.kind == TapItem::Kind::block ||
                            here.kind == TapItem::Kind::block_in_error ||
                            here.kind == TapItem::Kind::filemark;
        const bool same = here.kind == there.kind && here.offset == there.offset &&
                          here.length == there.length && here.crc32c == there.crc32c;
        if (!record || !same) return std::nullopt;
        const bool filemark = here.kind == TapItem::Kind::filemark;
        return LogicalObject{filemark ? LogicalObject::Kind::filemark : LogicalObject::Kind::block,
                             here.length};
    }

  private:
    TapScanner one_;
    TapScanner other_;
};

class Comparison {
  public:
    Comparison(const StoredCopy& leader, const StoredCopy& follower)
        : leader_(leader), follower_(follower) {}

    // False: from end() on they differ.
    bool take(const MaybeEntry& leaders, const MaybeEntry& followers) {
        if (!leaders || !followers) {
            unclear_.push_back({leaders, followers});
            return unclear_.size() <= unclear_max;
        }
        if (!same(*leaders, *followers)) return false;
        // Of one generation: nothing before it was given up in one of them alone.
        if (leaders->generation == followers->generation) unclear_.clear();
        if (!settle()) return false;
        end_ = leaders->after();
        return true;
    }
    // The data of one side tells whether it is what the entry of the other one says; where neither
    // has an entry, whether the data of both is the same.
    bool settle() {
        std::optional<Records> records;
        for (const auto& [leaders, followers] : unclear_) {
            if (!leaders && !followers) {
                if (!records || !records->stand_at(end_.offset))
                    records.emplace(leader_, follower_, end_.offset);
                const auto object = records->next();
                if (!object) return false;
                end_.add(*object);
                continue;
            }
            const bool proven = (leaders && follower_.has(*leaders, true)) ||
                                (followers && leader_.has(*followers, true));
            if (!proven) return false;
            end_ = (leaders ? leaders : followers)->after();
        }
        unclear_.clear();
        return true;
    }
    [[nodiscard]] const RecordedEnd& end() const { return end_; }

  private:
    const StoredCopy& leader_;
    const StoredCopy& follower_;
    RecordedEnd end_;
    std::vector<std::pair<MaybeEntry, MaybeEntry>> unclear_;  // behind end_
};

}  // namespace

// All entries are compared: one tells where its object stands, and not what the ones before hold,
// so that objects that were written over may be followed by equal ones.
RecordedEnd common_end(const StoredCopy& leader, const StoredCopy& follower, std::uint64_t count,
                       const Cancelled& cancelled) {
    Comparison comparison(leader, follower);
    for (std::uint64_t number = 0; number < count && !cancelled(); number += compared_at_once) {
        const auto some = std::min(compared_at_once, count - number);
        const auto these = entries_of(leader, number, some);
        const auto those = entries_of(follower, number, some);
        for (std::size_t i = 0; i < some; ++i) {
            if (comparison.take(these[i], those[i])) continue;
            static_cast<void>(comparison.settle());
            return comparison.end();
        }
    }
    static_cast<void>(comparison.settle());
    return comparison.end();
}

Outcome copy_bytes(const StorageFile& from, const StorageFile& to, std::uint64_t begin,
                   std::uint64_t end, const Cancelled& cancelled) {
    virtual_library::Bytes buffer(copy_step);
    while (begin < end) {
        const auto part = std::span(buffer).first(std::min<std::uint64_t>(copy_step, end - begin));
        if (auto got = from.read(begin, part); !got.ok()) return got;
        if (auto put = to.write(begin, part); !put.ok()) return put;
        begin += part.size();
        if (cancelled()) return Error{to.path() + ": writing it was cancelled"};
    }
    return Nothing{};
}

Result<Unvouched> copy_data(const StoredCopy& leader, const StoredCopy& follower,
                            const RecordedEnd& begin, const RecordedEnd& end,
                            const Cancelled& cancelled) {
    auto offset = begin.offset;
    Unvouched unvouched;
    const auto copy_to = [&](std::uint64_t border) {
        auto done = copy_bytes(leader.data(), follower.data(), offset, border, cancelled);
        offset = border;
        return done;
    };
    for (auto number = begin.objects; number < end.objects;) {
        const auto some = leader.entries(number, std::min(compared_at_once, end.objects - number));
        if (some.empty() && unvouched.objects++ == 0) unvouched.first = number;
        number += std::max<std::uint64_t>(some.size(), 1);
        for (const auto& entry : some) {
            const auto behind = entry.after().offset;
            const bool stays = !leader.has(entry, true) && follower.has(entry, true);
            if (!stays && behind - offset < stretch_max) continue;
            const auto done = copy_to(stays ? entry.before.offset : behind);
            if (!done.ok()) return done.error();
            offset = behind;
        }
    }
    if (const auto done = copy_to(end.offset); !done.ok()) return done.error();
    return unvouched;
}

}  // namespace drive_iface::cartridge
