// How a recording is found in its folders, and how its copies are brought together.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "drive_iface/cartridge/copy_comparison.hpp"
#include "drive_iface/cartridge/recording.hpp"
#include "drive_iface/virtual/cleaning_cartridge.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

constexpr std::size_t metadata_size_max = 16 << 20;

bool there(const std::string& path) {
    std::error_code problem;
    return std::filesystem::exists(path, problem);
}

// Which of two copies' commits goes on where the other one ended.
bool is_older(const IndexCommit& one, const IndexCommit& other) {
    const bool behind = other.goes_on_from(one);
    if (behind != one.goes_on_from(other)) return behind;
    return std::pair(one.sequence, one.end.objects) < std::pair(other.sequence, other.end.objects);
}

// The newest first: what mending them adds to their commits must not make an older copy the newer
// one, however often it is broken off.
std::vector<std::unique_ptr<StoredCopy>> newest_first(
    std::vector<std::unique_ptr<StoredCopy>> copies) {
    using Told = std::pair<std::optional<IndexCommit>, std::unique_ptr<StoredCopy>>;
    std::vector<Told> all;
    for (auto& copy : copies) {
        auto commit = copy->newest_commit();
        all.emplace_back(std::move(commit), std::move(copy));
    }
    std::stable_sort(all.begin(), all.end(), [](const Told& one, const Told& other) {
        if (!one.first || !other.first) return one.first.has_value();
        return is_older(*other.first, *one.first);
    });
    copies.clear();
    for (auto& told : all) {
        copies.push_back(std::move(told.second));
    }
    return copies;
}

// What a copy holds behind `end` is about to be written over. Should that be broken off, and the
// other copy lost, this one is still whole as far as it tells; and what stands behind it is no
// longer another program's work.
Outcome give_up_behind(const StoredCopy& copy, IndexCommit commit, const RecordedEnd& end) {
    const bool gives_up = commit.end.objects > end.objects;
    if (!gives_up && !commit.closed) return Nothing{};
    ++commit.sequence;
    if (gives_up) ++commit.generation;
    commit.since = end.objects;
    commit.end = end;
    commit.closed = false;
    return copy.write_commit(commit);
}

std::string as_it_stands(const StoredCopy& leader, const StoredCopy& follower,
                         const Unvouched& copied) {
    const auto more = copied.objects - 1;
    return follower.paths().data + ": object " + std::to_string(copied.first) +
           (more == 0 ? " was" : " and " + std::to_string(more) + " more were") + " copied from " +
           leader.paths().data +
           " as the data stands there: no index entry tells whether it is whole. 'cartridge check' "
           "with repair makes entries anew from it";
}

void start_writeback_of_all(const std::vector<std::unique_ptr<StoredCopy>>& copies) {
    for (const auto& copy : copies) {
        copy->data().start_writeback(0, tap_word);
        copy->index().start_writeback(0, index_entries_at);
    }
}

// Everything of `leader` from object `common` on, so that both hold the same. It is on the disk
// before a commit tells of it: one synchronisation of both may bring the commit there alone.
Outcome catch_up(const StoredCopy& leader, const StoredCopy& follower, const IndexCommit& commit,
                 const RecordedEnd& common, const Cancelled& cancelled,
                 std::vector<std::string>& findings) {
    const auto& end = commit.end;
    const auto copied = copy_data(leader, follower, common, end, cancelled);
    if (!copied.ok()) return copied.error();
    if (copied->objects > 0) findings.push_back(as_it_stands(leader, follower, *copied));
    if (auto put = follower.write_end_marker(end.offset); !put.ok()) return put;
    if (auto done = follower.data().synchronise(); !done.ok()) return done;
    if (auto done = copy_bytes(leader.index(), follower.index(), index_offset(common.objects),
                               index_offset(end.objects), cancelled);
        !done.ok()) {
        return done;
    }
    return follower.index().synchronise();
}

// What can not be mended, since a folder is full or failing, can be read as it is all the same.
Result<Recovered> recover_as_possible(StoredCopy& copy, const OpeningOptions& options) {
    auto state = recover(copy, options.distrust_index, options.cancelled);
    if (state.ok() || !copy.writable() || options.cancelled()) return state;
    copy.set_read_only();
    auto readable = recover(copy, options.distrust_index, options.cancelled);
    if (!readable.ok()) return state;
    readable.value().findings.insert(readable.value().findings.begin(), state.error().message);
    return readable;
}

}  // namespace

