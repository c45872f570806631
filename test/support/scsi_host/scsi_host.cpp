// A host with a tape drive, for tests and the demo: logs in to a drive and sends the commands it
// reads from stdin.
//
//   scsi-host iscsi URL INITIATOR-NAME ISID(decimal)      or      scsi-host sg /dev/sgN
//
// One command a line: CDB in hex, then optionally "in BYTES" or "out HEX". Answers one line of JSON
// each:
// {"status":24,"data_in":"hex","sense":"hex"} or {"error":"words"}. End of input logs out; a kill
// does not.

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/sg_transport.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

std::optional<Bytes> from_hex(std::string_view text) {
    Bytes bytes;
    if (text.size() % 2 != 0) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        std::uint8_t byte = 0;
        const auto end = text.data() + i + 2;
        if (std::from_chars(text.data() + i, end, byte, 16).ptr != end) return std::nullopt;
        bytes.push_back(byte);
    }
    return bytes;
}

std::string to_hex(const Bytes& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string quoted(const std::string& text) {
    std::string safe = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') safe += '\\';
        safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return safe + "\"";
}

std::string answer_to(drive_iface::Transport& drive, const std::string& line) {
    std::istringstream words(line);
    std::string cdb_text;
    std::string direction;
    std::string amount;
    words >> cdb_text >> direction >> amount;
    const auto cdb = from_hex(cdb_text);
    if (!cdb || cdb->size() < 6 || cdb->size() > 16)
        return R"({"error":"the line does not begin with a CDB in hex"})";

    drive_iface::ScsiCommand command;
    command.cdb = *cdb;
    Bytes data_out;
    if (direction == "in") {
        std::from_chars(amount.data(), amount.data() + amount.size(), command.data_in_max);
    } else if (direction == "out") {
        const auto bytes = from_hex(amount);
        if (!bytes) return R"({"error":"data-out is not hex"})";
        data_out = *bytes;
        command.data_out = data_out;
    } else if (!direction.empty()) {
        return R"({"error":"after the CDB comes: in BYTES, out HEX, or nothing"})";
    }
    const auto reply = drive.execute(command, {10'000});
    if (!reply) return R"({"error":)" + quoted(reply.error().message) + "}";
    return R"({"status":)" + std::to_string(reply->status) + R"(,"data_in":")" +
           to_hex(reply->data_in) + R"(","sense":")" + to_hex(reply->sense) + "\"}";
}

agent::core::Result<std::unique_ptr<drive_iface::Transport>> connect(
    const std::vector<std::string>& arguments) {
    if (arguments.size() == 2 && arguments[0] == "sg")
        return drive_iface::make_sg_transport(arguments[1]);
    if (arguments.size() != 4 || arguments[0] != "iscsi") {
        return agent::core::Error{
            "usage: scsi-host iscsi URL INITIATOR-NAME ISID | scsi-host sg DEVICE"};
    }
    drive_iface::IscsiTransportOptions options;
    options.url = arguments[1];
    options.initiator_name = arguments[2];
    options.isid = static_cast<std::uint32_t>(std::stoul(arguments[3]));
    return drive_iface::make_iscsi_transport(std::move(options));
}

}  // namespace

int main(int argc, char** argv) {
    auto drive = connect({argv + 1, argv + argc});
    if (!drive) {
        std::fprintf(stderr, "scsi-host: %s\n", drive.error().message.c_str());
        return 2;
    }
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << answer_to(**drive, line) << std::endl;
    }
    return 0;
}
