#include "drive_iface/virtual/tape.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"

namespace drive_iface::virtual_library {
namespace {

// Device vendor specific attribute (SPC-4 table 335): what SET CAPACITY was last told, of 65535.
constexpr std::uint16_t used_proportion = 0x0c00;
constexpr std::uint16_t whole_medium = 0xffff;

// Size of the number without the overflow that negating the smallest would be.
std::uint64_t magnitude(std::int64_t count) {
    return count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count)
                     : static_cast<std::uint64_t>(count);
}

Moved forward_blocks(Tape& tape, std::uint64_t count) {
    const Cartridge& on = *tape.cartridge;
    const auto filemark = on.nth_filemark(on.filemarks_before(tape.position));
    const std::uint64_t stop = filemark.value_or(on.end_of_data());
    const std::uint64_t blocks = stop - tape.position;
    if (count <= blocks) {
        tape.position += count;
        return {};
    }
    tape.position = filemark ? stop + 1 : stop;
    return {.met = filemark ? Met::filemark : Met::end_of_data, .left = count - blocks};
}

Moved back_blocks(Tape& tape, std::uint64_t count) {
    const Cartridge& on = *tape.cartridge;
    const std::uint64_t filemarks = on.filemarks_before(tape.position);
    const auto filemark =
        filemarks == 0 ? std::nullopt : on.nth_filemark(filemarks - 1);  // the nearest behind us
    const std::uint64_t stop = filemark ? *filemark + 1 : 0;
    const std::uint64_t blocks = tape.position - stop;
    if (count <= blocks) {
        tape.position -= count;
        return {};
    }
    tape.position = filemark.value_or(0);
    return {.met = filemark ? Met::filemark : Met::beginning, .left = count - blocks};
}

// Whatever is recorded from the position on is discarded by the next write, and so it does not
// count as used.
void make_end_of_data_here(Tape& tape) {
    if (tape.position < tape.cartridge->end_of_data()) tape.cartridge->erase(tape.position);
}

}  // namespace

void suffer(Tape& tape, const TapeFaults& faults) {
    const bool storing_changes = tape.faults.storage_fails != faults.storage_fails;
    tape.faults = faults;
    if (tape.cartridge && storing_changes) tape.cartridge->fail_storing(faults.storage_fails);
}

Moved space_blocks(Tape& tape, std::int64_t count) {
    return count < 0 ? back_blocks(tape, magnitude(count)) : forward_blocks(tape, magnitude(count));
}

Moved space_filemarks(Tape& tape, std::int64_t count) {
    if (count == 0) return {};
    const Cartridge& on = *tape.cartridge;
    const std::uint64_t before = on.filemarks_before(tape.position);
    const std::uint64_t wanted = magnitude(count);
    if (count < 0) {
        if (wanted > before) {
            tape.position = 0;
            return {.met = Met::beginning, .left = wanted - before};
        }
        tape.position = on.nth_filemark(before - wanted).value_or(0);
        return {};
    }
    const std::uint64_t all = on.filemarks_before(on.end_of_data());
    if (wanted > all - before) {
        tape.position = on.end_of_data();
        return {.met = Met::end_of_data, .left = wanted - (all - before)};
    }
    tape.position = on.nth_filemark(before + wanted - 1).value_or(0) + 1;
    return {};
}

Moved locate_object(Tape& tape, std::uint64_t number) {
    const std::uint64_t end = tape.cartridge->end_of_data();
    tape.position = std::min(number, end);
    return {.met = number > end ? Met::end_of_data : Met::nothing, .left = 0};
}

Moved locate_file(Tape& tape, std::uint64_t number) {
    const Cartridge& on = *tape.cartridge;
    if (number == 0) {
        tape.position = 0;
        return {};
    }
    if (const auto filemark = on.nth_filemark(number - 1)) {
        tape.position = *filemark + 1;
        return {};
    }
    tape.position = on.end_of_data();
    return {.met = Met::end_of_data, .left = 0};
}

std::optional<ReadOne> read_block(Tape& tape, std::uint32_t length, bool cut, Bytes& into) {
    Cartridge& on = *tape.cartridge;
    if (tape.position >= on.end_of_data()) return ReadOne{.met = Met::end_of_data};
    const LogicalObject object = on.object(tape.position);
    if (object.kind == LogicalObject::Kind::filemark) {
        ++tape.position;
        return ReadOne{.met = Met::filemark};
    }
    const bool fits = object.length == length;
    ReadOne done{.met = fits ? Met::nothing : Met::incorrect_length,
                 .actual_length = object.length};
    if (fits || cut) {
        if (!on.at_hand(tape.position, 1)) return std::nullopt;
        const std::size_t began_at = into.size();
        if (tape.faults.damaged.contains(tape.position)) {
            done.met = Met::damaged_block;
            done.damage = "cartridge " + on.facts().barcode + ": block " +
                          std::to_string(tape.position) + " is unreadable by an injected fault";
        } else if (auto read = on.read(tape.position, into); !read) {
            done.met = Met::damaged_block;
            done.damage = read.error().message;
        } else {
            AGENT_ASSERT(into.size() == began_at + object.length);
            into.resize(began_at + std::min(length, object.length));
        }
    }
    ++tape.position;
    return done;
}

