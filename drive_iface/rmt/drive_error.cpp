#include "drive_iface/rmt/drive_error.hpp"

#include <cerrno>

namespace drive_iface::rmt {

using scsi::SenseKey;
using virtual_library::Status;

namespace {

int error_of(const scsi::SenseData& sense) {
    switch (sense.key) {
        case SenseKey::not_ready:
            if (sense.additional == scsi::additional_sense::medium_not_present) return ENOMEDIUM;
            if (sense.additional == scsi::additional_sense::becoming_ready) return EBUSY;
            return EIO;
        case SenseKey::data_protect:
            return EROFS;
        case SenseKey::volume_overflow:
            return ENOSPC;
        case SenseKey::illegal_request:
            return EINVAL;
        case SenseKey::no_sense:
        case SenseKey::recovered_error:
        case SenseKey::medium_error:
        case SenseKey::hardware_error:
        case SenseKey::unit_attention:
        case SenseKey::blank_check:
        case SenseKey::vendor_specific:
        case SenseKey::copy_aborted:
        case SenseKey::aborted_command:
        case SenseKey::reserved_c:
        case SenseKey::miscompare:
        case SenseKey::completed:
            return EIO;
    }
    return EIO;
}

}  // namespace

std::optional<scsi::SenseData> sense_of(const virtual_library::CommandReply& reply) {
    if (reply.status != Status::check_condition) return std::nullopt;
    auto sense = scsi::decode_sense(reply.sense);
    if (!sense) return std::nullopt;
    return std::move(sense).value();
}

Refusal refusal_of(const virtual_library::CommandReply& reply) {
    switch (reply.status) {
        case Status::reservation_conflict:
            return {EBUSY, "another host has reserved the drive"};
        case Status::busy:
        case Status::task_set_full:
            return {EBUSY, "the drive is busy"};
        case Status::task_aborted:
            return {EIO, "the drive was reset"};
        case Status::good:
        case Status::check_condition:
            break;
    }
    const auto sense = sense_of(reply);
    if (!sense) return {EIO, "the drive failed without telling why"};
    return {error_of(*sense), scsi::to_text(*sense)};
}

}  // namespace drive_iface::rmt
