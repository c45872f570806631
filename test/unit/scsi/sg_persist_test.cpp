// The decoder of sg_persist judges ours, on every captured answer to PERSISTENT RESERVE IN. It has
// no offline mode: sg_persist_oracle.cpp gives it the bytes.

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <regex>
#include <sstream>

#include "drive_iface/scsi/persistent_reserve.hpp"
#include "test/unit/scsi/fixtures.hpp"

using namespace drive_iface::scsi;
using agent::core::Transport;
using scsi_test::pr_capture;

namespace {

std::string sg_persist_on(const std::string& option, const Bytes& bytes) {
    return scsi_test::oracle("f() { LRA_PR_IN=$1 LD_PRELOAD='" LRA_SG_PERSIST_ORACLE
                             "' sg_persist -n --in " +
                                 option + " /dev/null; }; f ",
                             bytes);
}

bool no_sg_persist() {
    const std::string text = sg_persist_on("-k", pr_capture("lio-readkeys-7"));
    if (!text.empty()) {
        INFO("sg_persist did not get the captured bytes: " LRA_SG_PERSIST_ORACLE
             " was not preloaded, which needs a path without blank and colon\n"
             << text);
        REQUIRE(text.find("7 registered reservation keys follow:\n    0xaaaa\n") !=
                std::string::npos);
        return false;
    }
    WARN("SKIPPED: the package sg3-utils is not installed, no second opinion");
    return true;
}

std::string hex_of(std::uint64_t value) {
    std::ostringstream text;
    text << "0x" << std::hex << value;
    return text.str();
}

// What sg_persist says of one registrant.
struct Registrant {
    std::string text;
    [[nodiscard]] std::string behind(const std::string& words) const {
        const auto at = text.find(words);
        if (at == std::string::npos) return "";
        const auto begin = text.find_first_not_of(" \n", at + words.size());
        if (begin == std::string::npos) return "";
        return text.substr(begin, text.find('\n', begin) - begin);
    }
};

std::vector<Registrant> registrants_in(const std::string& text) {
    std::vector<Registrant> registrants;
    for (auto at = text.find("    Key="); at != std::string::npos;) {
        const auto next = text.find("    Key=", at + 1);
        registrants.push_back({text.substr(at, next - at)});
        at = next;
    }
    return registrants;
}

// The port as sg_persist shows it, written as ours is; empty: a kind that no host port is known by.
std::string port_shown(const Registrant& registrant) {
    const std::string unique = registrant.behind("iSCSI world wide unique port id:");
    if (!unique.empty()) return "iscsi " + unique;
    const std::string name = registrant.behind("iSCSI name:");
    if (!name.empty()) return "iscsi " + name;
    const std::string sas = registrant.behind("SAS address: 0x");
    if (!sas.empty()) return "sas " + sas;
    std::string fc = registrant.behind("FCP-2 World Wide Name:");
    std::string srp = registrant.behind("RDMA initiator port identifier:");
    std::erase(fc, ' ');
    std::erase(srp, ' ');
    return !fc.empty() ? "fc " + fc : !srp.empty() ? "srp " + srp : "";
}

std::string port_decoded(const FullStatusDescriptor& descriptor) {
    if (!descriptor.port) return "";
    const auto& port = *descriptor.port;
    switch (port.transport) {
        case Transport::iscsi:
            return "iscsi " + port.name + (port.isid.empty() ? "" : ",i,0x" + port.isid);
        case Transport::fc:
            return "fc " + port.name;
        case Transport::sas:
            return "sas " + port.name;
        case Transport::srp:
            return "srp " + port.name;
        case Transport::unknown:
            return "";
    }
    return "";
}

}  // namespace

