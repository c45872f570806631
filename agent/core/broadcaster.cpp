#include "agent/core/broadcaster.hpp"

namespace agent::core {

std::string to_text(const NoticeId& id) {
    return std::to_string(id.epoch) + "." + std::to_string(id.sequence);
}

}  // namespace agent::core
