#include "drive_iface/device/persistent_reserve_out.hpp"

#include <string>

#include "drive_iface/device/patient_execute.hpp"

namespace drive_iface {

using namespace agent::core;

Result<ScsiReply> send(Transport& drive, const PersistentReserveOut& command, Duration timeout) {
    scsi::PrOutParameters parameters;
    parameters.reservation_key = command.key;
    parameters.service_action_reservation_key = command.service_action_key;
    parameters.persist = command.persist;
    const auto list = scsi::encode_pr_out_parameters(parameters);
    if (!list) return list.error();
    const auto cdb = scsi::persistent_reserve_out_cdb(command.action, command.type,
                                                      static_cast<std::uint32_t>(list->size()));
    auto reply = drive.execute({cdb, *list, 0}, timeout);
    if (!reply) return reply.error().within(std::string(scsi::name(command.action)));
    return reply;
}

bool is_unit_attention(const ScsiReply& reply) {
    const auto sense = sense_of(reply);
    return sense && sense->key == scsi::SenseKey::unit_attention;
}

}  // namespace drive_iface
