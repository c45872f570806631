#include "snmp_mib/query_port.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/agent/snmp_agent.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace snmp_mib {

namespace {

QueryPort* the_port = nullptr;

// The address's bytes, without the port.
std::string source_of(const void* opaque, int length) {
    if (opaque == nullptr || length < static_cast<int>(sizeof(netsnmp_addr_pair))) return "";
    const auto& remote = static_cast<const netsnmp_addr_pair*>(opaque)->remote_addr;
    const auto text_of = [](const auto& address) {
        return std::string(reinterpret_cast<const char*>(&address), sizeof address);
    };
    return remote.sa.sa_family == AF_INET6 ? text_of(remote.sin6.sin6_addr)
                                           : text_of(remote.sin.sin_addr);
}

std::int64_t monotonic_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

struct QueryPort::Library {
    using Receive = int (*)(netsnmp_transport*, void*, int, void**, int*);
    static inline Receive receive = nullptr;  // the library's own

    // Refuses in the library's own words: nothing was received.
    static int receive_judged(netsnmp_transport* transport, void* buffer, int size, void** opaque,
                              int* opaque_length) noexcept {
        const int length = receive(transport, buffer, size, opaque, opaque_length);
        if (length < 0 || the_port == nullptr) return length;
        const std::span datagram(static_cast<const std::uint8_t*>(buffer),
                                 static_cast<std::size_t>(length));
        const QueryVerdict verdict =
            the_port->filter_.judge(datagram, source_of(*opaque, *opaque_length), monotonic_ms());
        ++the_port->counts_[verdict];
        if (verdict == QueryVerdict::pass) return length;
        std::free(*opaque);
        *opaque = nullptr;
        *opaque_length = 0;
        errno = EAGAIN;
        return -1;
    }
};

QueryPort::QueryPort(QueryFilter filter) : filter_(std::move(filter)) {
    the_port = this;
}

QueryPort::~QueryPort() {
    the_port = nullptr;
}

agent::core::Result<std::unique_ptr<QueryPort>> QueryPort::open(const std::string& listen,
                                                                QueryFilter filter) {
    const agent::core::Error error{
        "can not listen on " + listen +
        "; another program may use the port, and ports below 1024 need a privilege"};
    netsnmp_transport* transport = netsnmp_transport_open_server("snmp", listen.c_str());
    if (transport == nullptr) return error;
    Library::receive = std::exchange(transport->f_recv, &Library::receive_judged);
    std::unique_ptr<QueryPort> port(new QueryPort(std::move(filter)));
    if (netsnmp_register_agent_nsap(transport) <= 0) return error;
    return port;
}

std::uint64_t QueryPort::count(QueryVerdict verdict) const {
    const auto found = counts_.find(verdict);
    return found == counts_.end() ? 0 : found->second;
}

}  // namespace snmp_mib