std::optional<Written> write_blocks(Tape& tape, Bytes& data, std::uint32_t block_length) {
    AGENT_ASSERT(block_length > 0 && data.size() % block_length == 0);
    AGENT_ASSERT(data.size() <= transfer_bytes_max);
    Cartridge& on = *tape.cartridge;
    if (on.room_for(data.size()) == Cartridge::Room::later) return std::nullopt;
    make_end_of_data_here(tape);
    const std::uint64_t end = end_of_medium_at(on);
    const std::uint64_t free = end - std::min(end, on.used());
    const bool warned_before = at_programmable_warning(tape);
    const std::uint64_t wanted = data.size() / block_length;
    Written done{.blocks = std::min(wanted, free / block_length)};
    done.end_of_medium = done.blocks < wanted;
    if (done.blocks > 0) {
        data.resize(done.blocks * block_length);
        on.append_blocks(tape.position, std::move(data), block_length);
        tape.position += done.blocks;
        tape.written = true;
    }
    done.early_warning = at_early_warning(tape);
    done.programmable_warning = !warned_before && at_programmable_warning(tape);
    return done;
}

std::optional<Written> write_filemarks(Tape& tape, std::uint32_t count) {
    // A step is small so that the buffer always gets empty enough for it.
    constexpr std::uint32_t step_max = 4096;
    constexpr std::uint32_t bytes_of_a_filemark = 64;
    Cartridge& on = *tape.cartridge;
    const std::uint64_t recorded = on.filemarks_before(tape.position);
    const auto room = static_cast<std::uint32_t>(filemarks_max - std::min(filemarks_max, recorded));
    const std::uint32_t step = std::min({count, step_max, room});
    if (on.room_for(std::uint64_t{step} * bytes_of_a_filemark) == Cartridge::Room::later)
        return std::nullopt;
    make_end_of_data_here(tape);
    if (step > 0) {
        on.append_filemarks(tape.position, step);
        tape.position += step;
        tape.written = true;
    }
    return Written{.blocks = step,
                   .early_warning = at_early_warning(tape),
                   .end_of_medium = step == 0 && count > 0};
}

void erase_from_here(Tape& tape) {
    make_end_of_data_here(tape);
    tape.written = true;
}

bool synchronise(Tape& tape) {
    Cartridge& on = *tape.cartridge;
    if (on.synchronised()) return true;
    on.synchronise();
    return on.synchronised();
}

std::optional<agent::core::Error> take_fault(Tape& tape) {
    auto fault = tape.cartridge->take_fault();
    if (fault) tape.position = std::min(tape.position, tape.cartridge->end_of_data());
    return fault;
}

bool at_early_warning(const Tape& tape) {
    return tape.cartridge->used() >= early_warning_at(tape);
}

bool at_programmable_warning(const Tape& tape) {
    const std::uint64_t warning = early_warning_at(tape);
    return tape.programmable_warning > 0 &&
           tape.cartridge->used() >= warning - std::min(warning, tape.programmable_warning);
}

std::uint64_t capacity_of(const Cartridge& cartridge) {
    const std::uint64_t whole = cartridge.facts().capacity;
    const auto kept = cartridge.attributes().find(used_proportion);
    if (kept == cartridge.attributes().end() || kept->second.value.size() != 2) return whole;
    const std::uint64_t proportion =
        std::uint64_t{kept->second.value[0]} << 8 | kept->second.value[1];
    // Without overflow: the remainder counts for less than a byte in 65535.
    return whole / whole_medium * proportion + whole % whole_medium * proportion / whole_medium;
}

std::uint64_t end_of_medium_at(const Cartridge& cartridge) {
    return std::max(std::min(cartridge.end_of_medium_at(), capacity_of(cartridge)),
                    cartridge.used());
}

std::uint64_t early_warning_at(const Tape& tape) {
    constexpr std::uint64_t warned_part = 32;  // of the capacity, as the cartridges do it
    const std::uint64_t capacity = capacity_of(*tape.cartridge);
    std::uint64_t at = tape.cartridge->early_warning_at();
    if (capacity < tape.cartridge->facts().capacity)
        at = std::min(at, capacity - capacity / warned_part);
    if (tape.faults.early_warning_at) at = std::min(at, *tape.faults.early_warning_at);
    return at;
}

void set_capacity(Cartridge& cartridge, std::uint16_t proportion) {
    MediumAttributes attributes = cartridge.attributes();
    attributes.erase(used_proportion);
    if (proportion != whole_medium) {
        attributes[used_proportion] = {.format = 0,
                                       .value = {static_cast<std::uint8_t>(proportion >> 8),
                                                 static_cast<std::uint8_t>(proportion & 0xff)}};
    }
    cartridge.set_attributes(std::move(attributes));
}

}  // namespace drive_iface::virtual_library
