#pragma once

// A transport that answers from recordings: what a real target returned for a command, or what a
// test makes it return.

#include <deque>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/bytes.hpp"
#include "drive_iface/scsi/opcodes.hpp"
#include "test/support/catch.hpp"

namespace drive_iface {

// Bytes of test/fixtures/pr-captures/NAME.hex; lines that begin with # are comments.
inline scsi::Bytes capture(const std::string& name) {
    std::ifstream in(std::string(LRA_FIXTURES) + "/pr-captures/" + name + ".hex");
    REQUIRE(in.good());
    scsi::Bytes bytes;
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.front() == '#') continue;
        std::istringstream words(line);
        for (std::string word; words >> word;)
            bytes.push_back(static_cast<std::uint8_t>(std::stoi(word, nullptr, 16)));
    }
    return bytes;
}

inline ScsiReply good(scsi::Bytes data = {}) {
    return {scsi::status::good, std::move(data), {}};
}
inline ScsiReply conflict() {
    return {scsi::status::reservation_conflict, {}, {}};
}
inline ScsiReply check(scsi::Bytes sense) {
    return {scsi::status::check_condition, {}, std::move(sense)};
}
inline ScsiReply check(std::uint8_t key, std::uint8_t asc, std::uint8_t ascq) {
    return check({0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0});
}

// Commands by the name they go by in these tests.
inline std::string command_name(std::span<const std::uint8_t> cdb) {
    switch (cdb[0]) {
        case scsi::opcode::test_unit_ready:
            return "TUR";
        case scsi::opcode::inquiry:
            return (cdb[1] & 1) != 0 ? "VPD " + scsi::to_hex(cdb.subspan(2, 1)) : "INQUIRY";
        case scsi::opcode::persistent_reserve_in: {
            constexpr const char* names[] = {"READ KEYS", "READ RESERVATION", "REPORT CAPABILITIES",
                                             "READ FULL STATUS"};
            return names[cdb[1] & 3];
        }
        case scsi::opcode::log_sense:
            return "LOG " + scsi::to_hex(std::vector<std::uint8_t>{
                                static_cast<std::uint8_t>(cdb[2] & 0x3f)});
        default:
            return "other";
    }
}

class RecordedTransport : public Transport {
  public:
    // Answers are used up in order; the last one stays. Data is cut to what the command takes.
    RecordedTransport& on(const std::string& command, agent::core::Result<ScsiReply> reply) {
        answers_[command].push_back(std::move(reply));
        return *this;
    }
    RecordedTransport& instead(const std::string& command, agent::core::Result<ScsiReply> reply) {
        answers_[command].clear();
        return on(command, std::move(reply));
    }

    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration) override {
        const auto name = command_name(command.cdb);
        sent.push_back(name);
        auto& answers = answers_[name];
        if (answers.empty()) return check(5, 0x20, 0);
        auto reply = answers.front();
        if (answers.size() > 1) answers.pop_front();
        if (reply && reply->data_in.size() > command.data_in_max)
            reply.value().data_in.resize(command.data_in_max);
        return reply;
    }

    std::vector<std::string> take_sent() { return std::exchange(sent, {}); }
    std::vector<std::string> sent;

  private:
    std::map<std::string, std::deque<agent::core::Result<ScsiReply>>> answers_;
};

}  // namespace drive_iface
