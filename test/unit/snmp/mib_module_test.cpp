#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "snmp_mib/mib_rows.hpp"
#include "snmp_mib/oids.hpp"
#include "snmp_mib/varbind_reader.hpp"
#include "test/support/catch.hpp"

using namespace snmp_mib;

namespace {

// smilint and smidump find the module and the stubs of its imports through a configuration of their
// own.
std::string smi_configuration() {
    static const std::string path = [] {
        std::ifstream pattern(LRA_SOURCE_DIR "/test/support/smi/smi.conf");
        std::stringstream content;
        content << pattern.rdbuf();
        std::string text = content.str();
        for (const auto& [word, value] :
             {std::pair<std::string, std::string>{"SMI_STUBS", LRA_SOURCE_DIR "/test/support/smi"},
              {"SMI_MODULE", LRA_SOURCE_DIR "/snmp_mib"}}) {
            text.replace(text.find(word), word.size(), value);
        }
        std::string name = "/tmp/lra-smi-XXXXXX";
        const int fd = ::mkstemp(name.data());
        REQUIRE(fd >= 0);
        std::ofstream(name) << text;
        return name;
    }();
    return path;
}

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"),
                                                     &::pclose);
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> piece{};
    while (const std::size_t length = std::fread(piece.data(), 1, piece.size(), pipe.get()))
        text.append(piece.data(), length);
    return text;
}

const std::string module_file = LRA_SOURCE_DIR "/snmp_mib/TAPE-LIBRARY-RESERVATION-MIB.txt";

std::map<std::string, std::string> identifiers() {
    std::istringstream lines(
        output_of("smidump -c " + smi_configuration() + " -f identifiers " + module_file));
    std::map<std::string, std::string> result;
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string module;
        std::string name;
        std::string kind;
        std::string number;
        if (words >> module >> name >> kind >> number) result[name] = number;
    }
    return result;
}

std::string dotted(const Oid& oid) {
    std::string text;
    for (const std::uint32_t part : oid)
        text += (text.empty() ? "" : ".") + std::to_string(part);
    return text;
}

}  // namespace

TEST_CASE("smilint at its strictest has nothing to say") {
    CHECK(output_of("smilint -c " + smi_configuration() + " -l 6 -s " + module_file).empty());
}

TEST_CASE("every object identifier in the code is the module's") {
    const auto names = identifiers();
    REQUIRE(names.size() > 90);
    CHECK(names.at("tlrMIB") == dotted(oids::module_root));
    for (std::uint32_t i = 1; i <= 25; ++i) {
        const auto object = static_cast<oids::NotifyObject>(i);
        CHECK(names.at(std::string(name_of(object))) + ".0" == dotted(oids::of(object)));
    }
    const std::map<std::string, oids::Notification> notifications{
        {"tlrReservationNotice", oids::Notification::reservation_notice},
        {"tlrNoticeConfirmation", oids::Notification::notice_confirmation},
        {"tlrAgentStarted", oids::Notification::agent_started},
        {"tlrAgentStopping", oids::Notification::agent_stopping},
        {"tlrHolderInquiry", oids::Notification::holder_inquiry},
        {"tlrHolderStatement", oids::Notification::holder_statement},
        {"tlrPairMessage", oids::Notification::pair_message},
        {"tlrTest", oids::Notification::test},
        {"tlrHandshakeIncomplete", oids::Notification::handshake_incomplete},
        {"tlrHandshakeCompleted", oids::Notification::handshake_completed},
        {"tlrDriveForcedOffline", oids::Notification::drive_forced_offline},
        {"tlrDriveCleared", oids::Notification::drive_cleared},
        {"tlrDriveUnprotected", oids::Notification::drive_unprotected},
        {"tlrDriveProtected", oids::Notification::drive_protected},
        {"tlrDriveUnreachable", oids::Notification::drive_unreachable},
        {"tlrDriveReachable", oids::Notification::drive_reachable},
        {"tlrHolderUnknown", oids::Notification::holder_unknown},
        {"tlrHolderKnown", oids::Notification::holder_known},
        {"tlrAgentLost", oids::Notification::agent_lost},
        {"tlrAgentReturned", oids::Notification::agent_returned},
        {"tlrDriveConcern", oids::Notification::drive_concern},
        {"tlrDriveConcernOver", oids::Notification::drive_concern_over},
        {"tlrHeartbeat", oids::Notification::heartbeat},
        {"tlrRefusalsMany", oids::Notification::refusals_many},
        {"tlrRefusalsOver", oids::Notification::refusals_over},
        {"tlrPairRoleChanged", oids::Notification::pair_role_changed},
        {"tlrPairTrouble", oids::Notification::pair_trouble},
        {"tlrPairTroubleOver", oids::Notification::pair_trouble_over}};
    for (const auto& [name, which] : notifications)
        CHECK(names.at(name) == dotted(oids::of(which)));
    const std::map<std::string, oids::Table> tables{{"tlrDriveTable", oids::Table::drive},
                                                    {"tlrAgentTable", oids::Table::agent},
                                                    {"tlrHandshakeTable", oids::Table::handshake},
                                                    {"tlrEventTable", oids::Table::event},
                                                    {"tlrAlarmTable", oids::Table::alarm},
                                                    {"tlrConsumerTable", oids::Table::consumer},
                                                    {"tlrPairTable", oids::Table::pair}};
    for (const auto& [name, which] : tables)
        CHECK(names.at(name) == dotted(oids::of(which)));
    CHECK(names.at("tlrController") == dotted(oids::of(oids::Scalar::controller)));
    CHECK(names.at("tlrMessagesRefused") == dotted(oids::of(oids::Scalar::messages_refused)));
    CHECK(names.at("tlrSnapshotAge") == dotted(oids::of(oids::Scalar::snapshot_age)));
    CHECK(names.at("tlrActiveAlarms") == dotted(oids::of(oids::Scalar::active_alarms)));
    CHECK(names.at("tlrNotificationsSent") == dotted(oids::of(oids::Scalar::notifications_sent)));
    CHECK(names.at("tlrNotificationsLost") == dotted(oids::of(oids::Scalar::notifications_lost)));
    CHECK(names.at("tlrDriveChangesBySnmp") ==
          dotted(oids::of(oids::Scalar::drive_changes_by_snmp)));
    CHECK(names.at("tlrPairName") == dotted(oids::of(oids::Scalar::pair_name)));
    CHECK(names.at("tlrPairState") == dotted(oids::of(oids::Scalar::pair_state)));
    CHECK(names.at("tlrPairEpoch") == dotted(oids::of(oids::Scalar::pair_epoch)));
    CHECK(names.at("tlrPairActs") == dotted(oids::of(oids::Scalar::pair_acts)));
    CHECK(names.at("tlrPairPeerHeard") == dotted(oids::of(oids::Scalar::pair_peer_heard)));
    CHECK(names.at("tlrPairCopy") == dotted(oids::of(oids::Scalar::pair_copy)));
    CHECK(names.at("tlrPairLag") == dotted(oids::of(oids::Scalar::pair_lag)));
    // The last column of each table, so that a column added to one side only is noticed.
    const char* const last[] = {"tlrDriveAdminReason", "tlrAgentMissed", "tlrHandshakeLastAnswer",
                                "tlrEventText",        "tlrAlarmText",   "tlrConsumerTrouble",
                                "tlrPairMemberVote"};
    for (std::size_t i = 0; i < mib_table_count; ++i) {
        const MibTableShape& shape = mib_tables().at(i);
        CHECK(names.at(last[i]) ==
              dotted(oids::below(oids::of(shape.table), {1, shape.last_column})));
    }
}
