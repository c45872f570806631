#include "agent/core/sharing_resolver.hpp"

#include "test/unit/core/controller.hpp"

using namespace core_test;

TEST_CASE("a port's domain does not depend on its ISID or address") {
    const InitiatorPort configured{Transport::iscsi, "iqn.2001-04.com.example:a", "", ""};
    const InitiatorPort seen{Transport::iscsi, "iqn.2001-04.com.example:a", "00023d000001",
                             "192.0.2.9"};
    CHECK(domain_of(seen, {{"payroll", {configured}}}) == "payroll");
    CHECK(domain_of(port_a, {{"payroll", {configured}}}).empty());
}

TEST_CASE("the holder's domain is told only when all holders belong to it") {
    const auto domains = two_drives_three_agents().domains;
    CHECK(holder_domain_of(reserved_by(port_a), domains) == "payroll");
    CHECK(holder_domain_of(reserved_by(port_c), domains).empty());
    CHECK(holder_domain_of(free_drive(), domains).empty());
    Reservation both = reserved_by(port_a);
    both.holders.push_back(port_b);
    CHECK(holder_domain_of(both, domains).empty());
    both.holders = {port_a, port_c};
    CHECK(holder_domain_of(both, domains).empty());
    both.holders = {port_a, port_a};
    CHECK(holder_domain_of(both, domains) == "payroll");
}

TEST_CASE("holders are named in words") {
    CHECK(holders_in_words(reserved_by(port_a), "payroll") ==
          "fc:2100000e1e09a1b0 (domain payroll)");
    CHECK(holders_in_words(reserved_by_nobody_knows_whom(), "") == "an unknown port");
}
