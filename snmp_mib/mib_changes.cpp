#include "snmp_mib/mib_changes.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <arpa/inet.h>

#include <array>
#include <optional>
#include <string>

#include "snmp_mib/mib_tables.hpp"
#include "snmp_mib/varbind_reader.hpp"

namespace snmp_mib {

namespace {

constexpr unsigned admin_state_column = 15;
constexpr unsigned admin_reason_column = 16;
constexpr long wants_available = 1;
constexpr long wants_offline = 2;

std::string text_of(const netsnmp_variable_list& variable) {
    return {reinterpret_cast<const char*>(variable.val.string), variable.val_len};
}

// The error of one varbind by itself (RFC 3416 4.2.5 (1) to (10)).
int wrong_with_state(const netsnmp_variable_list& variable) {
    if (variable.type != ASN_INTEGER) return SNMP_ERR_WRONGTYPE;
    if (variable.val_len != sizeof(long)) return SNMP_ERR_WRONGLENGTH;
    const long wanted = *variable.val.integer;
    return wanted == wants_available || wanted == wants_offline ? SNMP_ERR_NOERROR
                                                                : SNMP_ERR_WRONGVALUE;
}

int wrong_with_reason(const netsnmp_variable_list& variable) {
    if (variable.type != ASN_OCTET_STR) return SNMP_ERR_WRONGTYPE;
    if (variable.val_len == 0 || variable.val_len > change_reason_max) return SNMP_ERR_WRONGLENGTH;
    const std::string reason = text_of(variable);
    const bool plain = bounded_text(reason, change_reason_max) == reason &&
                       reason.find_first_not_of(' ') != std::string::npos;
    return plain ? SNMP_ERR_NOERROR : SNMP_ERR_WRONGVALUE;
}

int wrong_with(netsnmp_request_info* request) {
    const netsnmp_table_request_info* table = netsnmp_extract_table_info(request);
    if (table == nullptr) return SNMP_ERR_NOTWRITABLE;
    const bool state = table->colnum == admin_state_column;
    if (!state && table->colnum != admin_reason_column) return SNMP_ERR_NOTWRITABLE;
    if (netsnmp_container_table_row_extract(request) == nullptr) return SNMP_ERR_NOCREATION;
    const netsnmp_variable_list& variable = *request->requestvb;
    return state ? wrong_with_state(variable) : wrong_with_reason(variable);
}

// The drive, the state and the reason of a request; what is missing, or there twice, is null.
struct Asked {
    const void* row = nullptr;
    const netsnmp_variable_list* state = nullptr;
    const netsnmp_variable_list* reason = nullptr;
    const netsnmp_variable_list* serial = nullptr;
    bool about_one_drive = true;
};

Asked asked_by(netsnmp_request_info* requests) {
    Asked asked;
    for (netsnmp_request_info* request = requests; request != nullptr; request = request->next) {
        const netsnmp_table_request_info* table = netsnmp_extract_table_info(request);
        const void* row = netsnmp_container_table_row_extract(request);
        if (table == nullptr) continue;
        const netsnmp_variable_list** place =
            table->colnum == admin_state_column ? &asked.state : &asked.reason;
        if ((asked.row != nullptr && asked.row != row) || *place != nullptr)
            asked.about_one_drive = false;
        asked.row = row;
        asked.serial = table->indexes;
        *place = request->requestvb;
    }
    return asked;
}

std::string address_of(const netsnmp_pdu& pdu) {
    if (pdu.transport_data == nullptr ||
        pdu.transport_data_length != static_cast<int>(sizeof(netsnmp_indexed_addr_pair)))
        return "an unknown address";
    const auto& remote =
        static_cast<const netsnmp_indexed_addr_pair*>(pdu.transport_data)->remote_addr;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = remote.sa.sa_family == AF_INET6
                            ? static_cast<const void*>(&remote.sin6.sin6_addr)
                            : static_cast<const void*>(&remote.sin.sin_addr);
    const char* shown = ::inet_ntop(remote.sa.sa_family, bytes, text.data(), text.size());
    return shown != nullptr ? shown : "an unknown address";
}

// Nothing: it is not whole, or nobody can be named who asks.
std::optional<DriveChange> change_of(const Asked& asked, const netsnmp_agent_request_info& info) {
    const netsnmp_pdu* pdu = info.asp != nullptr ? info.asp->pdu : nullptr;
    const bool is_whole =
        asked.serial != nullptr && asked.state != nullptr && asked.reason != nullptr;
    if (pdu == nullptr || pdu->securityName == nullptr || !is_whole) return std::nullopt;
    return DriveChange{text_of(*asked.serial), *asked.state->val.integer == wants_offline,
                       text_of(*asked.reason), std::string(pdu->securityName, pdu->securityNameLen),
                       address_of(*pdu)};
}

// Before anything is done: a node of a pair that stands by changes no drive (RFC 3416 4.2.5 (11)).
void ask(MibTables& tables, netsnmp_agent_request_info* info, netsnmp_request_info* requests,
         const Asked& asked) {
    auto change = change_of(asked, *info);
    if (change) change->only_ask = true;
    if (!change || !tables.change_drive()(*change))
        netsnmp_set_request_error(info, requests, SNMP_ERR_RESOURCEUNAVAILABLE);
}

void commit(MibTables& tables, netsnmp_agent_request_info* info, netsnmp_request_info* requests) {
    const auto change = change_of(asked_by(requests), *info);
    if (change) tables.count_change();
    if (!change || !tables.change_drive()(*change))
        netsnmp_set_request_error(info, requests, SNMP_ERR_COMMITFAILED);
}

}  // namespace

void take_change(MibTables& tables, netsnmp_agent_request_info_s* info,
                 netsnmp_request_info_s* requests) {
    switch (info->mode) {
        case MODE_SET_RESERVE1:
            for (auto* request = requests; request != nullptr; request = request->next) {
                if (const int error = wrong_with(request); error != SNMP_ERR_NOERROR)
                    netsnmp_set_request_error(info, request, error);
            }
            return;
        case MODE_SET_RESERVE2: {
            const Asked asked = asked_by(requests);
            if (asked.about_one_drive && asked.state != nullptr && asked.reason != nullptr)
                return ask(tables, info, requests, asked);
            netsnmp_set_request_error(info, requests, SNMP_ERR_INCONSISTENTVALUE);
            return;
        }
        case MODE_SET_COMMIT:
            return commit(tables, info, requests);
        default:  // the library's other phases: there is nothing to do before, nor to take back
            return;
    }
}

}  // namespace snmp_mib
