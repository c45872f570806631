// docs/DRIVE_COMMANDS.md promises what is sent to a drive; this holds it to that.

#include <sstream>

#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/drive_capabilities.hpp"
#include "drive_iface/device/reservation_reader.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

std::string in_hex(std::span<const std::uint8_t> bytes) {
    std::string text = "`";
    for (std::size_t i = 0; i < bytes.size(); ++i)
        text += (i == 0 ? "" : " ") + scsi::to_hex(bytes.subspan(i, 1));
    return text + "`";
}

class CommandRecorder : public drive_iface::Transport {
  public:
    explicit CommandRecorder(RecordedTransport& answers) : answers_(answers) {}
    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        commands.push_back(in_hex(command.cdb));
        CHECK(command.data_out.empty());
        return answers_.execute(command, timeout);
    }
    std::vector<std::string> commands;

  private:
    RecordedTransport& answers_;
};

}  // namespace

TEST_CASE("every command that looking sends stands in the page about them, byte by byte") {
    std::ifstream in(std::string(LRA_FIXTURES) + "/../../docs/DRIVE_COMMANDS.md");
    REQUIRE(in.good());
    std::stringstream page;
    page << in.rdbuf();
    for (const char* target : {"lio", "tgt", "istgt"}) {
        const std::string name = target;
        RecordedTransport answers;
        answers.on("INQUIRY", good(capture(name + "-inquiry-std")))
            .on("VPD 80", good(capture(name + "-vpd80")))
            .on("VPD 83", good(capture(name + "-vpd83")))
            .on("READ RESERVATION", good(capture(name + "-readres-empty")))
            .on("READ RESERVATION", good(capture(name + "-readres-ea")))
            .on("REPORT CAPABILITIES", good(capture(name + "-reportcap")))
            .on("LOG 00", good(scsi::encode_supported_log_pages({0x00, 0x11})))
            .on("TUR", good());
        if (name != "tgt")
            answers.on("READ FULL STATUS", good(capture(name + "-fullstatus-empty")));
        CommandRecorder drive(answers);
        REQUIRE(identify(drive, {1'000}).ok());
        ReservationReader reader;
        static_cast<void>(reader.read(drive, {0}, {1'000}));
        static_cast<void>(reader.read(drive, {1}, {1'000}));
        DriveCapabilities known;
        REQUIRE(probe_capabilities(drive, known, {1'000}).ok());
        CHECK(drive.commands.size() > 8);
        for (const auto& command : drive.commands)
            CHECK_THAT(page.str(), ContainsSubstring(command));
    }
}
