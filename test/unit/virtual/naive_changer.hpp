#pragma once

// A robot as somebody would play it with boxes and labels who has only read docs/CHANGER.md: places
// with at most one box each, and a note on each box where it came from. It shares no code with the
// changer, and is what the changer is compared with.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace changer_test {

enum class Kind { robot, port, drive, slot };

struct Place {
    Kind kind = Kind::slot;
    std::string only;  // the slot of a virtual volume: its name
    std::string box;
    int from = -1;  // address of the place that its box came from; -1: not known

    // Drives.
    bool threaded = false;
    bool offline = false;
    std::string reserved_by;
    std::set<std::string> locked_by;
};

// What a host hears: "good", "conflict", or key/asc/ascq.
struct Heard {
    bool conflict = false;
    int key = 0, asc = 0, ascq = 0;
    bool operator==(const Heard&) const = default;
};
constexpr Heard good{};
constexpr Heard conflict{.conflict = true};
constexpr Heard no_such_place{.key = 5, .asc = 0x21, .ascq = 1};
constexpr Heard source_empty{.key = 5, .asc = 0x3b, .ascq = 0x0e};
constexpr Heard destination_full{.key = 5, .asc = 0x3b, .ascq = 0x0d};
constexpr Heard locked{.key = 5, .asc = 0x53, .ascq = 2};
constexpr Heard drive_offline{.key = 2, .asc = 4, .ascq = 0x12};
constexpr Heard no_medium{.key = 2, .asc = 0x3a, .ascq = 0};
constexpr Heard broken{.key = 4, .asc = 0x44, .ascq = 0};

class NaiveChanger {
  public:
    std::map<int, Place> places;  // by address
    std::set<std::string> shelf;
    std::vector<std::string> outside;
    std::set<int> kept;  // for boxes that were not found when the power came; the last to be filled
    std::string reserved_by;  // the changer itself
    std::set<std::string> locked_by;

    // One box, or two that change places at once: (from, to) of each.
    using Way = std::pair<int, int>;

    Heard carry(const std::vector<Way>& ways, const std::string& who) {
        for (const auto& [from, to] : ways) {
            if (!is_place(from) || !is_place(to)) return no_such_place;
            for (const int end : {from, to}) {
                if (const auto no = drive_objects(places.at(end), who)) return *no;
            }
        }
        std::set<int> emptied;
        for (const auto& [from, to] : ways) {
            if (box_at(from).empty()) return source_empty;
            emptied.insert(from);
        }
        for (const auto& [from, to] : ways) {
            const Place& end = places.at(to);
            const std::string box = box_at(from);
            const bool at_home = !end.only.empty() && end.only == box;
            const bool full = !end.box.empty() && !at_home && emptied.count(to) == 0;
            if (from == to || full) return destination_full;
            if (!end.only.empty() && end.only != box) return no_such_place;
            if (is_volume(box) && end.only.empty() && end.kind != Kind::drive) return no_such_place;
        }
        std::vector<std::pair<std::string, int>> in_hand;
        for (const auto& [from, to] : ways) {
            Place& start = places.at(from);
            in_hand.emplace_back(box_at(from), start.kind == Kind::drive ? start.from : from);
            start.box.clear();
            start.from = -1;
            start.threaded = false;
        }
        for (std::size_t i = 0; i < ways.size(); ++i) {
            Place& end = places.at(ways[i].second);
            end.box = in_hand[i].first;
            end.from = in_hand[i].second;
            end.threaded = end.kind == Kind::drive;
        }
        return good;
    }

    // Who counts the boxes on the shelf. True: something is elsewhere now.
    bool count() {
        const auto before = boxes();
        for (auto& [address, place] : places) {
            const bool looked_at = place.kind != Kind::drive && place.only.empty();
            if (!looked_at || shelf.count(place.box) > 0) continue;
            place.box.clear();
            place.from = -1;
        }
        outside.clear();
        for (const std::string& box : shelf) {
            if (boxes().count(box) > 0) continue;
            Place* free = nullptr;
            for (const bool last : {false, true}) {
                for (auto& [address, place] : places) {
                    const bool right = place.kind == Kind::slot && place.only.empty() &&
                                       place.box.empty() && !is_waited_for(address) &&
                                       (kept.count(address) > 0) == last;
                    if (right && free == nullptr) free = &place;
                }
            }
            if (free == nullptr) {
                outside.push_back(box);
            } else {
                free->box = box;
            }
        }
        return boxes() != before;
    }

    // Boxes with the places they are in; virtual volumes are no boxes.
    [[nodiscard]] std::map<std::string, int> boxes() const {
        std::map<std::string, int> all;
        for (const auto& [address, place] : places) {
            if (!place.box.empty() && !is_volume(place.box)) all[place.box] = address;
        }
        return all;
    }

    [[nodiscard]] bool is_volume(const std::string& box) const {
        return std::any_of(places.begin(), places.end(),
                           [&](const auto& entry) { return entry.second.only == box; }) &&
               !box.empty();
    }

    // '*' is any text, '?' any letter.
    [[nodiscard]] static bool fits(const std::string& pattern, const std::string& box) {
        if (pattern.empty()) return box.empty();
        const std::string rest = pattern.substr(1);
        if (pattern[0] == '*')
            return fits(rest, box) || (!box.empty() && fits(pattern, box.substr(1)));
        if (box.empty()) return false;
        return (pattern[0] == '?' || pattern[0] == box[0]) && fits(rest, box.substr(1));
    }

  private:
    [[nodiscard]] bool is_place(int address) const {
        const auto found = places.find(address);
        return found != places.end() && found->second.kind != Kind::robot;
    }
    // A box in a drive came from there.
    [[nodiscard]] bool is_waited_for(int address) const {
        return std::any_of(places.begin(), places.end(), [address](const auto& entry) {
            const Place& place = entry.second;
            return place.kind == Kind::drive && !place.box.empty() && place.from == address;
        });
    }
    // A virtual volume can be taken from its slot as often as one likes.
    [[nodiscard]] std::string box_at(int address) const {
        const Place& place = places.at(address);
        return place.only.empty() ? place.box : place.only;
    }
    [[nodiscard]] static std::optional<Heard> drive_objects(const Place& place,
                                                            const std::string& who) {
        if (place.kind != Kind::drive) return std::nullopt;
        if (!place.reserved_by.empty() && place.reserved_by != who) return conflict;
        if (place.offline) return drive_offline;
        if (!place.box.empty() && !place.locked_by.empty()) return locked;
        return std::nullopt;
    }
};

}  // namespace changer_test
