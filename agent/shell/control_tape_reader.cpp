#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/runtime/control_client.hpp"
#include "agent/shell/tape_reader.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using core::Error;
using core::Result;
using nlohmann::json;
using runtime::ControlClient;
using runtime::ControlError;

namespace {

// A host port of nobody's: locally assigned (NAA 3h).
const json reading_port = {{"transport", "fc"}, {"name", "3000000000000001"}};

constexpr int ready_attempts_max = 500;
constexpr auto between_looks = std::chrono::milliseconds(10);

const char* const test_unit_ready = "000000000000";
const char* const read_64_kib = "080201000000";  // READ(6), SILI, one block of any length

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
    return bytes;
}

class ControlTapeReader final : public TapeReader {
  public:
    ControlTapeReader(ControlClient client, core::Duration timeout)
        : client_(std::move(client)), timeout_(timeout) {}
    ~ControlTapeReader() override {
        if (drive_.empty()) return;
        static_cast<void>(call("port.logout", {{"port", reading_port}, {"drive", drive_}}));
        static_cast<void>(call("cartridge.move", {{"barcode", barcode_}, {"to", place_}}));
    }
    ControlTapeReader(const ControlTapeReader&) = delete;
    ControlTapeReader& operator=(const ControlTapeReader&) = delete;

    core::Outcome open(const std::string& name) {
        const auto places = call("library.inventory", json::object());
        if (!places) return places.error();
        std::string drive;
        for (const json* place : elements(*places)) {
            const auto barcode = text_at(*place, {"barcode"});
            const bool is_drive = text_at(*place, {"type"}) == "data_transfer";
            if (barcode.empty() && is_drive && drive.empty())
                drive = text_at(*place, {"place"}).substr(std::string("drive ").size());
            if (at(*place, {"virtual_volume"}) == json(true) && !is_drive &&
                barcode.compare(0, name.size(), name) == 0) {
                barcode_ = barcode;
                place_ = text_at(*place, {"place"});
            }
        }
        if (barcode_.empty()) return Error{"the library has no administrative volume " + name};
        if (drive.empty()) return Error{"no drive is free to mount " + barcode_};
        const auto moved =
            call("cartridge.move", {{"barcode", barcode_}, {"to", "drive " + drive}});
        if (!moved) return moved.error();
        drive_ = drive;
        return become_ready();
    }

    Result<std::optional<std::string>> next() override {
        const auto reply = command(read_64_kib);
        if (!reply) return reply.error();
        if (text_at(*reply, {"status_text"}) == "GOOD")
            return std::optional(bytes_of(text_at(*reply, {"data_in"})));
        // Byte 2 of fixed format sense (SPC-4 4.5.3): FILEMARK, and in its lower half BLANK CHECK.
        const auto sense = bytes_of(text_at(*reply, {"sense"}));
        const unsigned flags = sense.size() > 2 ? static_cast<unsigned char>(sense[2]) : 0;
        if ((flags & 0x80) != 0 || (flags & 0x0f) == 0x08) return std::optional<std::string>();
        return Error{"drive " + drive_ + ": " + text_at(*reply, {"sense_text"})};
    }

  private:
    Result<json> call(const std::string& method, const json& params) {
        auto answer = client_.call(method, params, timeout_);
        if (const auto* error = std::get_if<ControlError>(&answer)) return Error{error->message};
        return std::get<json>(std::move(answer));
    }
    Result<json> command(const std::string& cdb) {
        return call("port.command", {{"port", reading_port}, {"drive", drive_}, {"cdb", cdb}});
    }

    // Past unit attentions, and while the volume is being threaded.
    core::Outcome become_ready() {
        std::string why;
        for (int attempt = 0; attempt < ready_attempts_max; ++attempt) {
            const auto reply = command(test_unit_ready);
            if (!reply) return reply.error();
            if (text_at(*reply, {"status_text"}) == "GOOD") return core::Nothing{};
            why = text_at(*reply, {"sense_text"});
            std::this_thread::sleep_for(between_looks);
        }
        return Error{"drive " + drive_ + " does not become ready: " + why};
    }

    ControlClient client_;
    core::Duration timeout_;
    std::string barcode_;
    std::string place_;  // where it belongs
    std::string drive_;  // it is in; empty: in none
};

}  // namespace

Result<std::unique_ptr<TapeReader>> read_over_control(const std::string& name,
                                                      const std::string& socket,
                                                      core::Duration timeout) {
    auto client = ControlClient::connect(socket, timeout);
    if (!client) return client.error();
    auto reader = std::make_unique<ControlTapeReader>(std::move(client).value(), timeout);
    if (auto opened = reader->open(name); !opened) return opened.error();
    return std::unique_ptr<TapeReader>(std::move(reader));
}

}  // namespace agent::shell
