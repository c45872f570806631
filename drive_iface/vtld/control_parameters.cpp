#include "drive_iface/vtld/control_parameters.hpp"

namespace drive_iface::vtld {

using agent::core::Error;
using nlohmann::json;

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Result<agent::core::InitiatorPort> port_from_text(const std::string& text,
                                                  const NamedPorts& named) {
    if (const auto found = named.find(text); found != named.end()) return found->second;
    const auto port = agent::core::initiator_port_from_text(text);
    if (!port) {
        return Error{
            "port: \"" + text +
            "\" is neither a name in virtual_ports nor a port like \"fc:2100000e1e09a1b0\""};
    }
    if (port->transport != agent::core::Transport::fc) {
        return Error{
            "port: virtual ports are fibre channel; give one like \"fc:2100000e1e09a1b0\""};
    }
    return *port;
}

}  // namespace

agent::runtime::ControlError invalid(const agent::core::Error& error) {
    return {agent::runtime::ControlErrorCode::invalid_params, error.message};
}

agent::runtime::ControlError failed(const agent::core::Error& error) {
    return {agent::runtime::ControlErrorCode::failed, error.message};
}

agent::core::Outcome check_known(const json& params, const std::set<std::string>& known) {
    for (const auto& [name, value] : params.items()) {
        if (known.count(name) != 0) continue;
        std::string names;
        for (const auto& one : known)
            names += (names.empty() ? "" : ", ") + one;
        return Error{name + ": is not a parameter of this method" +
                     (known.empty() ? "; it has none" : "; there are " + names)};
    }
    return agent::core::Nothing{};
}

Result<std::optional<std::string>> optional_text(const json& params, const std::string& name) {
    const auto found = params.find(name);
    if (found == params.end() || found->is_null()) return std::optional<std::string>{};
    if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
        return Error{name + ": must be a text that is not empty"};
    }
    return std::optional(found->get<std::string>());
}

Result<std::optional<std::int64_t>> optional_number(const json& params, const std::string& name,
                                                    std::int64_t minimum, std::int64_t maximum) {
    const auto found = params.find(name);
    if (found == params.end() || found->is_null()) return std::optional<std::int64_t>{};
    const Error wrong{name + ": must be a whole number from " + std::to_string(minimum) + " to " +
                      std::to_string(maximum)};
    if (!found->is_number_integer()) return wrong;
    if (found->is_number_unsigned() &&
        found->get<std::uint64_t>() > static_cast<std::uint64_t>(maximum))
        return wrong;
    const auto number = found->get<std::int64_t>();
    if (number < minimum || number > maximum) return wrong;
    return std::optional(number);
}

Result<bool> optional_flag(const json& params, const std::string& name) {
    const auto found = params.find(name);
    if (found == params.end() || found->is_null()) return false;
    if (!found->is_boolean()) return Error{name + ": must be true or false"};
    return found->get<bool>();
}

Result<std::string> drive_parameter(const json& params, const std::set<std::string>& serials) {
    auto drive = optional_text(params, "drive");
    if (!drive) return drive.error();
    auto serial = optional_text(params, "serial");
    if (!serial) return serial.error();
    if (drive->has_value() == serial->has_value()) {
        return Error{"serial: give the serial number of one drive"};
    }
    const auto& text = drive->has_value() ? **drive : **serial;
    if (serials.count(text) == 0)
        return Error{"serial: there is no drive \"" + text + "\" in this library"};
    return text;
}

Result<agent::core::InitiatorPort> port_parameter(const json& params, const NamedPorts& named) {
    const auto found = params.find("port");
    if (found == params.end()) {
        return Error{
            "port: is missing; give a name from virtual_ports or a port like "
            "\"fc:2100000e1e09a1b0\""};
    }
    if (found->is_string()) return port_from_text(found->get<std::string>(), named);
    const Error wrong{
        R"(port: must be a text, or an object like {"transport":"fc","name":"2100000e1e09a1b0"})"};
    if (!found->is_object()) return wrong;
    if (auto known = check_known(*found, {"transport", "name"}); !known)
        return known.error().within("port");
    const auto transport = optional_text(*found, "transport");
    const auto name = optional_text(*found, "name");
    if (!transport || !name || !transport->has_value() || !name->has_value()) return wrong;
    return port_from_text(**transport + ":" + **name, {});
}

Result<iscsi::Bytes> bytes_from_hex_text(const std::string& text, std::size_t minimum,
                                         std::size_t maximum) {
    iscsi::Bytes bytes;
    int high = -1;
    for (const char c : text) {
        if (c == ' ' && high < 0) continue;
        const int digit = hex_digit(c);
        if (digit < 0)
            return Error{std::string("holds '") + c + "', which is no hexadecimal digit"};
        if (high < 0) {
            high = digit;
            continue;
        }
        bytes.push_back(static_cast<std::uint8_t>(high * 16 + digit));
        high = -1;
    }
    if (high >= 0) return Error{"has an odd number of hexadecimal digits"};
    if (bytes.size() < minimum || bytes.size() > maximum) {
        return Error{"has " + std::to_string(bytes.size()) + " bytes; " + std::to_string(minimum) +
                     " to " + std::to_string(maximum) + " would be right"};
    }
    return bytes;
}

Result<scsi::SenseData> sense_from_text(const std::string& text) {
    const Error wrong{"sense: must be KEY/ASC/ASCQ in hexadecimal, for example \"03/11/00\""};
    const auto first = text.find('/');
    const auto second = first == std::string::npos ? first : text.find('/', first + 1);
    if (second == std::string::npos) return wrong;
    std::string two_digits(1, '0');
    two_digits += text.substr(text[0] == '0' && first == 2 ? 1 : 0, 1);
    const auto key = bytes_from_hex_text(two_digits, 1, 1);
    if (first == 0 || first > 2 || !key) return wrong;
    const auto asc = bytes_from_hex_text(text.substr(first + 1, second - first - 1), 1, 1);
    const auto ascq = bytes_from_hex_text(text.substr(second + 1), 1, 1);
    if (!asc || !ascq || (first == 2 && text[0] != '0')) return wrong;
    scsi::SenseData sense;
    sense.key = static_cast<scsi::SenseKey>((*key)[0]);
    sense.additional = {(*asc)[0], (*ascq)[0]};
    return sense;
}

}  // namespace drive_iface::vtld
