#include "agent/claims/media_reach.hpp"

#include <algorithm>

namespace agent::claims {

namespace {

constexpr int lto_newest = 10;

std::string lto(int number) {
    return "LTO-" + std::to_string(number);
}

DriveReach lto_reach(int number) {
    DriveReach reach{lto(number), {lto(number)}, {}};
    if (number == 10) return reach;
    if (number >= 2) reach.write.push_back(lto(number - 1));
    if (number >= 3 && number <= 7) reach.read.push_back(lto(number - 2));
    if (number == 8) reach.write.emplace_back("LTO-M8");
    return reach;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "TD8", "HH8", "Ultrium 8": the number behind one of these words.
std::optional<int> number_behind(std::string_view text, std::string_view word) {
    const auto found = text.find(word);
    if (found == std::string_view::npos) return std::nullopt;
    std::size_t at = found + word.size();
    while (at < text.size() && (text[at] == ' ' || text[at] == '-'))
        ++at;
    int number = 0;
    std::size_t digits = 0;
    while (at < text.size() && is_digit(text[at]) && digits < 2) {
        number = number * 10 + (text[at] - '0');
        ++at;
        ++digits;
    }
    if (digits == 0) return std::nullopt;
    return number;
}

}  // namespace

MediaTable lto_media() {
    MediaTable media;
    for (int number = 1; number <= lto_newest; ++number) {
        media.reach.push_back(lto_reach(number));
        const std::string last = number == 10 ? "A" : std::to_string(number);
        media.suffixes.push_back({"L" + last, lto(number), MediumKind::data});
    }
    media.suffixes.push_back({"M8", "LTO-M8", MediumKind::data});
    constexpr std::string_view worm = "TUVWXYZ";
    for (std::size_t i = 0; i < worm.size(); ++i) {
        media.suffixes.push_back(
            {std::string("L") + worm[i], lto(static_cast<int>(i) + 3), MediumKind::worm});
    }
    media.suffixes.push_back({"CU", "", MediumKind::cleaning});
    media.cleaning_prefixes.emplace_back("CLN");
    return media;
}

Medium medium_of(const MediaTable& media, std::string_view barcode) {
    for (const auto& prefix : media.cleaning_prefixes) {
        if (barcode.starts_with(prefix)) return {"", MediumKind::cleaning};
    }
    for (const auto& known : media.suffixes) {
        if (barcode.size() > known.suffix.size() && barcode.ends_with(known.suffix))
            return {known.generation, known.kind};
    }
    return {};
}

std::optional<std::string> generation_of_product(std::string_view product) {
    for (const std::string_view word : {"Ultrium", "ULTRIUM", "-TD", "-HH", "LTO"}) {
        const auto number = number_behind(product, word);
        if (number && *number >= 1 && *number <= lto_newest) return lto(*number);
    }
    return std::nullopt;
}

Reach reach_of(const MediaTable& media, std::string_view drive_generation,
               std::string_view medium_generation) {
    if (medium_generation.empty()) return Reach::write;
    const auto holds = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), medium_generation) != list.end();
    };
    for (const auto& entry : media.reach) {
        if (entry.drive != drive_generation) continue;
        if (holds(entry.write)) return Reach::write;
        return holds(entry.read) ? Reach::read : Reach::none;
    }
    // A drive of which nothing is said does its own generation.
    return drive_generation == medium_generation ? Reach::write : Reach::none;
}

bool suffices(Reach reach, Access access) {
    return access == Access::read ? reach != Reach::none : reach == Reach::write;
}

}  // namespace agent::claims
