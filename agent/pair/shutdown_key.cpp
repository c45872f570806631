#include "agent/pair/shutdown_key.hpp"

#include <algorithm>

#include "agent/core/enumerator_names.hpp"

namespace agent::pair {
namespace {

using core::EnumeratorName;

constexpr EnumeratorName<ShutdownMode> mode_names[] = {{ShutdownMode::normal, "normal"},
                                                       {ShutdownMode::expedite, "expedite"},
                                                       {ShutdownMode::immediate, "immediate"},
                                                       {ShutdownMode::forced, "forced"}};
constexpr EnumeratorName<Subject> subject_names[] = {
    {Subject::first, "first"}, {Subject::second, "second"}, {Subject::both, "both"}};

Departure merged_departure(const Departure& one, const Departure& other_one) {
    if (one.out != other_one.out) return one.out ? one : other_one;
    return std::max(one.position, other_one.position) == one.position ? one : other_one;
}

}  // namespace

std::string_view to_text(ShutdownMode value) {
    return name_of(mode_names, value);
}
std::optional<ShutdownMode> shutdown_mode_from_text(std::string_view text) {
    return value_of(mode_names, text);
}
std::string_view to_text(Subject value) {
    return name_of(subject_names, value);
}
KeyId later_than(const KeyId& known, KeyId id) {
    id.epoch = std::max(id.epoch, known.epoch);
    id.counter = std::max(id.counter, known.counter + 1);
    return id;
}

std::optional<Subject> subject_from_text(std::string_view text) {
    return value_of(subject_names, text);
}

const ModeRow& row_of(ShutdownMode mode) {
    for (const auto& row : shutdown_modes) {
        if (row.mode == mode) return row;
    }
    core::invariant_broken("every shutdown mode has a row", __FILE__, __LINE__);
}

bool may_leave(ShutdownMode mode, const MountsLeft& left, bool time_is_over) {
    const ModeRow& row = row_of(mode);
    if (row.waits_for_move && left.moving) return false;
    if (row.serves_queue && left.queued > 0) return false;
    switch (row.running_mounts) {
        case WaitFor::all:
            return left.running == 0;
        case WaitFor::until_timeout:
            return left.running == 0 || time_is_over;
        case WaitFor::nobody:
            return true;
    }
    return false;
}

ShutdownKey merged(const ShutdownKey& one, const ShutdownKey& other_pass) {
    ShutdownKey key = one;
    // Told by the nodes; whoever was given the command knows nothing of it.
    if (key.register_value.epoch < other_pass.register_value.epoch) {
        key.register_value = other_pass.register_value;
        key.remaining = other_pass.remaining;
    }
    for (std::size_t at = 0; at < key.departures.size(); ++at) {
        key.departures[at] = merged_departure(one.departures[at], other_pass.departures[at]);
    }
    key.stored_at.insert(key.stored_at.end(), other_pass.stored_at.begin(),
                         other_pass.stored_at.end());
    std::sort(key.stored_at.begin(), key.stored_at.end());
    key.stored_at.erase(std::unique(key.stored_at.begin(), key.stored_at.end()),
                        key.stored_at.end());
    return key;
}

KeyStore::KeyStore(std::vector<ShutdownKey> keys) : keys_(std::move(keys)) {
    std::sort(keys_.begin(), keys_.end(),
              [](const auto& a, const auto& b) { return a.subject < b.subject; });
}

std::optional<ShutdownKey> KeyStore::put(const ShutdownKey& key) {
    const auto place =
        std::lower_bound(keys_.begin(), keys_.end(), key.subject,
                         [](const auto& entry, Subject wanted) { return entry.subject < wanted; });
    if (place == keys_.end() || place->subject != key.subject) {
        keys_.insert(place, key);
        return key;
    }
    if (key.id < place->id) return std::nullopt;
    if (place->id < key.id) {
        *place = key;
        return key;
    }
    ShutdownKey both = merged(*place, key);
    if (both == *place) return std::nullopt;
    *place = both;
    return both;
}

const ShutdownKey* KeyStore::find(const KeyId& id) const {
    const auto known =
        std::find_if(keys_.begin(), keys_.end(), [&id](const auto& key) { return key.id == id; });
    return known == keys_.end() ? nullptr : &*known;
}

const ShutdownKey* KeyStore::newest() const {
    const auto found = std::max_element(keys_.begin(), keys_.end(),
                                        [](const auto& a, const auto& b) { return a.id < b.id; });
    return found == keys_.end() ? nullptr : &*found;
}

const Departure* departure_of(const KeyStore& keys, Node node) {
    const ShutdownKey* newest = nullptr;
    for (const auto& key : keys.keys()) {
        if (!concerns(key.subject, node)) continue;
        if (newest == nullptr || newest->id < key.id) newest = &key;
    }
    if (newest == nullptr || !newest->departures[index_of(node)].out) return nullptr;
    return &newest->departures[index_of(node)];
}

}  // namespace agent::pair
