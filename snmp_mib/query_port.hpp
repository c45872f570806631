#pragma once

// The socket that queries come to: Net-SNMP's, but each datagram is judged before the library reads
// it. One per process, as the library is.

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "snmp_mib/query_filter.hpp"

namespace snmp_mib {

class QueryPort {
  public:
    // Between start_snmp_library() and the first answers. `listen` as Net-SNMP writes addresses.
    // Stays open as long as the process lives.
    static agent::core::Result<std::unique_ptr<QueryPort>> open(const std::string& listen,
                                                                QueryFilter filter);
    ~QueryPort();
    QueryPort(const QueryPort&) = delete;
    QueryPort& operator=(const QueryPort&) = delete;

    // Of everything that has come; QueryVerdict::pass went on to the library.
    [[nodiscard]] std::uint64_t count(QueryVerdict verdict) const;

  private:
    struct Library;  // its callback, which knows no user data
    explicit QueryPort(QueryFilter filter);

    QueryFilter filter_;
    std::map<QueryVerdict, std::uint64_t> counts_;
};

}  // namespace snmp_mib
