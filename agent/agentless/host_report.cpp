#include "agent/agentless/host_report.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "drive_iface/scsi/inquiry.hpp"

namespace agent::agentless {

namespace {

using runtime::RemoteSystem;

constexpr std::size_t line_bytes_max = 4'096;
constexpr std::size_t ports_max = 256;
constexpr std::size_t drives_max = 1'024;
constexpr std::size_t nodes_max = 64;  // of one drive
constexpr std::size_t troubles_max = 64;
constexpr std::string_view blanks = " \t\r";

std::string_view without_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The first word, cut off `rest`.
std::string_view take_word(std::string_view& rest) {
    rest = without_blanks(rest);
    const std::size_t end = std::min(rest.find_first_of(blanks), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest = without_blanks(rest.substr(end));
    return word;
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

std::string as_printable(std::string_view text) {
    std::string shown(text.substr(0, 120));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return shown;
}

bool is_device(std::string_view text) {
    return text.size() > 1 && text.size() <= 255 && text.front() == '/' && is_printable(text) &&
           text.find(' ') == std::string_view::npos;
}

bool is_serial(std::string_view text) {
    return !text.empty() && text.size() <= 64 && is_printable(text) && text.front() != ' ' &&
           text.back() != ' ';
}

std::optional<drive_iface::scsi::Bytes> bytes_from(std::string_view words) {
    drive_iface::scsi::Bytes bytes;
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return -1;
    };
    while (!words.empty()) {
        const auto word = take_word(words);
        if (word.empty()) break;
        if (word.size() != 2 || digit(word[0]) < 0 || digit(word[1]) < 0) return std::nullopt;
        bytes.push_back(static_cast<std::uint8_t>(digit(word[0]) * 16 + digit(word[1])));
    }
    return bytes;
}

// "Serial Number...............1068000073" of lscfg -v: the value behind two dots or more.
std::optional<std::string_view> lscfg_value(std::string_view line, std::string_view key) {
    line = without_blanks(line);
    if (line.substr(0, key.size()) != key) return std::nullopt;
    line.remove_prefix(key.size());
    const auto value = line.find_first_not_of('.');
    if (value == std::string_view::npos || value < 2) return std::nullopt;
    return without_blanks(line.substr(value));
}

class HostReportReader {
  public:
    explicit HostReportReader(RemoteSystem system) : system_(system) {}

    core::Outcome read(std::string_view text) {
        if (text.size() > report_bytes_max) return core::Error{"it is longer than 256 KiB"};
        std::size_t number = 0;
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            const std::string_view line = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
            ++number;
            if (auto taken = take(line); !taken) {
                return core::Error{"line " + std::to_string(number) + " (\"" + as_printable(line) +
                                   "\"): " + taken.error().message};
            }
        }
        if (system_ == RemoteSystem::commands) return core::Nothing{};
        if (!begun_) return core::Error{"its first line, lra-host, is missing"};
        if (!ended_) return core::Error{"it breaks off before its last line, end"};
        return core::Nothing{};
    }

    core::Result<host::HostDevices> finish() {
        if (auto tape = finish_tape(); !tape) return tape.error();
        for (auto& [serial, drive] : drives_)
            found_.drives.push_back(std::move(drive));
        std::sort(found_.ports.begin(), found_.ports.end(),
                  [](const host::FoundPort& a, const host::FoundPort& b) {
                      return core::to_text(a.port) < core::to_text(b.port);
                  });
        return std::move(found_);
    }

  private:
    struct Tape {
        std::string node;
        std::vector<std::string> generic;
        std::string vendor;
        std::string product;
        std::string serial;
    };

    core::Outcome take(std::string_view line) {
        const bool ours = system_ != RemoteSystem::commands;
        if (ours && !begun_) {
            const std::string_view system = system_ == RemoteSystem::aix ? "aix" : "linux";
            begun_ = without_blanks(line) == "lra-host 1 " + std::string(system);
            return core::Nothing{};
        }
        if (line.size() > line_bytes_max) return core::Error{"it is longer than 4096 bytes"};
        std::string_view rest = without_blanks(line);
        if (rest.empty()) return core::Nothing{};
        if (ended_) return core::Error{"it stands behind the last one, end"};
        const std::string_view word = take_word(rest);
        if (word == "port") return take_port(rest);
        if (!ours) {
            if (word.front() == '#') return core::Nothing{};
            if (word == "drive") return take_drive(rest);
            return core::Error{"expected: port PORT, or drive SERIAL DEVICE"};
        }
        if (word == "end") {
            ended_ = true;
            return core::Nothing{};
        }
        if (word == "trouble") return add_trouble(as_printable(rest));
        if (word == "tape") return begin_tape(rest);
        return system_ == RemoteSystem::aix ? take_aix(word, rest) : take_linux(word, rest);
    }

    core::Outcome take_port(std::string_view rest) {
        const std::string name(take_word(rest));
        const auto port = core::initiator_port_from_text(name);
        if (!port || port->transport == core::Transport::unknown)
            return core::Error{"it names no port"};
        return add_port(*port, as_printable(rest));
    }

    core::Outcome add_port(const core::InitiatorPort& port, std::string where) {
        const bool known = std::any_of(
            found_.ports.begin(), found_.ports.end(),
            [&](const host::FoundPort& one) { return core::same_host_port(one.port, port); });
        if (known) return core::Nothing{};
        if (found_.ports.size() >= ports_max) return core::Error{"there are more than 256 ports"};
        found_.ports.push_back({port, std::move(where)});
        return core::Nothing{};
    }

    core::Outcome take_drive(std::string_view rest) {
        const std::string_view serial = take_word(rest);
        const std::string_view device = take_word(rest);
        if (!is_serial(serial)) return core::Error{"it names no serial number"};
        if (!device.empty() && !is_device(device)) return core::Error{"it names no device"};
        if (!rest.empty()) return core::Error{"there is more than a serial number and a device"};
        return add_drive({std::string(device), {}, {}, {}, std::string(serial)});
    }

    core::Outcome add_drive(const Tape& tape) {
        if (!drives_.contains(tape.serial) && drives_.size() >= drives_max)
            return core::Error{"there are more than 1024 drives"};
        auto& drive = drives_[tape.serial];
        drive.serial.text = tape.serial;
        drive.vendor = tape.vendor;
        drive.product = tape.product;
        if (drive.tape_nodes.size() >= nodes_max) return core::Error{"it has more than 64 nodes"};
        drive.tape_nodes.push_back(tape.node);
        for (const auto& node : tape.generic)
            drive.generic_nodes.push_back(node);
        return core::Nothing{};
    }

    core::Outcome add_trouble(std::string words) {
        if (found_.troubles.size() >= troubles_max)
            return core::Error{"there are more than 64 troubles"};
        found_.troubles.push_back(std::move(words));
        return core::Nothing{};
    }

    core::Outcome begin_tape(std::string_view rest) {
        if (auto before = finish_tape(); !before) return before;
        const auto node = take_word(rest);
        if (!is_device(node) || !rest.empty()) return core::Error{"it names no device"};
        tape_ = Tape{std::string(node), {}, {}, {}, {}};
        adapter_.clear();
        return core::Nothing{};
    }

    core::Outcome finish_tape() {
        const auto tape = std::exchange(tape_, std::nullopt);
        if (!tape) return core::Nothing{};
        if (tape->serial.empty())
            return add_trouble(tape->node + ": that host shows no serial number of it");
        return add_drive(*tape);
    }

    core::Outcome take_linux(std::string_view word, std::string_view rest) {
        if (!tape_) return core::Error{"no tape stands before it"};
        if (word == "generic") {
            if (!is_device(rest) || tape_->generic.size() >= nodes_max)
                return core::Error{"it names no device"};
            tape_->generic.emplace_back(rest);
        } else if (word == "vendor") {
            tape_->vendor = as_printable(rest);
        } else if (word == "product") {
            tape_->product = as_printable(rest);
        } else if (word == "page80") {
            const auto bytes = bytes_from(rest);
            if (!bytes) return core::Error{"they are no bytes in hexadecimal"};
            const auto serial = drive_iface::scsi::decode_unit_serial_number(*bytes);
            if (!serial) return core::Error{serial.error().message};
            if (!serial->empty() && !is_serial(*serial))
                return core::Error{"the serial number has characters that none can have"};
            tape_->serial = *serial;
        } else {
            return core::Error{"it begins with a word that is not known"};
        }
        return core::Nothing{};
    }

    // The names of what lscfg -v prints are those of IBM's manuals for rmt and fcs devices; a line
    // with another name is passed over.
    core::Outcome take_aix(std::string_view word, std::string_view rest) {
        if (word == "adapter") {
            if (auto before = finish_tape(); !before) return before;
            adapter_ = as_printable(rest);
            return core::Nothing{};
        }
        if (word != "|") return core::Error{"it begins with a word that is not known"};
        if (tape_) return take_aix_tape(rest);
        if (const auto address = lscfg_value(rest, "Network Address")) {
            if (adapter_.empty()) return core::Error{"no adapter stands before it"};
            const auto port = core::initiator_port_from_text("fc:" + std::string(*address));
            if (!port) return core::Error{"it is no name of a fibre channel port"};
            return add_port(*port, adapter_);
        }
        return core::Nothing{};
    }

    core::Outcome take_aix_tape(std::string_view line) {
        if (const auto serial = lscfg_value(line, "Serial Number")) {
            if (!is_serial(*serial)) return core::Error{"it is no serial number"};
            tape_->serial = *serial;
        } else if (const auto vendor = lscfg_value(line, "Manufacturer")) {
            tape_->vendor = as_printable(*vendor);
        } else if (const auto product = lscfg_value(line, "Machine Type and Model")) {
            tape_->product = as_printable(*product);
        }
        return core::Nothing{};
    }

    RemoteSystem system_;
    bool begun_ = false;
    bool ended_ = false;
    host::HostDevices found_;
    std::map<std::string, host::FoundTapeDrive> drives_;
    std::optional<Tape> tape_;
    std::string adapter_;
};

}  // namespace

core::Result<host::HostDevices> read_host_report(RemoteSystem system, std::string_view text) {
    HostReportReader reader(system);
    if (auto read = reader.read(text); !read) return read.error().within("the host's report");
    auto found = reader.finish();
    if (!found) return found.error().within("the host's report");
    return found;
}

}  // namespace agent::agentless
