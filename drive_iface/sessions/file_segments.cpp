#include "drive_iface/sessions/file_segments.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/cartridge/folders.hpp"
#include "drive_iface/cartridge/index_format.hpp"

namespace drive_iface::sessions {

using agent::core::Error;
using agent::core::Outcome;
using agent::core::Result;
using cartridge::FileShelf;
using virtual_library::Cartridge;

namespace {

constexpr std::uint64_t capacity_min = 1ULL << 20;

std::string barcode_of(std::uint32_t identifier) {
    auto digits = std::to_string(identifier);
    return "S" + std::string(10 - digits.size(), '0') + digits;
}

std::string path_of(const std::string& folder, std::uint32_t identifier, const char* ending) {
    return folder + "/" + barcode_of(identifier) + ending;
}

// Entries of one copy's index, as far as they are whole.
std::vector<cartridge::IndexEntry> entries(const std::string& folder, std::uint32_t identifier,
                                           const cartridge::VolumeId& volume, std::uint64_t first,
                                           std::uint64_t count) {
    std::vector<cartridge::IndexEntry> found;
    std::ifstream file(path_of(folder, identifier, ".tix"), std::ios::binary);
    file.seekg(static_cast<std::streamoff>(cartridge::index_offset(first)));
    std::array<char, cartridge::index_entry_size> bytes{};
    for (std::uint64_t number = first; number < first + count; ++number) {
        if (!file.read(bytes.data(), bytes.size())) break;
        std::array<std::uint8_t, cartridge::index_entry_size> raw{};
        std::transform(bytes.begin(), bytes.end(), raw.begin(),
                       [](char c) { return static_cast<std::uint8_t>(c); });
        const auto entry = cartridge::decode_index_entry(raw, number, volume);
        if (!entry) break;
        found.push_back(*entry);
    }
    return found;
}

class FileSegments final : public SegmentShelf {
  public:
    FileSegments(std::unique_ptr<FileShelf> shelf, std::vector<std::string> folders,
                 cartridge::Placement placement)
        : shelf_(std::move(shelf)), folders_(std::move(folders)), placement_(placement) {}

    Outcome create(std::uint32_t identifier, std::uint64_t capacity) override {
        return shelf_->create_to_open({.barcode = barcode_of(identifier),
                                       .capacity = std::max(capacity, capacity_min),
                                       .placement = placement_});
    }

    std::optional<Result<std::unique_ptr<Cartridge>>> open(std::uint32_t identifier) override {
        return shelf_->open(barcode_of(identifier));
    }

    Outcome remove(std::uint32_t identifier) override {
        return shelf_->remove(barcode_of(identifier));
    }

    Outcome remove_unmade(std::uint32_t identifier) override {
        const auto barcode = barcode_of(identifier);
        auto removed = shelf_->remove(barcode);
        if (removed.ok() || !was_never_made(barcode)) return removed;
        return cartridge::delete_cartridge(folders_, barcode);
    }

    Contents contents(std::uint32_t identifier) const override {
        const auto report = shelf_->show(barcode_of(identifier));
        if (!report) return {};
        return {report->objects, report->filemarks, report->used, true};
    }

    std::vector<std::string> files(std::uint32_t identifier) const override {
        const auto report = shelf_->show(barcode_of(identifier));
        std::vector<std::string> paths;
        if (!report) return paths;
        for (const auto& folder : report->folders)
            paths.push_back(path_of(folder, identifier, ".tap"));
        return paths;
    }

    Result<std::vector<SessionRecord>> records(std::uint32_t identifier, std::uint64_t first,
                                               std::uint64_t count) const override {
        const auto report = shelf_->show(barcode_of(identifier));
        if (!report) return report.error();
        std::vector<SessionRecord> records;
        for (const auto& folder : report->folders) {
            const auto copy = entries(folder, identifier, report->metadata.volume, first, count);
            for (std::size_t at = 0; at < copy.size(); ++at) {
                if (at == records.size()) {
                    records.push_back({.number = first + at,
                                       .kind = copy[at].object.kind,
                                       .length = copy[at].object.length,
                                       .offsets = {},
                                       .crc32c = copy[at].crc32c});
                }
                records[at].offsets.push_back(copy[at].before.offset);
            }
        }
        return records;
    }

    void on_progress(std::function<void()> progress) override {
        shelf_->on_progress(std::move(progress));
    }

  private:
    // No description, and no data: making it was broken off. What can not be looked at may be
    // anything.
    [[nodiscard]] bool was_never_made(const std::string& barcode) const {
        return std::all_of(folders_.begin(), folders_.end(), [&barcode](const auto& folder) {
            const auto paths = cartridge::copy_paths(folder, barcode);
            std::error_code problem;
            if (std::filesystem::exists(paths.metadata, problem) || problem) return false;
            const auto size = std::filesystem::file_size(paths.data, problem);
            if (problem) return problem == std::errc::no_such_file_or_directory;
            return size <= cartridge::tap_word;
        });
    }

    std::unique_ptr<FileShelf> shelf_;
    std::vector<std::string> folders_;
    cartridge::Placement placement_;
};

}  // namespace

Result<std::unique_ptr<SegmentShelf>> file_segments(FileSegmentsOptions options) {
    auto shelf = FileShelf::start({.folders = options.folders,
                                   .placement = options.placement,
                                   .buffer_bytes = options.buffer_bytes,
                                   .log = std::move(options.log)},
                                  std::move(options.run_on_loop));
    if (!shelf) return shelf.error();
    return std::unique_ptr<SegmentShelf>(
        new FileSegments(std::move(shelf).value(), std::move(options.folders), options.placement));
}

}  // namespace drive_iface::sessions
