#include "drive_iface/vtld/faults.hpp"

#include <algorithm>
#include <initializer_list>

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
        case FaultKind::write_error:
            return "write_error";
        case FaultKind::read_error:
            return "read_error";
        case FaultKind::media_error:
            return "media_error";
        case FaultKind::early_warning:
            return "early_warning";
        case FaultKind::storage_error:
            return "storage_error";
    }
    return "";
}

std::optional<scsi::SenseData> default_sense(FaultKind kind) {
    switch (kind) {
        case FaultKind::busy:
        case FaultKind::sense:
        case FaultKind::slow:
        case FaultKind::silent:
        case FaultKind::media_error:
        case FaultKind::early_warning:
        case FaultKind::storage_error:
            return std::nullopt;
        case FaultKind::write_error:
            return scsi::SenseData{.key = scsi::SenseKey::medium_error, .additional = {0x0c, 0x00}};
        case FaultKind::read_error:
            return scsi::SenseData{.key = scsi::SenseKey::medium_error, .additional = {0x11, 0x00}};
    }
    return std::nullopt;
}

std::optional<FaultKind> fault_kind_from_text(std::string_view text) {
    for (const auto kind : {FaultKind::busy, FaultKind::sense, FaultKind::slow, FaultKind::silent,
                            FaultKind::write_error, FaultKind::read_error, FaultKind::media_error,
                            FaultKind::early_warning, FaultKind::storage_error}) {
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

namespace {

bool is_one_of(std::uint8_t opcode, std::initializer_list<std::uint8_t> opcodes) {
    return std::find(opcodes.begin(), opcodes.end(), opcode) != opcodes.end();
}

// SSC-3 table 15: WRITE(6), (16), WRITE FILEMARKS(6), (16); READ(6), (16), VERIFY(6), (16).
bool concerns(FaultKind kind, std::uint8_t opcode) {
    switch (kind) {
        case FaultKind::busy:
        case FaultKind::sense:
        case FaultKind::slow:
        case FaultKind::silent:
            return true;
        case FaultKind::write_error:
            return is_one_of(opcode, {0x0a, 0x8a, 0x10, 0x80});
        case FaultKind::read_error:
            return is_one_of(opcode, {0x08, 0x88, 0x13, 0x8f});
        case FaultKind::media_error:
        case FaultKind::early_warning:
        case FaultKind::storage_error:
            return false;
    }
    return false;
}

}  // namespace

std::optional<Fault> FaultTable::meet(const std::string& drive, std::uint8_t opcode) {
    const auto found = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& fault) {
        return fault.drive == drive && (!fault.opcode || *fault.opcode == opcode) &&
               concerns(fault.kind, opcode);
    });
    if (found == faults_.end()) return std::nullopt;
    auto met = *found;
    if (found->remaining && --*found->remaining == 0) faults_.erase(found);
    return met;
}

virtual_library::TapeFaults FaultTable::of_tape(const std::string& drive) const {
    constexpr std::uint64_t megabyte = 1'000'000;
    virtual_library::TapeFaults suffers;
    for (const Fault& fault : faults_) {
        if (fault.drive != drive) continue;
        if (fault.kind == FaultKind::storage_error) suffers.storage_fails = true;
        if (fault.kind == FaultKind::media_error) suffers.damaged.insert(fault.block);
        if (fault.kind != FaultKind::early_warning) continue;
        const std::uint64_t at = fault.at_mb * megabyte;
        suffers.early_warning_at = std::min(suffers.early_warning_at.value_or(at), at);
    }
    return suffers;
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