TEST_CASE("sg_persist reads every captured full status as we do") {
    if (no_sg_persist()) return;
    for (const std::string name :
         {"lio-fullstatus-7reg", "lio-fullstatus-after-lunreset", "lio-fullstatus-ea-iscsi",
          "lio-fullstatus-eaar", "lio-fullstatus-earo-fcoe", "lio-fullstatus-empty",
          "lio-fullstatus-holder-gone", "lio-fullstatus-preempted",
          "lio-fullstatus-regmove-format0", "lio-fullstatus-relogin", "lio-fullstatus-we-fc",
          "istgt-fullstatus-2", "istgt-fullstatus-empty", "istgt-fullstatus-fenced",
          "istgt-fullstatus-under-legacy", "synthetic-fullstatus-all-registrants",
          "synthetic-fullstatus-all-transports", "synthetic-fullstatus-iscsi-nul-variant"}) {
        const Bytes bytes = pr_capture(name);
        const auto status = decode_read_full_status(bytes);
        REQUIRE(status.ok());
        const std::string text = sg_persist_on("-s", bytes);
        INFO(name << "\n" << text);
        const auto registrants = registrants_in(text);
        REQUIRE(registrants.size() == status->descriptors.size());
        for (std::size_t i = 0; i < registrants.size(); ++i) {
            const auto& ours = status->descriptors[i];
            const Registrant& theirs = registrants[i];
            CHECK(theirs.behind("Key=") == hex_of(ours.key));
            CHECK((theirs.text.find("<< Reservation holder >>") != std::string::npos) ==
                  ours.holder);
            CHECK((theirs.text.find("All target ports bit set") != std::string::npos) ==
                  ours.all_target_ports);
            if (!ours.all_target_ports) {
                CHECK(theirs.behind("Relative port address:") == hex_of(ours.relative_target_port));
            }
            // istgt leaves out the header of its TransportIDs, which sg_persist does not know; the
            // malformed ISID of the variant with NUL is no part of the name for it.
            if (name.starts_with("istgt")) continue;
            const std::string port = port_decoded(ours);
            const std::string shown = port_shown(theirs);
            CHECK(port.empty() == shown.empty());
            if (name == "synthetic-fullstatus-iscsi-nul-variant") {
                CHECK(port.starts_with(shown));
            } else {
                CHECK(port == shown);
            }
        }
    }
}

TEST_CASE("sg_persist reads captured keys, reservations and capabilities as we do") {
    if (no_sg_persist()) return;
    for (const char* name : {"lio-readkeys-7", "lio-readkeys-empty", "istgt-readkeys-2",
                             "istgt-readkeys-empty", "tgt-readkeys-2", "tgt-readkeys-empty"}) {
        const Bytes bytes = pr_capture(name);
        const auto read = decode_read_keys(bytes);
        REQUIRE(read.ok());
        const std::string text = sg_persist_on("-k", bytes);
        INFO(name << "\n" << text);
        CHECK_THAT(text, ContainsSubstring("PR generation=" + hex_of(read->header.generation)));
        std::string keys;
        for (const std::uint64_t key : read->keys)
            keys += "    " + hex_of(key) + "\n";
        CHECK_THAT(text, ContainsSubstring(keys));
        CHECK(std::count(text.begin(), text.end(), '\n') ==
              static_cast<std::ptrdiff_t>(read->keys.size()) + 1);
    }
    for (const char* name :
         {"lio-readres-ea", "lio-readres-eaar", "lio-readres-empty", "istgt-readres-ea",
          "istgt-readres-empty", "istgt-readres-under-legacy", "tgt-readres-ea",
          "tgt-readres-empty", "tgt-readres-under-legacy"}) {
        const Bytes bytes = pr_capture(name);
        const auto read = decode_read_reservation(bytes);
        REQUIRE(read.ok());
        std::string text = sg_persist_on("-r", bytes);
        INFO(name << "\n" << text);
        CHECK((text.find("there is NO reservation held") != std::string::npos) ==
              !read->held.has_value());
        if (!read->held) continue;
        CHECK_THAT(text, ContainsSubstring("Key=" + hex_of(read->held->key) + "\n"));
        const auto type = pr_type_from_code(read->held->type);
        REQUIRE(type.has_value());
        const auto lower = [](std::string words) {
            std::ranges::transform(words, words.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
            return std::regex_replace(words, std::regex("[ ,-]+"), " ");
        };
        CHECK_THAT(lower(text),
                   ContainsSubstring("type: " + lower(std::string(drive_iface::scsi::name(*type))) +
                                     "\n"));
    }
    for (const char* name : {"lio-reportcap", "istgt-reportcap", "tgt-reportcap"}) {
        const Bytes bytes = pr_capture(name);
        const auto read = decode_report_capabilities(bytes);
        REQUIRE(read.ok());
        const std::string text = sg_persist_on("-c", bytes);
        INFO(name << "\n" << text);
        const auto says = [&](const std::string& words, int value) {
            CHECK_THAT(text, ContainsSubstring(words + ": " + std::to_string(value) + "\n"));
        };
        says("(RLR_C)", read->replace_lost_reservation);
        says("(CRH)", read->compatible_reservation_handling);
        says("(SIP_C)", read->specify_initiator_ports);
        says("(ATP_C)", read->all_target_ports);
        says("(PTPL_C)", read->persist_through_power_loss);
        says("(PTPL_A)", read->persist_active);
        says("(TMV)", read->types.has_value());
        says("Allow Commands", read->allow_commands);
        if (read->types) {
            CHECK(read->types->size() ==
                  static_cast<std::size_t>(std::count(
                      text.begin() + static_cast<std::ptrdiff_t>(text.find("Type mask:")),
                      text.end(), '1')));
        }
    }
}
