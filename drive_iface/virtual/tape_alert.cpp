#include "drive_iface/virtual/tape_alert.hpp"

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

TapeAlerts::Set TapeAlerts::tell(NexusId nexus) {
    Set& told = told_[nexus];
    const Set news = raised_ & ~told;
    told = raised_;
    return news;
}

bool TapeAlerts::news_for(NexusId nexus) const {
    const auto told = told_.find(nexus);
    return (told == told_.end() ? raised_ : raised_ & ~told->second).any();
}

}  // namespace drive_iface::virtual_library
