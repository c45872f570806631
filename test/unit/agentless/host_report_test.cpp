#include "agent/agentless/host_report.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <asio/io_context.hpp>

#include "agent/host/command_runner.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::agentless;
using Catch::Matchers::Contains;
using runtime::RemoteSystem;

namespace {

const std::string linux_report =
    "Welcome to backup3\n"
    "lra-host 1 linux\n"
    "port fc:2100000e1e09a1b0 fc_host/host3\n"
    "port iscsi:iqn.2026-01.example:backup3 /etc/iscsi/initiatorname.iscsi\n"
    "port iscsi:iqn.2026-01.example:backup3 iscsi_session/session1\n"
    "tape /dev/nst0\n"
    "generic /dev/sg3\n"
    "vendor IBM     \n"
    "product ULT3580-TD8     \n"
    "page80 01 80 00 0a 31 30 36 38 30 30 30 30 37 33\n"
    "tape /dev/nst1\n"
    "generic /dev/sg4\n"
    "page80 01 80 00 0a 31 30 36 38 30 30 30 30 37 33\n"
    "tape /dev/nst2\n"
    "end\n";

// The shape of lsdev is that of public examples; of lscfg the names of the fields are IBM's, the
// rest is not checked against a machine.
const std::string aix_report =
    "lra-host 1 aix\n"
    "tape /dev/rmt0\n"
    "|   rmt0             U78AA.001.WZSJ0F5-P1-C4-T1-W50050763124B1C2D-L0  IBM 3580 Ultrium Tape "
    "Drive (FCP)\n"
    "| \n"
    "|         Manufacturer................IBM\n"
    "|         Machine Type and Model......ULT3580-TD5\n"
    "|         Serial Number...............1068000073\n"
    "|         Device Specific.(FW)........G9P1\n"
    "trouble /dev/rmt1 is Defined\n"
    "adapter fcs0\n"
    "|   fcs0             U78AA.001.WZSJ0F5-P1-C4-T1  8Gb PCI Express Dual Port FC Adapter\n"
    "|         Part Number.................74Y2087\n"
    "|         Serial Number...............1C1010C8F1\n"
    "|         Network Address.............10000000C9B1C2D3\n"
    "port iscsi:iqn.2026-01.example:aix1 iscsi0\n"
    "end\n";

std::string error_of(RemoteSystem system, const std::string& text) {
    const auto read = read_host_report(system, text);
    return read ? "" : read.error().message;
}

std::string lines_of_count(std::size_t count, const std::string& begin) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += begin + std::to_string(i) + "\n";
    return text;
}

}  // namespace

TEST_CASE("a Linux host's report: ports once, drives by serial with all their nodes") {
    const auto found = read_host_report(RemoteSystem::linux_sysfs, linux_report);
    REQUIRE(found.ok());
    REQUIRE(found->ports.size() == 2);
    CHECK(core::to_text(found->ports[0].port) == "fc:2100000e1e09a1b0");
    CHECK(found->ports[0].where == "fc_host/host3");
    REQUIRE(found->drives.size() == 1);
    CHECK(found->drives[0].serial.text == "1068000073");
    CHECK(found->drives[0].vendor.empty());  // of the newest node, which told none
    CHECK(found->drives[0].tape_nodes == std::vector<std::string>{"/dev/nst0", "/dev/nst1"});
    CHECK(found->drives[0].generic_nodes == std::vector<std::string>{"/dev/sg3", "/dev/sg4"});
    REQUIRE(found->troubles.size() == 1);
    CHECK_THAT(found->troubles[0], Contains("/dev/nst2"));
}

TEST_CASE("an AIX host's report: serial numbers from lscfg, ports from adapters") {
    const auto found = read_host_report(RemoteSystem::aix, aix_report);
    REQUIRE(found.ok());
    REQUIRE(found->drives.size() == 1);
    CHECK(found->drives[0].serial.text == "1068000073");
    CHECK(found->drives[0].product == "ULT3580-TD5");
    CHECK(found->drives[0].tape_nodes == std::vector<std::string>{"/dev/rmt0"});
    REQUIRE(found->ports.size() == 2);
    CHECK(core::to_text(found->ports[0].port) == "fc:10000000c9b1c2d3");
    CHECK(found->ports[0].where == "fcs0");
    CHECK(found->troubles == std::vector<std::string>{"/dev/rmt1 is Defined"});
}

TEST_CASE("a report that breaks off anywhere is none") {
    for (const auto& [system, text] : {std::pair{RemoteSystem::linux_sysfs, linux_report},
                                       std::pair{RemoteSystem::aix, aix_report}}) {
        for (std::size_t length = 0; length + 2 < text.size(); ++length)
            CHECK_FALSE(read_host_report(system, text.substr(0, length)).ok());
    }
    CHECK_THAT(error_of(RemoteSystem::linux_sysfs, "lra-host 1 linux\n"), Contains("end"));
    CHECK_THAT(error_of(RemoteSystem::linux_sysfs, aix_report), Contains("lra-host"));
}

TEST_CASE("a program of the site prints ports and drives") {
    const auto found = read_host_report(RemoteSystem::commands,
                                        "# tapes\n\nport fc:2100000e1e09a1b0\n"
                                        "drive VT00000001 /dev/nst0\ndrive VT00000002\n");
    REQUIRE(found.ok());
    CHECK(found->ports.size() == 1);
    REQUIRE(found->drives.size() == 2);
    CHECK(found->drives[1].tape_nodes == std::vector<std::string>{""});
}

