#include "snmp_mib/pair_line.hpp"

#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind_reader.hpp"

namespace snmp_mib {

bool is_pair_line(std::span<const Varbind> varbinds) {
    return VarbindReader(varbinds).notification() == oids::Notification::pair_message;
}

std::vector<Varbind> encode(const PairLine& said, TimeTicks up_time) {
    return {{oids::sys_up_time_0, up_time},
            {oids::snmp_trap_oid_0, oids::of(oids::Notification::pair_message)},
            {oids::of(oids::NotifyObject::sender), OctetString{said.sender}},
            {oids::of(oids::NotifyObject::receiver), OctetString{said.receiver}},
            {oids::of(oids::NotifyObject::pair_line), OctetString{said.line}}};
}

agent::core::Result<PairLine> decode_pair_line(std::span<const Varbind> varbinds) {
    VarbindReader reader(varbinds);
    if (reader.notification() != oids::Notification::pair_message)
        reader.refuse("not tlrPairMessage");
    PairLine said;
    said.sender = reader.text(oids::NotifyObject::sender, 1, name_length_max);
    said.receiver = reader.text(oids::NotifyObject::receiver, 1, name_length_max);
    said.line = reader.text(oids::NotifyObject::pair_line, 1, pair_line_length_max);
    if (const auto finished = reader.finish(); !finished) return finished.error();
    return said;
}

}  // namespace snmp_mib
