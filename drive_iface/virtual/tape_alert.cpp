#include "drive_iface/virtual/tape_alert.hpp"

#include <algorithm>

namespace drive_iface::virtual_library {

Bytes TapeAlerts::supported_flags() {
    Bytes bits(flags / 8, 0);
    for (const TapeAlert flag :
         {TapeAlert::hard_error, TapeAlert::media, TapeAlert::read_failure,
          TapeAlert::write_failure, TapeAlert::write_protect, TapeAlert::no_removal,
          TapeAlert::cleaning_media, TapeAlert::memory_chip, TapeAlert::expired_cleaning_media,
          TapeAlert::loading_failure, TapeAlert::worm_overwrite_attempted}) {
        const auto bit = static_cast<std::size_t>(flag) - 1;
        bits[bit / 8] = static_cast<std::uint8_t>(bits[bit / 8] | 0x80 >> bit % 8);
    }
    return bits;
}

void TapeAlerts::set(ChangerAlert flag, bool raised) {
    const auto number = static_cast<std::size_t>(flag);
    if (raised_.test(number) == raised) return;
    if (raised) return raise_number(number);
    raised_.reset(number);
    for (auto& [nexus, told] : told_)
        told.reset(number);
}

Bytes TapeAlerts::as_bits() const {
    Bytes bits(flags / 8, 0);
    for (std::size_t number = 1; number <= flags; ++number) {
        if (!raised_.test(number)) continue;
        auto& byte = bits[(number - 1) / 8];
        byte = static_cast<std::uint8_t>(byte | 0x80 >> (number - 1) % 8);
    }
    return bits;
}

void TapeAlerts::raise_number(std::size_t number) {
    raised_.set(number);
    for (auto& [nexus, told] : told_)
        told.reset(number);
}

// Log page 2Eh is a header and one parameter for each flag, in their order.
TapeAlerts::Range TapeAlerts::in_reply(std::uint16_t parameter_pointer,
                                       std::size_t allocation_length) {
    constexpr std::size_t header = 4;
    constexpr std::size_t parameter = 5;  // one byte of it is the flag
    const std::size_t first = std::max<std::size_t>(parameter_pointer, 1);
    const std::size_t whole =
        allocation_length < header ? 0 : (allocation_length - header) / parameter;
    return {.first = first, .behind = std::min(first + whole, flags + 1)};
}

TapeAlerts::Set TapeAlerts::tell(NexusId nexus, Range range) {
    Set& told = told_[nexus];
    const Set news = raised_ & ~told;
    for (std::size_t number = range.first; number < range.behind; ++number)
        told[number] = raised_[number];
    return news;
}

bool TapeAlerts::news_for(NexusId nexus) const {
    const auto told = told_.find(nexus);
    return (told == told_.end() ? raised_ : raised_ & ~told->second).any();
}

}  // namespace drive_iface::virtual_library
