#include "drive_iface/cartridge/folders.hpp"

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <set>

#include "agent/core/assert.hpp"
#include "agent/core/errno_text.hpp"

namespace drive_iface::cartridge {

namespace {

namespace fs = std::filesystem;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

std::optional<dev_t> device_of(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return facts.st_dev;
}

}  // namespace

Result<std::vector<std::string>> prepare_folders(const std::vector<std::string>& folders) {
    if (folders.size() < 2) {
        return Error{"needs two storage folders or more and has " + std::to_string(folders.size()) +
                     ": what parallel sessions write goes to at least two; put a second one, best "
                     "on another disk, beside it"};
    }
    std::vector<std::string> ready;
    for (const auto& folder : folders) {
        std::error_code problem;
        if (!fs::path(folder).is_absolute()) {
            return Error{"'" + folder + "' is not an absolute path"};
        }
        fs::create_directories(folder, problem);
        if (problem) return Error{folder + ": could not be made: " + problem.message()};
        const auto real = fs::canonical(folder, problem).string();
        if (problem) return Error{folder + ": could not be resolved: " + problem.message()};
        // What can only be read can be restored from.
        if (::access(real.c_str(), R_OK | W_OK | X_OK) != 0 && errno != EROFS) {
            return Error{folder +
                         ": can not be read and written: " + agent::core::errno_text(errno)};
        }
        if (std::find(ready.begin(), ready.end(), real) != ready.end()) {
            return Error{folder + ": is given twice; two folders have to be two places"};
        }
        ready.push_back(real);
    }
    return ready;
}

std::vector<std::string> unwritable(const std::vector<std::string>& folders) {
    std::vector<std::string> found;
    for (const auto& folder : folders) {
        if (::access(folder.c_str(), W_OK) != 0) found.push_back(folder);
    }
    return found;
}

Placement placement_for(const std::vector<std::string>& folders) {
    std::set<dev_t> devices;
    for (const auto& folder : folders) {
        if (const auto device = device_of(folder)) devices.insert(*device);
    }
    return devices.size() > 1 ? Placement::mirror : Placement::single;
}

Result<ShelvedCartridge> look_at(const std::vector<std::string>& folders,
                                 const std::string& barcode) {
    auto found = find_cartridge(folders, barcode);
    if (!found.ok()) return found.error();
    ShelvedCartridge cartridge{std::move(found).value(), {}, 0};
    std::uint64_t newest = 0;
    for (const auto& copy : cartridge.found.copies) {
        if (const auto commit = StoredCopy::peek(copy.paths, copy.metadata.volume);
            commit && commit->sequence >= newest) {
            newest = commit->sequence;
            cartridge.end = commit->end;
        }
        struct stat facts {};
        if (::stat(copy.paths.data.c_str(), &facts) == 0) {
            cartridge.file_bytes += static_cast<std::uint64_t>(facts.st_blocks) * 512;
        }
    }
    return cartridge;
}

FolderContent look_into(const std::vector<std::string>& folders) {
    std::set<std::string> barcodes;
    FolderContent content;
    for (const auto& folder : folders) {
        std::error_code problem;
        for (fs::directory_iterator file(folder, problem), none; !problem && file != none;
             file.increment(problem)) {
            const auto extension = file->path().extension();
            if (extension == ".json" || extension == ".tap") {
                barcodes.insert(file->path().stem().string());
            }
        }
        if (problem) content.troubles.push_back(folder + ": " + problem.message());
    }
    for (const auto& barcode : barcodes) {
        if (const auto good = check_barcode(barcode); !good.ok()) {
            content.troubles.push_back(good.error().message);
            continue;
        }
        auto cartridge = look_at(folders, barcode);
        if (!cartridge.ok()) {
            content.troubles.push_back(cartridge.error().message);
            continue;
        }
        for (const auto& trouble : cartridge->found.troubles) {
            content.troubles.push_back(trouble);
        }
        content.cartridges.emplace(barcode, std::move(cartridge).value());
    }
    return content;
}

Outcome delete_cartridge(const std::vector<std::string>& folders, const std::string& barcode) {
    std::vector<CopyPaths> places;
    places.reserve(folders.size());
    for (const auto& folder : folders) {
        places.push_back(copy_paths(folder, barcode));
    }
    const auto locks = lock_copies(places, barcode);
    if (!locks.ok()) return locks.error();
    for (const auto& place : places) {
        // The description first: what is left without it is no cartridge.
        for (const auto& path :
             {place.metadata, place.metadata + ".new", place.index, place.data, place.lock}) {
            if (::unlink(path.c_str()) == 0 || errno == ENOENT) continue;
            return Error{path + ": could not be deleted: " + agent::core::errno_text(errno)};
        }
        if (auto done = synchronise_folder(place.folder); !done.ok()) return done;
    }
    return Nothing{};
}

Outcome replace_metadata(const FoundCartridge& found, Metadata metadata) {
    std::vector<CopyPaths> places;
    for (const auto& copy : found.copies) {
        places.push_back(copy.paths);
    }
    const auto locks = lock_copies(places, metadata.facts.barcode);
    if (!locks.ok()) return locks.error();
    metadata.revision = found.metadata.revision + 1;
    const auto text = to_text(metadata);
    for (const auto& place : places) {
        if (auto put = replace_text(place.metadata, text); !put.ok()) return put;
    }
    return Nothing{};
}

VolumeId new_volume_id() {
    VolumeId id{};
    const auto got = ::getrandom(id.data(), id.size(), 0);  // up to 256 bytes come at once
    AGENT_ASSERT(got == static_cast<ssize_t>(id.size()));
    id[6] = static_cast<std::uint8_t>((id[6] & 0x0fU) | 0x40U);  // RFC 4122 4.4: version 4,
    id[8] = static_cast<std::uint8_t>((id[8] & 0x3fU) | 0x80U);  // the variant of this RFC
    return id;
}

std::int64_t seconds_now() {
    using namespace std::chrono;
    return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace drive_iface::cartridge
