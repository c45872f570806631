// Cartridges from and to .tap files of other programs.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "agent/core/errno_text.hpp"
#include "drive_iface/cartridge/cartridge_jobs.hpp"
#include "drive_iface/cartridge/folders.hpp"
#include "drive_iface/cartridge/little_endian.hpp"

namespace drive_iface::cartridge {

namespace {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using virtual_library::Bytes;
using virtual_library::LogicalObject;

constexpr std::uint64_t append_at_once = 4 << 20;

// Blocks read from a foreign file until there are enough of them to be worth appending.
class Importer {
  public:
    Importer(const StorageFile& source, Recording& recording)
        : source_(source), recording_(recording) {}

    Outcome take(const TapItem& item) {
        RecordedPiece piece;
        if (item.kind == TapItem::Kind::filemark) {
            piece.filemarks = 1;
        } else {
            blocks_.emplace_back(item.length);
            auto& block = blocks_.back();
            if (auto got = source_.read(item.offset + tap_word, block); !got.ok()) return got;
            piece.data = block;
            piece.block_length = item.length;
            piece.in_error = item.kind == TapItem::Kind::block_in_error;
        }
        pieces_.push_back(piece);
        bytes_ += tap_size(item.length);
        return bytes_ >= append_at_once ? flush() : Outcome(Nothing{});
    }
    Outcome flush() {
        auto stored = recording_.append(pieces_);
        pieces_.clear();
        blocks_.clear();
        bytes_ = 0;
        return stored;
    }

