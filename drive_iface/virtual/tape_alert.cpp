#include "drive_iface/virtual/tape_alert.hpp"

namespace drive_iface::virtual_library {

void TapeAlerts::raise(TapeAlert flag) {
    const auto number = static_cast<std::size_t>(flag);
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
