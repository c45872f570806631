#include "drive_iface/discovery/path_finder.hpp"

#include <chrono>
#include <utility>

#include "drive_iface/discovery/device_survey.hpp"
#include "drive_iface/discovery/sg_nodes.hpp"

namespace drive_iface::discovery {

using agent::core::DriveSerial;
using agent::core::Duration;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;
using Clock = std::chrono::steady_clock;

struct PathFinder::Search {
    Clock::time_point ended;
    std::multimap<std::string, std::string> node_of;  // by serial number
    std::size_t asked = 0;
};

PathFinder::PathFinder(PathFinderOptions options, PathAsker::Open open)
    : options_(std::move(options)), asker_(std::move(open)) {}

Outcome PathFinder::search() {
    const auto nodes = tape_library_nodes(options_.sysfs);
    if (!nodes) return nodes.error();
    std::vector<DevicePath> paths;
    for (const auto& node : *nodes) {
        if (node.device_type == scsi::device_type::sequential_access)
            paths.push_back({DevicePath::Kind::sg, node.node, node.scsi_address});
    }
    auto serials = std::make_shared<std::vector<std::string>>(paths.size());
    const Duration timeout{options_.limits.each.ms};
    const auto outcomes = asker_.ask(
        paths,
        [serials, timeout](Transport& device, std::size_t number) -> Outcome {
            auto serial = serial_of(device, timeout);
            if (!serial) return serial.error();
            (*serials)[number] = std::move(serial).value();
            return Nothing{};
        },
        options_.limits);
    auto search = std::make_shared<Search>();
    search->asked = paths.size();
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (outcomes[i]) search->node_of.emplace((*serials)[i], paths[i].name);
    }
    search->ended = Clock::now();
    last_ = std::move(search);
    return Nothing{};
}

Result<PathFinder::Found> PathFinder::find(const DriveSerial& serial) {
    const std::lock_guard lock(mutex_);
    const auto fresh = std::chrono::milliseconds(options_.not_again_within.ms);
    if (!last_ || Clock::now() - last_->ended >= fresh) {
        if (auto searched = search(); !searched) return searched.error();
    }
    Found found{{}, last_->asked};
    const auto [begin, end] = last_->node_of.equal_range(serial.text);
    for (auto at = begin; at != end; ++at)
        found.nodes.push_back(at->second);
    return found;
}

}  // namespace drive_iface::discovery
