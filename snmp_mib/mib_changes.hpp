#pragma once

// SNMP SET of tlrDriveAdminState and tlrDriveAdminReason: one drive a request, both columns, by
// somebody who may (the access rules of the library come first).

struct netsnmp_agent_request_info_s;
struct netsnmp_request_info_s;

namespace snmp_mib {

class MibTables;

// One phase of the library's way through a SET (RFC 3416 4.2.5): everything is checked in the first
// two, and nothing is done before the commit, which waits for the controller's answer.
void take_change(MibTables& tables, netsnmp_agent_request_info_s* info,
                 netsnmp_request_info_s* requests);

}  // namespace snmp_mib
