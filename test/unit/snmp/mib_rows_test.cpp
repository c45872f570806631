#include "snmp_mib/mib_rows.hpp"

#include "snmp_mib/notice_codec.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;

TEST_CASE("every row has as many columns as its table says") {
    MibSnapshot snapshot;
    snapshot.drives.resize(1);
    snapshot.drives[0].view.record.drive.text = "VT1";
    snapshot.agents.resize(1);
    snapshot.agents[0].view.record.agent = "host-a";
    snapshot.handshakes.push_back({{"VT1"}, "host-a", {1, 2}, {1, 1}, {500}, 2, true, ""});
    snapshot.events.push_back({7, {}});
    snapshot.alarms.push_back({{agent::core::AlarmKind::agent_lost, {""}, "host-a"},
                               agent::core::Severity::major,
                               {1},
                               "text"});
    snapshot.consumers.resize(1);
    snapshot.consumers[0].address = "udp:192.0.2.1:162";
    snapshot.pair.members.push_back({.name = "lra-b", .heard = true, .state = 8, .epoch = 3});
    const MibRows rows = rows_of(snapshot);
    for (std::size_t i = 0; i < mib_table_count; ++i) {
        REQUIRE(rows.tables.at(i).size() == 1);
        CHECK(rows.tables.at(i)[0].columns.size() ==
              mib_tables().at(i).last_column - mib_tables().at(i).first_column + 1);
    }
    CHECK(rows.scalars.size() == fed_scalars().size());
    CHECK(rows.tables[0][0].index == Oid{3, 'V', 'T', '1'});
    CHECK(rows.tables[6][0].columns[2] == VarbindValue(OctetString{""}));
    CHECK(rows.tables[6][0].columns[3] == VarbindValue(Integer32{8}));
    CHECK(rows.tables[4][0].index == Oid{6, 0, 6, 'h', 'o', 's', 't', '-', 'a'});
}

TEST_CASE("rows whose index would not fit are left out, and only the newest events are served") {
    MibSnapshot snapshot;
    snapshot.drives.resize(2);
    snapshot.drives[0].view.record.drive.text = std::string(65, 'x');
    for (std::uint32_t i = 1; i <= mib_events_max + 10; ++i)
        snapshot.events.push_back({i, {}});
    const MibRows rows = rows_of(snapshot);
    CHECK(rows.tables[0].empty());
    CHECK(rows.tables[3].size() == mib_events_max);
    CHECK(rows.tables[3].front().index == Oid{11});
}
