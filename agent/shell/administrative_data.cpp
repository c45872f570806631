#include "agent/shell/administrative_data.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/shell/view_values.hpp"
#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/admin_volumes/sha256.hpp"

namespace agent::shell {

using core::Error;
using core::Result;
using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

namespace {

constexpr std::size_t tape_file_max = 256 << 20;

Result<std::string> read_tape_file(TapeReader& tape) {
    std::string all;
    for (;;) {
        auto block = tape.next();
        if (!block) return block.error();
        if (!block->has_value()) return all;
        all += **block;
        if (all.size() > tape_file_max) return Error{"a tape file that does not end"};
    }
}

// Where vtld listens for rmt: what the operator says, what tar is told, what vtld says itself.
Result<std::string> rmt_address(const json& params, const std::string& socket,
                                core::Duration timeout) {
    if (const auto given = text_at(params, {"rmt"}); !given.empty()) return given;
    const char* told = std::getenv("VTL_RMT");
    if (told != nullptr && *told != '\0') return std::string(told);
    const auto library = ask(socket, "library.show", json::object(), timeout);
    if (const auto* error = std::get_if<ControlError>(&library)) return Error{error->message};
    const auto listening = text_at(std::get<json>(library), {"rmt"});
    if (!listening.empty()) return listening;
    return Error{"this vtld does not listen for rmt (rmt.listen in vtld.json); use --via control"};
}

Result<json> fetch(const json& params, const std::string& socket, core::Duration timeout) {
    const auto name = text_at(params, {"name"});
    const auto type = drive_iface::admin_volumes::data_set_type_of(name);
    if (!type) {
        return Error{name +
                     " is no administrative volume; there are ADMCFG, ADMDRV, ADMVOL, "
                     "ADMSES, ADMSNP, ADMRSV, ADMLOG"};
    }
    if (*type == drive_iface::admin_volumes::DataSetType::all)
        return Error{name + " is an archive of the others; tar reads it from a drive"};
    const auto via = params.contains("via") ? text_at(params, {"via"}) : std::string("rmt");
    if (via != "rmt" && via != "control") return Error{"--via " + via + ": it is rmt or control"};
    Result<std::unique_ptr<TapeReader>> tape = Error{""};
    if (via == "rmt") {
        const auto address = rmt_address(params, socket, timeout);
        if (!address) return address.error();
        tape = read_over_rmt(name, *address, timeout);
    } else {
        tape = read_over_control(name, socket, timeout);
    }
    if (!tape) return tape.error();
    return read_data_set(**tape);
}

}  // namespace

Result<json> read_data_set(TapeReader& tape) {
    const auto header_text = read_tape_file(tape);
    if (!header_text) return header_text.error();
    const json header = json::parse(*header_text, nullptr, false);
    if (!header.is_object() || !at(header, {"sha256"}).is_string())
        return Error{"what was mounted does not begin with a header"};
    const auto lines = read_tape_file(tape);
    if (!lines) return lines.error();
    const auto sum = drive_iface::admin_volumes::sha256_text(*lines);
    if (sum != text_at(header, {"sha256"})) {
        return Error{"the records are damaged: their SHA-256 is " + sum + ", the header says " +
                     text_at(header, {"sha256"})};
    }
    json records = json::array();
    std::istringstream each(*lines);
    for (std::string line; std::getline(each, line);) {
        records.push_back(json::parse(line, nullptr, false));
        if (records.back().is_discarded()) return Error{"a record is no JSON: " + line};
    }
    if (at(header, {"records"}) != json(records.size())) {
        return Error{"the header promises " + text_at(header, {"records"}) + " records, and " +
                     std::to_string(records.size()) + " are there"};
    }
    return json{{"header", header}, {"records", std::move(records)}};
}

ControlAnswer fetch_administrative_data(const Request& request, const std::string& socket) {
    auto data = fetch(params_of(request), socket, request.options.timeout);
    if (!data) return ControlError{ControlErrorCode::failed, data.error().message};
    return std::move(data).value();
}

}  // namespace agent::shell
