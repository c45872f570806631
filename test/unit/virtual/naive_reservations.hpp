#pragma once

// The reservation rules a second time, written from the rules of docs/RESERVATIONS.md alone and as
// simply as possible: numbered hosts, plain maps, if after if, no shared code with the library.
// Slow and naive on purpose.

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace virtual_library_test {

class NaiveReservations {
  public:
    enum class Answer { good, conflict, illegal };
    struct Told {
        int host;
        int asc_ascq;
        auto operator<=>(const Told&) const = default;
    };

    int legacy = none;                  // host that holds a legacy reservation
    std::map<int, std::uint64_t> keys;  // registered hosts
    int type = 0;                       // 0: no persistent reservation
    int holder = none;                  // of types 1, 3, 5, 6
    std::uint32_t generation = 0;
    bool aptpl = false;
    std::vector<Told> told;  // unit attentions since last looked at

    static constexpr int none = -1;

    bool all_registrants() const { return type == 7 || type == 8; }
    bool registrants_only() const { return type == 5 || type == 6; }
    bool registered(int host) const { return keys.contains(host); }
    bool holds(int host) const {
        if (type == 0) return false;
        return all_registrants() ? registered(host) : holder == host;
    }

    // May this host read, write, ask for the mode, send TEST UNIT READY?
    bool may_read(int host) const {
        if (legacy != none) return legacy == host;
        if (type == 0 || holds(host)) return true;
        if (type == 1) return true;
        if (type == 3) return false;
        if (registered(host)) return true;
        return type == 5 || type == 7;
    }
    bool may_write(int host) const {
        if (legacy != none) return legacy == host;
        if (type == 0 || holds(host)) return true;
        if (type == 1 || type == 3) return false;
        return registered(host);
    }
    bool may_test(int host) const { return legacy == none || legacy == host; }
    bool may_look_at_keys() const { return legacy == none; }

    Answer reserve(int host) {
        if (legacy == host) return Answer::good;
        if (legacy != none) return Answer::conflict;
        if (keys.empty()) {
            legacy = host;
            return Answer::good;
        }
        return compatible(host) ? Answer::good : Answer::conflict;
    }

    Answer release(int host) {
        if (!keys.empty() && !compatible(host)) return Answer::conflict;
        if (legacy == host) legacy = none;
        return Answer::good;
    }

    Answer register_key(int host, bool ignore, std::uint64_t key, std::uint64_t new_key,
                        bool persist) {
        if (legacy != none) return Answer::conflict;
        if (!ignore) {
            if (registered(host) && keys[host] != key) return Answer::conflict;
            if (!registered(host) && key != 0) return Answer::conflict;
        }
        if (!registered(host) && new_key == 0) return Answer::good;
        if (new_key != 0) {
            keys[host] = new_key;
        } else {
            leave(host, true);
        }
        aptpl = persist;
        generation++;
        return Answer::good;
    }

    Answer pr_reserve(int host, std::uint64_t key, int wanted) {
        if (!knows(host, key)) return Answer::conflict;
        if (type == 0) {
            type = wanted;
            holder = host;
            return Answer::good;
        }
        return holds(host) && type == wanted ? Answer::good : Answer::conflict;
    }

    Answer pr_release(int host, std::uint64_t key, int wanted) {
        if (!knows(host, key)) return Answer::conflict;
        if (!holds(host)) return Answer::good;
        if (type != wanted) return Answer::illegal;
        if (registrants_only() || all_registrants()) tell_others(host, 0x2a04);
        type = 0;
        holder = none;
        return Answer::good;
    }

    Answer clear(int host, std::uint64_t key) {
        if (!knows(host, key)) return Answer::conflict;
        tell_others(host, 0x2a03);
        keys.clear();
        type = 0;
        holder = none;
        generation++;
        return Answer::good;
    }

    Answer preempt(int host, std::uint64_t key, std::uint64_t victim, int wanted) {
        if (!knows(host, key)) return Answer::conflict;
        bool takes_reservation = false;
        if (all_registrants()) {
            takes_reservation = victim == 0;
        } else {
            if (victim == 0) return Answer::illegal;
            takes_reservation = type != 0 && keys[holder] == victim;
        }
        std::set<int> victims;
        for (const auto& [other, other_key] : keys) {
            const bool everyone = takes_reservation && all_registrants();
            if (everyone || other_key == victim) victims.insert(other);
        }
        if (takes_reservation) victims.erase(host);
        if (!takes_reservation && victims.empty()) return Answer::conflict;
        for (const int gone : victims) {
            if (gone != host) told.push_back({gone, 0x2a05});
            keys.erase(gone);
        }
        if (takes_reservation) {
            if (wanted != type) tell_others(host, 0x2a04);
            type = wanted;
            holder = host;
        } else if (keys.empty()) {
            type = 0;
            holder = none;
        }
        generation++;
        return Answer::good;
    }

    Answer move(int host, std::uint64_t key, std::uint64_t new_key, int to, bool unregister,
                bool persist) {
        if (!knows(host, key)) return Answer::conflict;
        if (type != 0 && !holds(host)) return Answer::conflict;
        if (new_key == 0 || to == host) return Answer::illegal;
        if (type == 0) return Answer::illegal;
        if (all_registrants() || holder != host) return Answer::conflict;
        keys[to] = new_key;
        holder = to;
        if (unregister) keys.erase(host);
        aptpl = persist;
        generation++;
        return Answer::good;
    }

    void nexus_lost(int host) {
        if (legacy == host) legacy = none;
    }
    void reset() { legacy = none; }
    void power_cycle() {
        legacy = none;
        generation = 0;
        if (aptpl) return;
        keys.clear();
        type = 0;
        holder = none;
    }

  private:
    // May send legacy commands although somebody is registered.
    bool compatible(int host) const {
        return type != 0 &&
               (holds(host) || ((registrants_only() || all_registrants()) && registered(host)));
    }
    bool knows(int host, std::uint64_t key) const {
        return legacy == none && registered(host) && keys.at(host) == key;
    }
    void tell_others(int host, int asc_ascq) {
        for (const auto& [other, key] : keys) {
            if (other != host) told.push_back({other, asc_ascq});
        }
    }
    void leave(int host, bool tell) {
        const bool was_holder = type != 0 && !all_registrants() && holder == host;
        if (was_holder && registrants_only() && tell) tell_others(host, 0x2a04);
        keys.erase(host);
        if (was_holder || (all_registrants() && keys.empty())) {
            type = 0;
            holder = none;
        }
    }
};

}  // namespace virtual_library_test
