#include "drive_iface/admin_volumes/tar_archive.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "agent/core/assert.hpp"

namespace drive_iface::admin_volumes {

namespace {

constexpr std::size_t tar_block = 512;

// Where the fields of a header block are; numbers are octal digits and an end byte.
struct Place {
    std::size_t at;
    std::size_t length;
};
constexpr Place name_place{0, 100};
constexpr Place mode_place{100, 8};
constexpr Place user_place{108, 8};
constexpr Place group_place{116, 8};
constexpr Place size_place{124, 12};
constexpr Place modified_place{136, 12};
constexpr Place checksum_place{148, 8};
constexpr std::size_t type_place = 156;
constexpr Place magic_place{257, 8};

using Header = std::array<char, tar_block>;

void put_text(Header& header, Place place, std::string_view text) {
    AGENT_ASSERT(text.size() <= place.length);
    std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(place.at));
}

void put_octal(Header& header, Place place, std::uint64_t value) {
    for (std::size_t digit = place.length - 1; digit-- > 0; value >>= 3)
        header[place.at + digit] = static_cast<char>('0' + (value & 7));
    AGENT_ASSERT(value == 0);
}

Header header_of(const ArchivedFile& file, std::int64_t modified_s) {
    Header header{};
    put_text(header, name_place, file.path);
    put_octal(header, mode_place, 0444);
    put_octal(header, user_place, 0);
    put_octal(header, group_place, 0);
    put_octal(header, size_place, file.content.size());
    put_octal(header, modified_place,
              static_cast<std::uint64_t>(std::max<std::int64_t>(modified_s, 0)));
    header[type_place] = '0';
    put_text(header, magic_place, std::string_view("ustar\00000", 8));
    // The checksum is counted with blanks in its own place.
    put_text(header, checksum_place, "        ");
    const auto sum = std::accumulate(header.begin(), header.end(), 0U, [](unsigned total, char c) {
        return total + static_cast<unsigned char>(c);
    });
    put_octal(header, {checksum_place.at, 7}, sum);
    header[checksum_place.at + 6] = '\0';
    return header;
}

void fill_up(std::string& text, std::size_t unit) {
    text.resize((text.size() + unit - 1) / unit * unit, '\0');
}

}  // namespace

std::string tar_archive(const std::vector<ArchivedFile>& files, std::int64_t modified_s) {
    std::string archive;
    for (const auto& file : files) {
        const auto header = header_of(file, modified_s);
        archive.append(header.data(), header.size());
        archive += file.content;
        fill_up(archive, tar_block);
    }
    archive.append(2 * tar_block, '\0');
    fill_up(archive, tar_record);
    return archive;
}

}  // namespace drive_iface::admin_volumes
