#pragma once

#include <cstddef>

namespace fan_out {

// Net-SNMP's own way: a session for each host, asynchronous informs, select. Prints as the others.
int library_sessions(std::size_t hosts, std::size_t rounds, const char* folder);

}  // namespace fan_out
