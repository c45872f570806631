#include "drive_iface/admin_volumes/administrative_volume.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "drive_iface/admin_volumes/tar_archive.hpp"

namespace drive_iface::admin_volumes {

using agent::core::Error;
using agent::core::Result;
using virtual_library::Bytes;
using virtual_library::Cartridge;
using virtual_library::MemoryCartridge;
using virtual_library::MemoryMedium;

namespace {

// Nobody writes on it: what it holds is its size.
constexpr std::uint64_t capacity_min = std::uint64_t{1024} * 1024;

void append_block(MemoryMedium& medium, std::string_view text) {
    medium.append_block(Bytes(text.begin(), text.end()));
}

// A tape file of whole lines, as many in a block as fit.
void append_tape_file(MemoryMedium& medium, const std::vector<std::string>& lines) {
    std::string block;
    for (const auto& line : lines) {
        if (block.size() + line.size() > block_max) {
            append_block(medium, block);
            block.clear();
        }
        block += line;
    }
    if (!block.empty()) append_block(medium, block);
    medium.append_filemark();
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines)
        text += line;
    return text;
}

void record_data_set(MemoryMedium& medium, const DataSet& data, const Occasion& occasion) {
    const auto lines = json_lines(data);
    append_tape_file(medium, {header_line(data, occasion, joined(lines))});
    append_tape_file(medium, lines);
    append_tape_file(medium, csv_lines(data));
    medium.append_filemark();
}

void record_archive(MemoryMedium& medium, const std::vector<DataSet>& data,
                    const Occasion& occasion) {
    std::vector<ArchivedFile> files;
    for (const auto& one : data) {
        const auto path = "ADMALL/" + std::string(name_of(one.type));
        auto records = joined(json_lines(one));
        files.push_back({path + ".header.json", header_line(one, occasion, records)});
        files.push_back({path + ".jsonl", std::move(records)});
        files.push_back({path + ".csv", joined(csv_lines(one))});
    }
    const auto archive = tar_archive(files, occasion.time_s);
    for (std::size_t at = 0; at < archive.size(); at += tar_record)
        append_block(medium, std::string_view(archive).substr(at, tar_record));
    medium.append_filemark();
    medium.append_filemark();
}

bool fits(DataSetType type, const std::vector<DataSet>& data) {
    if (type == DataSetType::all) {
        return std::none_of(data.begin(), data.end(),
                            [](const auto& one) { return one.type == DataSetType::all; });
    }
    return data.size() == 1 && data.front().type == type;
}

}  // namespace

Result<std::unique_ptr<Cartridge>> administrative_volume(const std::string& barcode,
                                                         const std::vector<DataSet>& data,
                                                         const Occasion& occasion) {
    const auto type = data_set_type_of(barcode);
    if (!type) {
        return Error{"there is no administrative volume " + barcode +
                     ": barcodes that begin with ADM are the library's own"};
    }
    if (!fits(*type, data)) return Error{barcode + ": its data is of another type"};
    auto medium = std::make_shared<MemoryMedium>(virtual_library::CartridgeFacts{
        .barcode = barcode, .capacity = capacity_min, .write_protected = true});
    if (*type == DataSetType::all) {
        record_archive(*medium, data, occasion);
    } else {
        record_data_set(*medium, data.front(), occasion);
    }
    medium->facts.capacity = std::max(capacity_min, medium->used());
    medium->early_warning_at = medium->end_of_medium_at = medium->facts.capacity;
    return std::unique_ptr<Cartridge>(std::make_unique<MemoryCartridge>(std::move(medium)));
}

}  // namespace drive_iface::admin_volumes