  private:
    const StorageFile& source_;
    Recording& recording_;
    std::vector<Bytes> blocks_;
    std::vector<RecordedPiece> pieces_;
    std::uint64_t bytes_ = 0;
};

Outcome import_all(const JobContext& context, const StorageFile& source, Recording& recording,
                   CheckReport& report) {
    const auto size = source.size();
    TapScanner scanner([&](std::uint64_t offset,
                           std::span<std::uint8_t> into) { return source.read(offset, into).ok(); },
                       0, size);
    Importer importer(source, recording);
    for (;;) {
        const auto item = scanner.next();
        switch (item.kind) {
            case TapItem::Kind::block_in_error:
                ++report.damaged_blocks;
                report.findings.push_back("block " + std::to_string(report.objects) +
                                          " is marked in error and stays so");
                [[fallthrough]];
            case TapItem::Kind::block:
            case TapItem::Kind::filemark:
                break;
            case TapItem::Kind::end_of_medium:
                return importer.flush();
            case TapItem::Kind::torn:
                return Error{source.path() + ": no whole SIMH .tap record begins at byte " +
                             std::to_string(item.offset) + ", after " +
                             std::to_string(report.objects) +
                             " objects; the file is cut off, or of another format"};
        }
        ++report.objects;
        report.filemarks += item.kind == TapItem::Kind::filemark ? 1 : 0;
        report.bytes += item.length;
        if (auto taken = importer.take(item); !taken.ok()) return taken;
        context.progress({item.offset, size});
        if (context.cancelled()) return Error{"importing " + source.path() + " was cancelled"};
    }
}

// Blocks that can not be read whole are written as they are, marked in error.
Outcome export_object(const Recording& recording, const IndexEntry& entry, const StorageFile& file,
                      CheckReport& report) {
    const auto number = entry.before.objects;
    Bytes record(tap_size(entry.object));
    const std::span<std::uint8_t> bytes(record);
    if (entry.object.kind == LogicalObject::Kind::filemark) {
        return file.write(entry.before.offset, record);  // zeros
    }
    auto word = entry.object.length;
    auto blocks = recording.read(number, number + 1, 1);
    if (!blocks.empty() && blocks.front().error.empty()) {
        std::copy(blocks.front().data.begin(), blocks.front().data.end(),
                  record.begin() + tap_word);
        report.bytes += entry.object.length;
    } else {
        word |= tap_error_flag;
        ++report.damaged_blocks;
        report.findings.push_back("block " + std::to_string(number) +
                                  " is damaged and was marked in error");
        for (const auto& copy : recording.copies()) {
            const auto data = bytes.subspan(tap_word, entry.object.length);
            if (copy->data().read(entry.before.offset + tap_word, data).ok()) break;
        }
    }
    set_little_endian(bytes, 0, word);
    set_little_endian(bytes, record.size() - tap_word, word);
    return file.write(entry.before.offset, record);
}

Outcome export_all(const JobContext& context, const Recording& recording, const StorageFile& file,
                   CheckReport& report) {
    const auto& end = recording.end();
    for (std::uint64_t number = 0; number < end.objects; ++number) {
        const auto entry = recording.find(number);
        if (!entry.ok()) return entry.error();
        if (auto put = export_object(recording, *entry, file, report); !put.ok()) return put;
        ++report.objects;
        context.progress({entry->before.offset, end.offset});
        if (context.cancelled()) return Error{"exporting to " + file.path() + " was cancelled"};
    }
    report.filemarks = end.filemarks;
    std::array<std::uint8_t, tap_word> marker{};
    set_little_endian(std::span<std::uint8_t>(marker), 0, tap_end_of_medium);
    if (auto put = file.write(end.offset, marker); !put.ok()) return put;
    return file.synchronise();
}

// Where a cartridge grows until it is whole: nobody looks for one there.
constexpr const char* growing_place = "/importing";

std::vector<std::string> growing_places(const std::vector<std::string>& folders) {
    auto places = folders;
    for (auto& place : places)
        place += growing_place;
    return places;
}

// The description last: what is left without it is no cartridge.
Outcome move_into_place(const std::vector<std::string>& folders, const std::string& barcode) {
    for (const auto& folder : folders) {
        const auto from = copy_paths(folder + growing_place, barcode);
        const auto to = copy_paths(folder, barcode);
        for (const auto& [old_name, new_name] :
             {std::pair{from.data, to.data}, std::pair{from.index, to.index},
              std::pair{from.metadata, to.metadata}}) {
            if (::rename(old_name.c_str(), new_name.c_str()) != 0) {
                return Error{new_name +
                             ": could not be put there: " + agent::core::errno_text(errno)};
            }
        }
        static_cast<void>(::unlink(from.lock.c_str()));
        static_cast<void>(::rmdir((folder + growing_place).c_str()));  // the last one
        if (auto safe = synchronise_folder(folder); !safe.ok()) return safe;
    }
    return Nothing{};
}

// Never over a file that is there.
Outcome give_name(const std::string& part, const std::string& path) {
    if (::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
        // A file system that does not know how.
        const bool unknown = errno == EINVAL || errno == ENOSYS;
        if (!unknown || ::link(part.c_str(), path.c_str()) != 0)
            return Error{path + ": could not be given its name: " + agent::core::errno_text(errno)};
        static_cast<void>(::unlink(part.c_str()));
    }
    const auto folder = std::filesystem::path(path).parent_path().string();
    return synchronise_folder(folder.empty() ? "." : folder);
}

Error may_be_the_only_copy(const std::string& file, const std::string& barcode) {
    return {file + " is left of a cartridge " + barcode +
            " that has no usable description: import that one, or move it away first"};
}

// What is left of the same cartridge is what is imported, or nothing is done: it may hold the only
// copy of something. Returns the files that go when it is a cartridge again.
Result<std::vector<std::string>> left_of_it(const JobContext& context, const std::string& barcode,
                                            const std::string& path) {
    if (find_cartridge(context.folders, barcode).ok()) {
        return Error{"there is a cartridge " + barcode +
                     " in the folders already; library inventory takes it up"};
    }
    auto files = files_of(context.folders, barcode);
    for (const auto& file : files) {
        std::error_code problem;
        const bool holds_data = file.ends_with(".tap");
        if (holds_data && !std::filesystem::equivalent(file, path, problem)) {
            return may_be_the_only_copy(file, barcode);
        }
    }
    return files;
}

// Those that were not replaced, and what belongs to them.
void delete_left_behind(const std::vector<std::string>& left,
                        const std::vector<std::string>& into) {
    for (const auto& file : left) {
        auto path = std::filesystem::path(file);
        if (std::count(into.begin(), into.end(), path.parent_path().string()) != 0) continue;
        static_cast<void>(::unlink(path.c_str()));
        if (path.extension() != ".tap") continue;
        for (const char* extension : {".tix", ".lock"})
            static_cast<void>(::unlink(path.replace_extension(extension).c_str()));
    }
}

// Nothing: there is no index that could be gone on with.
std::optional<VolumeId> volume_of_index(const CopyPaths& paths) {
    const auto index = StorageFile::open(paths.index, StorageFile::Mode::to_read);
    IndexPage page{};
    if (!index.ok() || !index->read(0, page).ok()) return std::nullopt;
    const auto volume = decode_index_header(page);
    return volume && StoredCopy::peek(paths, *volume) ? volume : std::nullopt;
}

// Where what is imported is data under this very barcode, in a folder that can be written, and has
// its index beside it.
std::optional<CopyPaths> only_lacks_description(const std::vector<std::string>& left,
                                                const std::string& barcode) {
    for (const auto& file : left) {
        const auto paths = copy_paths(std::filesystem::path(file).parent_path().string(), barcode);
        const bool can_stay = file == paths.data && ::access(paths.folder.c_str(), W_OK) == 0;
        if (can_stay && volume_of_index(paths)) return paths;
    }
    return std::nullopt;
}

// Its index knows which blocks are damaged and where the recording ends, and another copy on a disk
// that is away now has the same UUID: it all stays as it is, and is looked through.
Result<CheckReport> describe_anew(const JobContext& context, Metadata metadata,
                                  const CopyPaths& paths, const std::vector<std::string>& left) {
    const auto& barcode = metadata.facts.barcode;
    {
        const auto locks = lock_copies({paths}, barcode);
        if (!locks.ok()) return locks.error();
        const auto volume = volume_of_index(paths);
        if (!volume) return Error{paths.index + ": is in use, or changed just now"};
        metadata.volume = *volume;
        if (auto put = replace_text(paths.metadata, to_text(metadata)); !put.ok())
            return put.error();
    }
    delete_left_behind(left, {paths.folder});
    return check_cartridge(context, barcode, true);
}

}  // namespace

Result<CheckReport> import_cartridge(const JobContext& context, Metadata metadata,
                                     const std::vector<std::string>& into,
                                     const std::string& path) {
    auto source = StorageFile::open(path, StorageFile::Mode::to_read);
    if (!source.ok()) return source.error();
    if (!source->is_regular())
        return Error{path + ": is no file with a tape image, but a folder, a device or a FIFO"};
    metadata.facts.capacity = std::max(metadata.facts.capacity, source->size());
    CheckReport report;
    const auto growing = growing_places(into);
    const auto& barcode = metadata.facts.barcode;
    auto left = left_of_it(context, barcode, path);
    if (!left.ok()) return left.error();
    if (const auto place = only_lacks_description(*left, barcode))
        return describe_anew(context, std::move(metadata), *place, *left);
    for (const auto& place : growing) {
        if (::mkdir(place.c_str(), 0750) != 0 && errno != EEXIST)
            return Error{place + ": could not be made: " + agent::core::errno_text(errno)};
    }
    // What an import left there when the process was killed.
    if (auto clean = delete_cartridge(growing, barcode); !clean.ok()) return clean.error();
    auto recording = Recording::create(growing, metadata);
    if (!recording.ok()) return recording.error();
    auto done = import_all(context, *source, *recording.value(), report);
    if (done.ok()) done = recording.value()->close();
    recording.value().reset();
    // Meanwhile somebody may have put one there.
    if (done.ok()) {
        left = left_of_it(context, barcode, path);
        if (!left.ok()) done = left.error();
    }
    if (done.ok()) done = move_into_place(into, barcode);
    if (done.ok()) delete_left_behind(*left, into);
    report.sound = report.damaged_blocks == 0;
    if (done.ok()) return report;
    static_cast<void>(delete_cartridge(growing, barcode));
    for (const auto& place : growing)
        static_cast<void>(::rmdir(place.c_str()));
    return done.error();
}

Result<CheckReport> export_cartridge(const JobContext& context, const std::string& barcode,
                                     const std::string& path) {
    OpeningOptions options;
    options.cancelled = context.cancelled;
    if (::access(path.c_str(), F_OK) == 0) return Error{path + ": is there already"};
    const auto recording = Recording::open(context.folders, barcode, options);
    if (!recording.ok()) return recording.error();
    const auto part = path + ".part";
    if (::access(part.c_str(), F_OK) == 0) {
        return Error{part +
                     ": is there already, of an export that goes on (cartridge jobs) or was broken "
                     "off with vtld; delete it if none goes on"};
    }
    auto file = StorageFile::open(part, StorageFile::Mode::brand_new);
    if (!file.ok()) return file.error();
    CheckReport report;
    auto done = export_all(context, *recording.value(), *file, report);
    if (done.ok()) done = give_name(part, path);
    report.sound = report.damaged_blocks == 0;
    if (done.ok()) return report;
    static_cast<void>(::unlink(part.c_str()));
    return done.error();
}

}  // namespace drive_iface::cartridge
