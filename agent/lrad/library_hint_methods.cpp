// Traps of tape libraries: a hint to look at a drive at once, and nothing else.

#include "agent/lrad/controller.hpp"
#include "agent/lrad/snmp_setup.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "snmp_mib/library_trap.hpp"

namespace agent::lrad {

namespace {

// However many traps come, a drive is looked at no more often for them.
constexpr core::Duration between_hinted_looks{1'000};

}  // namespace

core::Outcome Controller::listen_to_libraries() {
    return channel_->set_hints(hint_sources(configuration_),
                               [this](const std::string& library, const std::string& trap,
                                      const std::vector<snmp_mib::Varbind>& varbinds) {
                                   library_hinted(library, trap, varbinds);
                               });
}

void Controller::library_hinted(const std::string& library, const std::string& trap,
                                const std::vector<snmp_mib::Varbind>& varbinds) {
    std::vector<core::DriveSerial> known;
    for (const auto& [serial, drive] : drives_)
        known.push_back(serial);
    auto meant = snmp_mib::drives_named_in(varbinds, known);
    const bool all = meant.empty();
    if (all) meant = known;
    const core::Instant now = runtime::clock_now().monotonic;
    std::vector<core::DriveSerial> looked_at;
    for (const core::DriveSerial& serial : meant) {
        const auto before = hinted_at_.find(serial);
        if (before != hinted_at_.end() && now - before->second < between_hinted_looks) continue;
        hinted_at_[serial] = now;
        drives_.at(serial).watch->look_now();
        looked_at.push_back(serial);
    }
    if (looked_at.empty()) return;
    runtime::log_info("library " + library + ": trap " + trap + ", " +
                      (all ? "about no drive by its serial: all of them are looked at"
                           : "drive " + looked_at.front().text + " is looked at"));
}

}  // namespace agent::lrad