namespace {

// A child process of this one has every descriptor until it begins its own program, and with them a
// lock that was just given back.
Result<std::optional<FileLock>> take_lock(const CopyPaths& paths) {
    constexpr int attempts = 50;
    constexpr std::chrono::milliseconds pause{10};
    for (int attempt = 1;; ++attempt) {
        auto lock = FileLock::take(paths.lock, paths.data);
        if (!lock.ok() || lock.value() || attempt == attempts) return lock;
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace

Result<std::vector<FileLock>> lock_copies(const std::vector<CopyPaths>& places,
                                          const std::string& barcode) {
    std::vector<FileLock> locks;
    for (const auto& paths : places) {
        auto lock = take_lock(paths);
        if (!lock.ok()) return lock.error();
        if (!lock.value()) {
            return Error{"cartridge " + barcode + " is in use: " + paths.lock +
                         " is held by this or another process"};
        }
        locks.push_back(*std::move(lock).value());
    }
    return locks;
}

namespace {

// What is recorded is not lost with it.
Error no_usable_description(const std::vector<std::string>& folders, const std::string& barcode,
                            const std::string& why) {
    const auto files = files_of(folders, barcode);
    const auto data =
        std::ranges::find_if(files, [](const std::string& file) { return file.ends_with(".tap"); });
    const std::string what = "cartridge " + barcode + " has no usable description: " + why;
    if (data == files.end()) {
        return Error{what +
                     "; put its .tap file and description back, or remove what is left of "
                     "it: lractl cartridge remove " +
                     barcode};
    }
    if (virtual_library::is_cleaning_barcode(barcode)) {
        return Error{what +
                     "; is it a cleaning cartridge, lractl cartridge remove and create make it "
                     "anew; data of an earlier version is in " +
                     *data + ": import that under a barcode that does not begin with CLN first"};
    }
    return Error{what +
                 "; what is recorded is there, and is made a cartridge again by: lractl "
                 "cartridge import " +
                 barcode + " " + *data};
}

}  // namespace

std::vector<std::string> files_of(const std::vector<std::string>& folders,
                                  const std::string& barcode) {
    std::vector<std::string> files;
    for (const auto& folder : folders) {
        const auto paths = copy_paths(folder, barcode);
        for (const auto& path : {paths.data, paths.metadata}) {
            if (there(path)) files.push_back(path);
        }
    }
    return files;
}

Result<FoundCartridge> find_cartridge(const std::vector<std::string>& folders,
                                      const std::string& barcode) {
    FoundCartridge found;
    bool any = false;
    for (const auto& folder : folders) {
        const auto paths = copy_paths(folder, barcode);
        if (!there(paths.data) && !there(paths.metadata)) continue;
        any = true;
        const auto text = read_text(paths.metadata, metadata_size_max);
        auto metadata =
            text.ok() ? metadata_from_text(text.value()) : Result<Metadata>(text.error());
        if (!metadata.ok()) {
            const auto& why = metadata.error().message;
            found.troubles.push_back(text.ok() ? paths.metadata + ": " + why : why);
            continue;
        }
        if (metadata->facts.barcode != barcode) {
            found.troubles.push_back(paths.metadata + ": is of cartridge " +
                                     metadata->facts.barcode);
            continue;
        }
        found.copies.push_back({paths, std::move(metadata).value()});
    }
    if (!any) return Error{"there is no cartridge " + barcode};
    if (found.copies.empty()) {
        return no_usable_description(folders, barcode, found.troubles.front());
    }
    const auto newest = std::max_element(found.copies.begin(), found.copies.end(),
                                         [](const auto& one, const auto& other) {
                                             return one.metadata.revision < other.metadata.revision;
                                         });
    found.metadata = newest->metadata;
    std::erase_if(found.copies, [&](const auto& copy) {
        if (copy.metadata.volume == found.metadata.volume) return false;
        found.troubles.push_back(copy.paths.metadata +
                                 ": is another recording under the same "
                                 "barcode (UUID " +
                                 to_text(copy.metadata.volume) +
                                 "); move one of them out of the folders");
        return true;
    });
    return found;
}

Result<std::unique_ptr<Recording>> Recording::open(const std::vector<std::string>& folders,
                                                   const std::string& barcode,
                                                   const OpeningOptions& options) {
    auto seen = find_cartridge(folders, barcode);
    if (!seen.ok()) return seen.error();
    std::vector<CopyPaths> places;
    for (const auto& copy : seen->copies) {
        places.push_back(copy.paths);
    }
    auto locks = lock_copies(places, barcode);
    if (!locks.ok()) return locks.error();
    // Before the lock was taken somebody may have changed it.
    auto found = find_cartridge(folders, barcode);
    if (!found.ok()) return found.error();

    std::unique_ptr<Recording> recording(new Recording);
    recording->metadata_ = found->metadata;
    recording->barcode_ = barcode;
    recording->locks_ = std::move(locks).value();
    recording->findings_ = found->troubles;
    std::vector<std::unique_ptr<StoredCopy>> copies;
    for (const auto& place : found->copies) {
        auto copy = StoredCopy::open(place.paths, found->metadata.volume);
        if (copy.ok()) {
            copies.push_back(std::move(copy).value());
        } else {
            recording->findings_.push_back(copy.error().message);
        }
    }
    std::vector<Recovered> recovered;
    for (auto& copy : newest_first(std::move(copies))) {
        auto state = recover_as_possible(*copy, options);
        if (!state.ok()) {
            recording->findings_.push_back(state.error().message);
            continue;
        }
        for (const auto& finding : state->findings) {
            recording->findings_.push_back(finding);
        }
        recording->copies_.push_back(std::move(copy));
        recovered.push_back(std::move(state).value());
    }
    if (recording->copies_.empty()) {
        return Error{"cartridge " + barcode +
                     " has no usable copy: " + recording->findings_.front()};
    }
    recording->reconcile(recovered, options);
    if (options.cancelled()) return Error{"opening cartridge " + barcode + " was cancelled"};
    if (!recording->any_writable()) {
        recording->protect(recording->good_copies().front()->paths().folder +
                           " can not be written");
    }
    return recording;
}

// The copy with the newest commit leads; the others follow or are left out.
void Recording::reconcile(const std::vector<Recovered>& recovered, const OpeningOptions& options) {
    const auto newer = [](const Recovered& one, const Recovered& other) {
        if (one.rebuilt != other.rebuilt) return one.rebuilt;
        return is_older(one.commit, other.commit);
    };
    const auto lead = static_cast<std::size_t>(
        std::max_element(recovered.begin(), recovered.end(), newer) - recovered.begin());
    commit_ = recovered[lead].commit;
    end_ = commit_.end;
    const auto& leader = *copies_[lead];
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        auto& copy = *copies_[i];
        if (i == lead || recovered[i].commit == commit_) continue;
        const auto border =
            common_end(leader, copy, std::min(end_.objects, recovered[i].commit.end.objects),
                       options.cancelled);
        if (options.cancelled()) return;
        const bool stranger = recovered[i].rebuilt || !commit_.goes_on_from(recovered[i].commit);
        if (stranger && border.objects < recovered[i].commit.end.objects) {
            stray(copy, leader, border.objects);
            continue;
        }
        const auto missing = end_.offset - border.offset;
        if (missing > options.catch_up_max) {
            copy.set_failed();
            findings_.push_back(copy.paths().data + ": is behind by " + std::to_string(missing) +
                                " bytes and not used; 'cartridge check " + barcode_ +
                                "' with repair brings it up to date");
            continue;
        }
        if (!copy.writable()) {
            copy.set_failed();
            findings_.push_back(copy.paths().data +
                                ": is behind and can not be written, and is "
                                "not used");
            continue;
        }
        auto done = give_up_behind(copy, recovered[i].commit, border);
        if (done.ok()) done = catch_up(leader, copy, commit_, border, options.cancelled, findings_);
        if (!done.ok()) {
            copy.set_failed();
            findings_.push_back(done.error().message);
            continue;
        }
        if (missing != 0) {
            findings_.push_back(copy.paths().data + ": was behind by " + std::to_string(missing) +
                                " bytes and is up to date again");
        }
    }
    if (metadata_.placement == Placement::mirror && good_copies().size() < 2) {
        findings_.push_back("cartridge " + barcode_ +
                            " is to be mirrored and has one usable copy, in " +
                            good_copies().front()->paths().folder + "; 'cartridge check " +
                            barcode_ + "' with repair makes the other one");
    }
    const bool equal = std::all_of(recovered.begin(), recovered.end(),
                                   [&](const auto& one) { return one.commit == commit_; });
    if (equal || !any_writable()) return;
    // A generation that no copy has seen: none of them has entries of it behind the end.
    for (const auto& one : recovered) {
        commit_.generation = std::max(commit_.generation, one.commit.generation);
    }
    ++commit_.generation;
    commit_.since = end_.objects;
    commit_.closed = false;
    if (auto put = write_commit(commit_); put.ok()) return;
    for (const auto& copy : copies_)
        copy->set_read_only();
}

// Both were written while the other was away. One of them is gone on with; the other one is left as
// it is, for somebody who knows what it is worth.
void Recording::stray(StoredCopy& copy, const StoredCopy& leader, std::uint64_t common) {
    copy.set_straying();
    findings_.push_back(
        "cartridge " + barcode_ + ": its copies in " + leader.paths().folder + " and " +
        copy.paths().folder + " were both written while the other one was away and differ from " +
        "object " + std::to_string(common) + " on; the one in " + leader.paths().folder +
        " is used and the other one left alone. Import " + copy.paths().data +
        " as another cartridge to keep it; then move " + barcode_ + ".* out of " +
        copy.paths().folder + " and ask for 'cartridge check " + barcode_ + "' with repair");
}

Outcome Recording::add_copy(const std::string& folder, const Cancelled& cancelled) {
    const auto paths = copy_paths(folder, barcode_);
    // What is held here is of a copy that failed; another recording's description is not ours.
    if (there(paths.metadata)) {
        const auto text = read_text(paths.metadata, metadata_size_max);
        const auto other = text.ok() ? metadata_from_text(*text) : Result<Metadata>(text.error());
        if (other.ok() && other->volume != metadata_.volume) {
            return Error{paths.metadata + ": is another recording under the same barcode"};
        }
    }
    const bool strays = std::any_of(copies_.begin(), copies_.end(), [&](const auto& copy) {
        return copy->strays() && copy->paths().folder == folder;
    });
    if (strays) return Error{paths.data + ": holds what no other copy does, and is not replaced"};
    early_writeback_.reset();  // it may know of the copy that goes
    std::erase_if(copies_, [&](const auto& copy) { return copy->paths().folder == folder; });
    const bool locked = std::any_of(locks_.begin(), locks_.end(),
                                    [&](const auto& lock) { return lock.path() == paths.lock; });
    if (!locked) {
        auto lock = lock_copies({paths}, barcode_);
        if (!lock.ok()) return lock.error();
        locks_.push_back(std::move(lock.value().front()));
    }
    for (const auto& path : {paths.metadata, paths.index, paths.data}) {
        std::error_code problem;
        std::filesystem::remove(path, problem);
        if (problem) return Error{path + ": could not be deleted: " + problem.message()};
    }
    const auto leaders = good_copies();
    if (leaders.empty()) return Error{barcode_ + ": no copy is left to copy from"};
    auto copy = StoredCopy::create(paths, metadata_.volume, true);
    if (!copy.ok()) return copy.error();
    auto done =
        catch_up(*leaders.front(), *copy.value(), commit_, RecordedEnd{}, cancelled, findings_);
    if (done.ok()) done = copy.value()->write_commit(commit_);
    if (done.ok()) done = replace_text(paths.metadata, to_text(metadata_));
    if (done.ok()) copies_.push_back(std::move(copy).value());
    return done;
}

Result<std::unique_ptr<Recording>> Recording::create(const std::vector<std::string>& folders,
                                                     const Metadata& metadata, bool closed) {
    const auto& barcode = metadata.facts.barcode;
    std::vector<CopyPaths> places;
    for (const auto& folder : folders) {
        places.push_back(copy_paths(folder, barcode));
        const auto& paths = places.back();
        for (const auto& path : {paths.data, paths.index, paths.metadata}) {
            if (there(path)) return Error{path + " is there already"};
        }
    }
    auto locks = lock_copies(places, barcode);
    if (!locks.ok()) return locks.error();
    std::unique_ptr<Recording> recording(new Recording);
    recording->metadata_ = metadata;
    recording->barcode_ = barcode;
    recording->locks_ = std::move(locks).value();
    for (const auto& paths : places) {
        auto copy = StoredCopy::create(paths, metadata.volume, closed);
        if (!copy.ok()) return copy.error();
        recording->commit_ = *copy.value()->newest_commit();
        recording->copies_.push_back(std::move(copy).value());
    }
    // All files are on their way to the disk before the first one is waited for: a file system that
    // keeps a journal brings all of them there with one commit of it.
    start_writeback_of_all(recording->copies_);
    for (const auto& copy : recording->copies_) {
        if (auto done = copy->data().synchronise(); !done.ok()) return done.error();
        if (auto done = copy->index().synchronise(); !done.ok()) return done.error();
    }
    // The descriptions last: without them there is no cartridge.
    std::vector<std::string> descriptions;
    descriptions.reserve(places.size());
    for (const auto& paths : places)
        descriptions.push_back(paths.metadata);
    for (const auto& put : replace_texts(descriptions, to_text(metadata))) {
        if (!put.ok()) return put.error();
    }
    return recording;
}

}  // namespace drive_iface::cartridge