TEST_CASE("what is not as it should be is refused, with the line") {
    const struct {
        const char* line;
        const char* words;
    } cases[] = {
        {"port nonsense", "names no port"},
        {"port fc:21", "names no port"},
        {"drive", "no serial number"},
        {"drive VT\x1b[2J", "no serial number"},
        {"drive VT\x80 /dev/nst0", "no serial number"},
        {"drive VT1 nst0", "no device"},
        {"drive VT1 /dev/nst0 more", "more than"},
        {"tape /dev/nst0", "expected"},
        {"\x01\x02", "expected"},
    };
    for (const auto& one : cases) {
        INFO(one.line);
        const auto error = error_of(RemoteSystem::commands,
                                    std::string("port fc:2100000e1e09a1b0\n") + one.line + "\n");
        CHECK_THAT(error, Contains(one.words) && Contains("line 2"));
        for (const char c : error) {
            const bool printable = c >= 0x20 && c <= 0x7e;
            CHECK(printable);
        }
    }
    const auto in_linux = [](const std::string& line) {
        return error_of(RemoteSystem::linux_sysfs, "lra-host 1 linux\n" + line + "\nend\n");
    };
    CHECK_THAT(in_linux("page80 01"), Contains("no tape"));
    CHECK_THAT(in_linux("tape /dev/nst0\npage80 01 80 zz"), Contains("hexadecimal"));
    CHECK_THAT(in_linux("tape /dev/nst0\npage80 01 80 00 0a 31"), Contains("line 3"));
    CHECK_THAT(in_linux("rubbish"), Contains("no tape"));
    CHECK_THAT(in_linux("end\nport fc:2100000e1e09a1b0"), Contains("behind"));
}

TEST_CASE("everything has a maximum") {
    CHECK_THAT(error_of(RemoteSystem::commands, std::string(300 * 1024, '\n')),
               Contains("256 KiB"));
    CHECK_THAT(error_of(RemoteSystem::commands, "port " + std::string(5'000, 'x')),
               Contains("4096"));
    CHECK_THAT(error_of(RemoteSystem::commands, lines_of_count(1'025, "drive S")),
               Contains("1024 drives"));
    std::string ports;
    for (int i = 0; i < 257; ++i)
        ports += "port iscsi:iqn.2026-01.example:h" + std::to_string(i) + "\n";
    CHECK_THAT(error_of(RemoteSystem::commands, ports), Contains("256 ports"));
    CHECK_THAT(error_of(RemoteSystem::linux_sysfs,
                        "lra-host 1 linux\n" + lines_of_count(65, "trouble t") + "end\n"),
               Contains("64 troubles"));
    std::string nodes;
    for (int i = 0; i < 65; ++i)
        nodes += "drive S /dev/nst" + std::to_string(i) + "\n";
    CHECK_THAT(error_of(RemoteSystem::commands, nodes), Contains("64 nodes"));
}

TEST_CASE("the Linux script, run by a real shell over a sysfs tree, says what is there") {
    namespace fs = std::filesystem;
    const fs::path root = fs::temp_directory_path() / ("agentless-sys-" + std::to_string(getpid()));
    const auto put = [&](const std::string& file, const std::string& content) {
        const fs::path path = root / file;
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << content;
    };
    put("class/fc_host/host3/port_name", "0x2100000e1e09a1b0\n");
    put("class/sas_host/host4/x", "");
    put("class/scsi_host/host4/host_sas_address", "0x500605b00a1b2c3d\n");
    put("class/sas_phy/phy-4:0/sas_address", "0x500605b00a1b2c3e\n");
    put("class/sas_phy/phy-4:0:1/sas_address", "0x500605b0ffffffff\n");
    put("class/iscsi_session/session1/initiatorname", "iqn.2026-01.example:backup3\n");
    put("class/scsi_tape/nst0/device/vendor", "IBM     \n");
    put("class/scsi_tape/nst0/device/model", "ULT3580-TD8     \n");
    put("class/scsi_tape/nst0/device/vpd_pg80", std::string("\x01\x80\x00\x0a"
                                                            "1068000073",
                                                            14));
    put("class/scsi_tape/nst0/device/scsi_generic/sg3/dev", "21:3\n");
    put("class/scsi_tape/nst0l/device/vendor", "IBM\n");
    put("class/scsi_tape/nst7/device/vendor", "HP\n");
    std::string script(discovery_script(RemoteSystem::linux_sysfs));
    script.replace(script.find("c=/sys/class"), 12, "c=" + (root / "class").string());
    script.replace(script.find("f=/etc/iscsi"), 12, "f=" + (root / "iscsi").string());
    for (const std::string shell : {"/bin/sh", "/bin/bash"}) {
        host::Command command;
        command.argv = {shell, "-c", script};
        command.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
        asio::io_context loop;
        host::CommandRunner runner(loop);
        host::CommandOutcome ended;
        runner.run(command, [&](host::CommandOutcome outcome) {
            ended = std::move(outcome);
            loop.stop();
        });
        loop.run();
        INFO(ended.output << ended.error_output);
        CHECK(ended.error_output.empty());
        const auto found = read_host_report(RemoteSystem::linux_sysfs, ended.output);
        REQUIRE(found.ok());
        std::vector<std::string> ports;
        for (const auto& one : found->ports)
            ports.push_back(core::to_text(one.port));
        CHECK(ports == std::vector<std::string>{"fc:2100000e1e09a1b0",
                                                "iscsi:iqn.2026-01.example:backup3",
                                                "sas:500605b00a1b2c3d", "sas:500605b00a1b2c3e"});
        REQUIRE(found->drives.size() == 1);
        CHECK(found->drives[0].serial.text == "1068000073");
        CHECK(found->drives[0].product == "ULT3580-TD8");
        CHECK(found->drives[0].generic_nodes == std::vector<std::string>{"/dev/sg3"});
        CHECK(found->troubles.size() == 1);
    }
    fs::remove_all(root);
}
