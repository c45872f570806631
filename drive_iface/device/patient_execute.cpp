#include "drive_iface/device/patient_execute.hpp"

#include <optional>

#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr int attempts_max = 10;

}  // namespace

std::optional<scsi::SenseData> sense_of(const ScsiReply& reply) {
    if (reply.status != scsi::status::check_condition) return std::nullopt;
    auto sense = scsi::decode_sense(reply.sense);
    return sense ? std::optional(std::move(sense).value()) : std::nullopt;
}

std::string in_words(const ScsiReply& reply) {
    std::string words = scsi::status_name(reply.status);
    if (reply.status != scsi::status::check_condition) return words;
    const auto sense = sense_of(reply);
    return words + ", " + (sense ? scsi::to_text(*sense) : "without sense data");
}

bool says_not_supported(const ScsiReply& reply) {
    const auto sense = sense_of(reply);
    return sense && sense->key == scsi::SenseKey::illegal_request &&
           (sense->additional == scsi::additional_sense::invalid_command_operation_code ||
            sense->additional == scsi::additional_sense::invalid_field_in_cdb);
}

Result<ScsiReply> execute_patiently(Transport& drive, const ScsiCommand& command, Duration timeout,
                                    std::vector<scsi::AdditionalSense>* unit_attentions) {
    for (int attempt = 1;; ++attempt) {
        auto reply = drive.execute(command, timeout);
        if (!reply) return reply;
        const auto sense = sense_of(*reply);
        if (!sense || sense->key != scsi::SenseKey::unit_attention) return reply;
        if (unit_attentions != nullptr) unit_attentions->push_back(sense->additional);
        if (attempt == attempts_max) {
            return Error{std::to_string(attempts_max) + " unit attentions in a row, the last one " +
                         scsi::to_text(*sense)};
        }
    }
}

}  // namespace drive_iface
