#include "drive_iface/vtld/faults.hpp"

#include <algorithm>
#include <array>

namespace drive_iface::vtld {

std::string_view to_text(FaultKind kind) {
    switch (kind) {
        case FaultKind::busy:
            return "busy";
        case FaultKind::sense:
            return "sense";
        case FaultKind::slow:
            return "slow";
        case FaultKind::silent:
            return "silent";
    }
    return "";
}

std::optional<FaultKind> fault_kind_from_text(std::string_view text) {
    for (const auto kind :
         {FaultKind::busy, FaultKind::sense, FaultKind::slow, FaultKind::silent}) {
        if (to_text(kind) == text) return kind;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> FaultTable::add(Fault fault) {
    if (faults_.size() >= faults_max) return std::nullopt;
    fault.id = ++last_id_;
    faults_.push_back(std::move(fault));
    return last_id_;
}

std::optional<Fault> FaultTable::meet(const std::string& drive, std::uint8_t opcode) {
    const auto found = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& fault) {
        return fault.drive == drive && (!fault.opcode || *fault.opcode == opcode);
    });
    if (found == faults_.end()) return std::nullopt;
    auto met = *found;
    if (found->remaining && --*found->remaining == 0) faults_.erase(found);
    return met;
}

std::size_t FaultTable::clear(const Selection& selection) {
    const auto before = faults_.size();
    std::erase_if(faults_, [&](const Fault& fault) {
        return (!selection.id || *selection.id == fault.id) &&
               (!selection.drive || *selection.drive == fault.drive) &&
               (!selection.kind || *selection.kind == fault.kind);
    });
    return before - faults_.size();
}

}  // namespace drive_iface::vtld
