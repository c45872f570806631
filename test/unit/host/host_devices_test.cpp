#include "agent/host/host_devices.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::DriveSerial;
using agent::core::Error;
using agent::core::Result;

namespace {

namespace fs = std::filesystem;

// A tree as Linux 6.1 shows it, links and all.
class SysTree {
  public:
    SysTree() : root_(fs::temp_directory_path() / ("lra-host-" + std::to_string(::getpid()))) {
        fs::remove_all(root_);
        fs::create_directories(root_ / "class");
    }
    ~SysTree() { fs::remove_all(root_); }
    SysTree(const SysTree&) = delete;
    SysTree& operator=(const SysTree&) = delete;

    void file(const std::string& path, const std::string& content) const {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path, std::ios::binary) << content;
    }
    // devices/A is the SCSI device; class/scsi_tape/nstN/device leads to it.
    void tape(int number, const std::string& address, const std::string& serial_page,
              int generic) const {
        const std::string device = "devices/" + address;
        file(device + "/vendor", "HPE     \n");
        file(device + "/model", "Ultrium 9-SCSI  \n");
        if (!serial_page.empty()) file(device + "/vpd_pg80", serial_page);
        if (generic >= 0) {
            fs::create_directories(root_ / device / "scsi_generic" /
                                   ("sg" + std::to_string(generic)));
        }
        for (const char* mode : {"", "l", "m", "a"}) {
            for (const char* kind : {"st", "nst"}) {
                const auto folder =
                    root_ / "class/scsi_tape" / (kind + std::to_string(number) + mode);
                fs::create_directories(folder);
                fs::create_directory_symlink(root_ / device, folder / "device");
            }
        }
    }
    [[nodiscard]] HostDevices look(const AskSerial& ask = nullptr) const {
        return look_at_host({root_.string(), (root_ / "initiatorname.iscsi").string()}, ask);
    }

  private:
    fs::path root_;
};

std::string serial_page(const std::string& serial) {
    return std::string("\x01\x80\x00", 3) + static_cast<char>(serial.size()) + serial;
}

std::vector<std::string> texts(const std::vector<FoundPort>& ports) {
    std::vector<std::string> all;
    for (const auto& one : ports)
        all.push_back(to_text(one.port) + " " + one.where);
    return all;
}

}  // namespace

TEST_CASE("a host's ports are its fibre channel, SAS and iSCSI names, each once") {
    const SysTree sys;
    sys.file("class/fc_host/host3/port_name", "0x2100000e1e09a1b0\n");
    sys.file("class/fc_host/host4/port_name", "0x2100000e1e09a1b1\n");
    sys.file("class/sas_host/host5/device", "");
    sys.file("class/scsi_host/host5/host_sas_address", "0x500605b00aabbcc0\n");
    sys.file("class/sas_phy/phy-5:0/sas_address", "0x500605b00aabbcc0\n");
    sys.file("class/sas_phy/phy-5:1/sas_address", "0x500605b00aabbcc1\n");
    sys.file("class/sas_phy/phy-5:0:1/sas_address", "0x5001438012345678\n");  // of an expander
    sys.file("class/iscsi_session/session1/initiatorname", "iqn.2026-01.example:Host1\n");
    sys.file("initiatorname.iscsi",
             "## a comment\nInitiatorName=iqn.2026-01.example:host1\n#InitiatorName=iqn.no:no\n");
    const auto found = sys.look();
    CHECK(texts(found.ports) ==
          std::vector<std::string>{
              "fc:2100000e1e09a1b0 fc_host/host3", "fc:2100000e1e09a1b1 fc_host/host4",
              "iscsi:iqn.2026-01.example:host1 iscsi_session/session1",
              "sas:500605b00aabbcc0 scsi_host/host5", "sas:500605b00aabbcc1 sas_phy/phy-5:1"});
    CHECK(found.troubles.empty());
}

TEST_CASE("a drive that is seen on two ways is one drive with two nodes") {
    const SysTree sys;
    sys.tape(0, "0:0:0:0", serial_page("8031BDC7DB"), 2);
    sys.tape(1, "0:0:1:0", serial_page("8031BDC7D1"), 3);
    sys.tape(2, "1:0:0:0", serial_page("  8031BDC7DB "), 7);
    const auto found = sys.look();
    REQUIRE(found.drives.size() == 2);
    CHECK(found.drives[0] ==
          FoundTapeDrive{{"8031BDC7D1"}, "HPE", "Ultrium 9-SCSI", {"/dev/nst1"}, {"/dev/sg3"}});
    CHECK(found.drives[1] == FoundTapeDrive{{"8031BDC7DB"},
                                            "HPE",
                                            "Ultrium 9-SCSI",
                                            {"/dev/nst0", "/dev/nst2"},
                                            {"/dev/sg2", "/dev/sg7"}});
}

TEST_CASE("a drive whose serial number the kernel does not show is asked for it by INQUIRY") {
    const SysTree sys;
    sys.tape(0, "0:0:0:0", "", 2);
    sys.tape(1, "0:0:1:0", std::string("\x01\x83\x00\x02xx", 6), 3);  // another page
    std::vector<std::string> asked;
    const auto found = sys.look([&](const std::string& node) -> Result<DriveSerial> {
        asked.push_back(node);
        if (node == "/dev/sg2") return DriveSerial{"8031BDC7DB"};
        return Error{"open /dev/sg3: Permission denied"};
    });
    CHECK(asked == std::vector<std::string>{"/dev/sg2", "/dev/sg3"});
    REQUIRE(found.drives.size() == 1);
    CHECK(found.drives[0].serial.text == "8031BDC7DB");
    CHECK(found.troubles ==
          std::vector<std::string>{"/dev/nst1: open /dev/sg3: Permission denied"});
}

TEST_CASE("what can not be used is said, and the rest is found all the same") {
    const SysTree sys;
    sys.file("class/fc_host/host3/port_name", "0xffffffffffffffffff\n");
    sys.file("class/fc_host/host4/port_name", "");
    sys.file("class/fc_host/host5/port_name", "0x2100000e1e09a1b1\n");
    sys.tape(0, "0:0:0:0", std::string("\x01\x80", 2), -1);  // cut short, and no sg node
    sys.tape(1, "0:0:1:0", std::string("\x01\x80\xff\xff", 4) + "LONG", 3);  // longer than it is
    sys.tape(2, "0:0:2:0", serial_page("    "), 4);
    sys.tape(3, "0:0:3:0", serial_page("8031BDC7DB"), 5);
    const auto found = sys.look();
    REQUIRE(found.ports.size() == 1);
    CHECK(found.ports[0].where == "fc_host/host5");
    REQUIRE(found.drives.size() == 1);
    CHECK(found.drives[0].serial.text == "8031BDC7DB");
    REQUIRE(found.troubles.size() == 4);
    CHECK(found.troubles[0] == "fc_host/host3: \"ffffffffffffffffff\" is no name of a fc port");
    CHECK_THAT(found.troubles[1], ContainsSubstring("/dev/nst0: "));
    CHECK_THAT(found.troubles[2], ContainsSubstring("/dev/nst1: "));
    CHECK(found.troubles[3] == "/dev/nst2: it has no serial number");
}

TEST_CASE("a host without SCSI has neither ports nor drives") {
    const SysTree sys;
    CHECK(sys.look() == HostDevices{});
}
