// Any bytes as what a host says about itself: refused, or within the limits and printable.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/agentless/host_report.hpp"

using namespace agent;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

bool is_plain(std::string_view text) {
    for (const char c : text) {
        if (c < 0x20 || c > 0x7e) return false;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto system : {runtime::RemoteSystem::linux_sysfs, runtime::RemoteSystem::aix,
                              runtime::RemoteSystem::commands}) {
        const auto found = agentless::read_host_report(system, text);
        if (!found) {
            demand(is_plain(found.error().message));
            continue;
        }
        demand(found->ports.size() <= 256 && found->drives.size() <= 1'024);
        for (const auto& port : found->ports)
            demand(is_plain(port.where));
        for (const auto& drive : found->drives) {
            demand(is_plain(drive.serial.text) && !drive.serial.text.empty() &&
                   !drive.tape_nodes.empty());
        }
        for (const auto& trouble : found->troubles)
            demand(is_plain(trouble));
    }
    return 0;
}
