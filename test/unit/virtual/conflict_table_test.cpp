// Every command of the table under every reservation, from every standing, through the device
// server; and the table in docs/RESERVATIONS.md says the same.

#include <cstdio>
#include <fstream>
#include <sstream>

#include "drive_iface/virtual/drive.hpp"
#include "test/unit/virtual/library_builder.hpp"

using namespace virtual_library_test;
using virtual_library::Access;
using virtual_library::CommandRow;
using virtual_library::Reservations;
using virtual_library::Standing;

namespace {

constexpr std::uint64_t holder_key = 0x1111;
constexpr std::uint64_t own_key = 0x2222;

Bytes cdb_of(const CommandRow& row) {
    Bytes cdb(drive_iface::scsi::cdb_length(row.opcode), 0);
    cdb[0] = row.opcode;
    if (row.service_action) cdb[1] = *row.service_action;
    if (row.opcode == drive_iface::scsi::opcode::persistent_reserve_out) cdb[8] = 24;
    if (row.opcode == drive_iface::scsi::opcode::prevent_allow_medium_removal) cdb[4] = 1;
    return cdb;
}

Bytes data_out_of(const CommandRow& row) {
    if (row.opcode != drive_iface::scsi::opcode::persistent_reserve_out) return {};
    const auto list = drive_iface::scsi::encode_pr_out_parameters(
        {.reservation_key = own_key, .service_action_reservation_key = own_key});
    return *list;
}

const char* word(Access access) {
    switch (access) {
        case Access::allowed:
            return "yes";
        case Access::conflict:
            return "conflict";
        case Access::if_registered:
            return "if registered";
        case Access::reserve_rules:
        case Access::release_rules:
            return "see below";
    }
    return "?";
}

std::string table_line(const std::string& name, const virtual_library::ConflictRule& rule) {
    std::string line = "| " + name;
    for (const Access access :
         {rule.legacy_holder, rule.legacy_other, rule.write_exclusive_other,
          rule.exclusive_access_other, rule.registrants_only_registered,
          rule.write_exclusive_unregistered, rule.exclusive_access_unregistered}) {
        line += std::string(" | ") + word(access);
    }
    return line + " | " + std::string(rule.clause) + " |\n";
}

std::string whole_table() {
    std::string table;
    for (const CommandRow& row : virtual_library::drive_commands()) {
        const bool prevents = row.opcode == drive_iface::scsi::opcode::prevent_allow_medium_removal;
        table += table_line(std::string(row.name) + (prevents ? ", PREVENT=1" : ""), row.conflict);
        if (prevents) {
            table += table_line(std::string(row.name) + ", PREVENT=0",
                                virtual_library::conflict_rule::always_allowed);
        }
    }
    return table;
}

std::string forced_offline_table() {
    std::string table;
    for (const CommandRow& row : virtual_library::drive_commands()) {
        const char* what = "";
        switch (row.forced_offline) {
            case virtual_library::WhileForcedOffline::works:
                what = "works";
                break;
            case virtual_library::WhileForcedOffline::fails:
                what = "04h/44h/00h";
                break;
            case virtual_library::WhileForcedOffline::giving_up:
                what = "works only to give something up";
                break;
        }
        table += "| " + std::string(row.name) + " | " + what + " |\n";
    }
    return table;
}

std::string file_text(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("every command meets every reservation as its row says") {
    for (const CommandRow& row : virtual_library::drive_commands()) {
        for (const PrType type : drive_iface::scsi::pr_types) {
            for (const bool registered : {false, true}) {
                TwoDrives library;
                Host holder(library, iscsi_port("holder"));
                Host other(library, iscsi_port("other"));
                REQUIRE(good(holder.register_key(holder_key)));
                if (registered) REQUIRE(good(other.register_key(own_key)));
                REQUIRE(good(holder.pr_out(PrOutAction::reserve, holder_key, 0, type)));
                INFO(row.name << ", type " << static_cast<int>(type)
                              << (registered ? ", registered" : ""));

                const bool shared =
                    type != PrType::write_exclusive && type != PrType::exclusive_access;
                const bool exclusive = drive_iface::scsi::is_exclusive_access(type);
                Access access = exclusive ? row.conflict.exclusive_access_other
                                          : row.conflict.write_exclusive_other;
                if (shared && registered) access = row.conflict.registrants_only_registered;
                if (shared && !registered) {
                    access = exclusive ? row.conflict.exclusive_access_unregistered
                                       : row.conflict.write_exclusive_unregistered;
                }
                // Under the all-registrants types a registered nexus is a holder.
                if (drive_iface::scsi::is_all_registrants(type) && registered)
                    access = Access::allowed;

                const bool refused = conflict(other.send(cdb_of(row), data_out_of(row)));
                switch (access) {
                    case Access::allowed:
                        // These service actions find out about keys and types only while they are
                        // carried out.
                        if (row.opcode != drive_iface::scsi::opcode::persistent_reserve_out)
                            CHECK_FALSE(refused);
                        break;
                    case Access::conflict:
                        CHECK(refused);
                        break;
                    case Access::if_registered:
                        if (!registered) CHECK(refused);
                        break;
                    case Access::reserve_rules:
                    case Access::release_rules:
                        CHECK(refused == !(shared && registered));
                        break;
                }
            }
        }
    }
}

TEST_CASE("every command meets a legacy reservation as its row says") {
    for (const CommandRow& row : virtual_library::drive_commands()) {
        INFO(row.name);
        {
            TwoDrives library;
            Host holder(library, iscsi_port("holder"));
            Host other(library, iscsi_port("other"));
            REQUIRE(good(holder.reserve()));
            CHECK(conflict(other.send(cdb_of(row), data_out_of(row))) ==
                  (row.conflict.legacy_other == Access::conflict));
        }
        TwoDrives library;
        Host holder(library, iscsi_port("holder"));
        REQUIRE(good(holder.reserve()));
        CHECK(conflict(holder.send(cdb_of(row), data_out_of(row))) ==
              (row.conflict.legacy_holder == Access::conflict));
    }
}

TEST_CASE("allowing medium removal is possible under every reservation") {
    TwoDrives library;
    Host holder(library, iscsi_port("holder"));
    Host other(library, iscsi_port("other"));
    REQUIRE(good(holder.reserve()));
    CHECK(good(other.send({0x1e, 0, 0, 0, 0, 0})));
    CHECK(conflict(other.send({0x1e, 0, 0, 0, 1, 0})));
}

TEST_CASE("a reservation conflict leaves the unit attention for a command that gets through") {
    TwoDrives library;
    Host holder(library, iscsi_port("holder"));
    REQUIRE(good(holder.reserve()));
    Host other(library, iscsi_port("other"), true);
    CHECK(conflict(other.test_unit_ready()));
    CHECK(conflict(other.reserve()));
    REQUIRE(good(holder.release()));
    CHECK(other.attention() == drive_iface::scsi::additional_sense::power_on_or_reset);
    CHECK(other.attention() == drive_iface::scsi::additional_sense::none);
}

TEST_CASE("INQUIRY, REPORT LUNS and REQUEST SENSE are answered while a unit attention waits") {
    TwoDrives library;
    Host host(library, iscsi_port("a"), true);
    CHECK(good(host.send({drive_iface::scsi::opcode::inquiry, 0, 0, 0, 96, 0})));
    CHECK(good(
        host.send({drive_iface::scsi::opcode::report_luns, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0})));
    CHECK(host.attention() == drive_iface::scsi::additional_sense::power_on_or_reset);
}

// Hidden: prints what belongs into the document after the table has changed.
TEST_CASE("print the tables", "[.tables]") {
    std::printf("%s\n%s", whole_table().c_str(), forced_offline_table().c_str());
}

TEST_CASE("docs/RESERVATIONS.md shows the tables of the program") {
    const std::string document = file_text(LRA_SOURCE_DIR "/docs/RESERVATIONS.md");
    REQUIRE_FALSE(document.empty());
    INFO("virtual_test '[.tables]' prints what it should contain");
    CHECK(document.find(whole_table()) != std::string::npos);
    CHECK(document.find(forced_offline_table()) != std::string::npos);
}
