// The house rules as tests: which room may see what, and what main never contains.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "test/support/catch.hpp"

namespace {

namespace fs = std::filesystem;

struct SourceLine {
    std::string file;  // relative to the root of the project
    std::size_t number = 0;
    std::string text;
    std::string header;  // what the line includes; empty for any other line
};

fs::path root() {
    return LRA_SOURCE_DIR;
}

std::vector<fs::path> sources_below(const fs::path& folder) {
    std::vector<fs::path> found;
    if (!fs::exists(folder)) return found;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const auto extension = entry.path().extension();
        if (entry.is_regular_file() && (extension == ".cpp" || extension == ".hpp")) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string included_by(const std::string& text) {
    if (text.find('#') == std::string::npos) return "";
    static const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
    std::smatch match;
    return std::regex_search(text, match, include) ? match[1].str() : "";
}

std::vector<SourceLine> lines_of(const fs::path& file) {
    std::vector<SourceLine> lines;
    std::ifstream in(file);
    const auto name = file.lexically_relative(root()).string();
    for (std::string text; std::getline(in, text);) {
        lines.push_back({name, lines.size() + 1, text, included_by(text)});
    }
    return lines;
}

// All that the project is made of, read once.
const std::vector<SourceLine>& all_lines() {
    static const std::vector<SourceLine> lines = [] {
        std::vector<SourceLine> read;
        for (const auto& folder : {"agent", "drive_iface", "snmp_mib", "test"}) {
            for (const auto& file : sources_below(root() / folder)) {
                auto more = lines_of(file);
                read.insert(read.end(), std::make_move_iterator(more.begin()),
                            std::make_move_iterator(more.end()));
            }
        }
        return read;
    }();
    return lines;
}

std::vector<SourceLine> includes_below(const std::vector<std::string>& folders) {
    std::vector<SourceLine> found;
    for (const auto& line : all_lines()) {
        if (line.header.empty()) continue;
        const bool below = std::any_of(folders.begin(), folders.end(), [&](const auto& folder) {
            return line.file.rfind(folder + "/", 0) == 0;
        });
        if (below) found.push_back(line);
    }
    return found;
}

std::string where(const SourceLine& line) {
    return line.file + ":" + std::to_string(line.number) + ": " + line.text;
}

bool has_word(const std::string& text, const std::string& word) {
    const auto letter = [&](std::size_t at) {
        const auto c = at < text.size() ? static_cast<unsigned char>(text[at]) : ' ';
        return std::isalnum(c) != 0 || c == '_';
    };
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        if (!letter(at - 1) && !letter(at + word.size())) return true;
    }
    return false;
}

// Every line whose include is one of `forbidden` or begins with one of `prefixes`.
std::vector<std::string> includes_among(const std::vector<std::string>& folders,
                                        const std::set<std::string>& forbidden,
                                        const std::vector<std::string>& prefixes) {
    std::vector<std::string> found;
    for (const auto& line : includes_below(folders)) {
        const bool by_prefix =
            std::any_of(prefixes.begin(), prefixes.end(),
                        [&](const auto& prefix) { return line.header.rfind(prefix, 0) == 0; });
        if (forbidden.count(line.header) != 0 || by_prefix) found.push_back(where(line));
    }
    return found;
}

const std::set<std::string> headers_of_the_world{"chrono",
                                                 "ctime",
                                                 "time.h",
                                                 "thread",
                                                 "mutex",
                                                 "shared_mutex",
                                                 "condition_variable",
                                                 "future",
                                                 "atomic",
                                                 "random",
                                                 "fstream",
                                                 "iostream",
                                                 "istream",
                                                 "ostream",
                                                 "filesystem",
                                                 "unistd.h",
                                                 "fcntl.h",
                                                 "sys/socket.h",
                                                 "poll.h",
                                                 "signal.h",
                                                 "csignal",
                                                 "sys/stat.h",
                                                 "sys/types.h",
                                                 "netinet/in.h",
                                                 "unordered_map",
                                                 "unordered_set"};

const std::vector<std::string> pure_rooms{
    "agent/claims",         "agent/core",       "agent/pair",         "drive_iface/admin_volumes",
    "drive_iface/checksum", "drive_iface/scsi", "drive_iface/virtual"};

}  // namespace

TEST_CASE("pure rooms see no clock, thread, socket, file, random number or hash order") {
    CHECK(includes_among(pure_rooms, headers_of_the_world,
                         {"asio", "net-snmp/", "iscsi/", "scsi/", "spdlog/", "sys/"}) ==
          std::vector<std::string>{});
}

TEST_CASE("the rules know nobody; codecs know only the rules' words") {
    CHECK(includes_among({"agent/core"}, {},
                         {"agent/runtime", "agent/host", "agent/shell", "drive_iface/", "snmp_mib/",
                          "nlohmann/"}) == std::vector<std::string>{});
    CHECK(includes_among({"drive_iface/scsi"}, {},
                         {"agent/runtime", "agent/host", "agent/shell", "drive_iface/virtual",
                          "drive_iface/iscsi", "drive_iface/device", "drive_iface/events",
                          "snmp_mib/"}) == std::vector<std::string>{});
    CHECK(includes_among({"drive_iface/virtual"}, {},
                         {"agent/runtime", "agent/host", "agent/shell", "drive_iface/iscsi",
                          "drive_iface/device", "drive_iface/events", "snmp_mib/"}) ==
          std::vector<std::string>{});
}

TEST_CASE("the rules of a pair know the core's words and nobody else") {
    CHECK(includes_among({"agent/pair"}, {},
                         {"agent/runtime", "agent/host", "agent/shell", "agent/claims",
                          "agent/mounts", "agent/lrad", "agent/dsad", "drive_iface/", "snmp_mib/",
                          "nlohmann/"}) == std::vector<std::string>{});
}

TEST_CASE("who runs the rules of a pair knows neither SNMP nor devices nor the daemons") {
    CHECK(includes_among({"agent/voting", "agent/pair_node"}, {},
                         {"snmp_mib/", "drive_iface/", "agent/claims", "agent/mounts", "agent/lrad",
                          "agent/dsad", "agent/host", "agent/shell", "agent/postgres"}) ==
          std::vector<std::string>{});
    CHECK(includes_among({"agent/voting"}, {}, {"agent/pair_node"}) == std::vector<std::string>{});
}

TEST_CASE("PostgreSQL is known by those who ask it and by those who look after it") {
    CHECK(includes_among({"agent/postgres"}, {},
                         {"agent/lrad", "agent/mounts", "agent/shell", "agent/dsad", "agent/snmp",
                          "nlohmann/", "drive_iface/", "snmp_mib/"}) == std::vector<std::string>{});
    for (const auto& line : includes_below({"agent", "drive_iface", "snmp_mib"})) {
        const auto& header = line.header;
        const bool words = line.file.find("agent/postgres/control_data") == 0 ||
                           line.file.find("agent/postgres/follow_plan") == 0 ||
                           line.file.find("agent/postgres/server_files") == 0;
        const bool asks =
            line.file.find("agent/postgres/") == 0 || line.file.find("agent/mounts/postgres_") == 0;
        const bool loads = line.file == "agent/lrad/controller_pair.cpp";
        INFO(where(line));
        CHECK((!words || headers_of_the_world.count(header) == 0));
        // Who includes it otherwise may call what libpq.cpp does not pass on.
        CHECK((header != "libpq-fe.h" || line.file == "agent/postgres/libpq.hpp"));
        CHECK((header != "agent/postgres/libpq.hpp" || asks || loads));
    }
}

TEST_CASE("administrative volumes know the tape's door and nobody who fills them") {
    CHECK(includes_among({"drive_iface/admin_volumes"}, {},
                         {"agent/runtime", "agent/host", "agent/shell", "drive_iface/iscsi",
                          "drive_iface/rmt", "drive_iface/sessions", "drive_iface/vtld",
                          "drive_iface/cartridge", "drive_iface/device", "drive_iface/events",
                          "snmp_mib/", "asio"}) == std::vector<std::string>{});
    for (const auto& line : includes_below({"agent", "drive_iface", "snmp_mib"})) {
        if (line.header.rfind("openssl/", 0) != 0) continue;
        INFO(where(line));
        const bool asks = line.file.find("drive_iface/admin_volumes/sha256") == 0 ||
                          line.file.find("drive_iface/events/channel_tls") == 0 ||
                          line.file.find("snmp_mib/message_seal") == 0;  // docs/decisions/0006
        CHECK(asks);
    }
}

TEST_CASE("rmt knows drives by its own door, and its protocol no socket") {
    CHECK(includes_among({"drive_iface/rmt"}, {},
                         {"drive_iface/iscsi", "drive_iface/sessions", "drive_iface/cartridge",
                          "drive_iface/vtld", "drive_iface/device", "agent/lrad", "snmp_mib/"}) ==
          std::vector<std::string>{});
    for (const auto& line : includes_below({"drive_iface/rmt"})) {
        const bool outside = line.file.find("server") != std::string::npos ||
                             line.file.find("client_connection") != std::string::npos ||
                             line.file.find("vtl_rsh") != std::string::npos;
        const auto& header = line.header;
        INFO(where(line));
        CHECK(
            (outside || (headers_of_the_world.count(header) == 0 && header.rfind("asio", 0) != 0)));
    }
}

TEST_CASE("write sessions know cartridges and no front end") {
    CHECK(includes_among({"drive_iface/sessions"}, {},
                         {"asio", "drive_iface/iscsi", "drive_iface/rmt", "drive_iface/vtld",
                          "drive_iface/device", "drive_iface/events", "snmp_mib/"}) ==
          std::vector<std::string>{});
}

TEST_CASE("snapshots know write sessions by their tracking structure, and no front end") {
    CHECK(includes_among({"drive_iface/snapshots"}, {},
                         {"asio", "nlohmann/", "drive_iface/iscsi", "drive_iface/rmt",
                          "drive_iface/vtld", "drive_iface/web", "drive_iface/admin_volumes",
                          "drive_iface/device", "drive_iface/events", "snmp_mib/"}) ==
          std::vector<std::string>{});
    for (const auto& line : includes_below({"drive_iface/snapshots"})) {
        const auto& header = line.header;
        INFO(where(line));
        CHECK((header.rfind("drive_iface/sessions/", 0) != 0 ||
               header == "drive_iface/sessions/tracking.hpp"));
    }
}

TEST_CASE("cartridges know the tape's door and no front end") {
    CHECK(includes_among({"drive_iface/cartridge"}, {},
                         {"agent/runtime", "agent/host", "agent/shell", "drive_iface/iscsi",
                          "drive_iface/rmt", "drive_iface/sessions", "drive_iface/vtld",
                          "drive_iface/device", "drive_iface/events", "snmp_mib/", "asio"}) ==
          std::vector<std::string>{});
}

TEST_CASE("the web page knows the library by its doors and no front end beside it") {
    CHECK(includes_among({"drive_iface/web"}, {},
                         {"drive_iface/iscsi", "drive_iface/rmt", "drive_iface/vtld",
                          "drive_iface/device", "drive_iface/events", "drive_iface/admin_volumes",
                          "agent/lrad", "agent/host", "agent/shell", "snmp_mib/"}) ==
          std::vector<std::string>{});
    for (const auto& line : includes_below({"agent", "drive_iface", "snmp_mib"})) {
        if (line.header != "httplib.h") continue;
        INFO(where(line));
        CHECK(line.file == "drive_iface/web/exchange.cpp");
    }
}

TEST_CASE("discovery knows paths to devices, and devices know nothing of discovery") {
    CHECK(includes_among({"drive_iface/discovery"}, {},
                         {"asio", "nlohmann/", "agent/runtime", "agent/host", "agent/shell",
                          "agent/lrad", "drive_iface/events", "drive_iface/virtual",
                          "drive_iface/iscsi/", "drive_iface/vtld", "snmp_mib/"}) ==
          std::vector<std::string>{});
    CHECK(includes_among({"drive_iface/device", "drive_iface/scsi"}, {},
                         {"drive_iface/discovery"}) == std::vector<std::string>{});
}

TEST_CASE("agents of hosts without one are played above everybody else, and their words are pure") {
    CHECK(includes_among({"agent/core", "agent/runtime", "agent/host", "agent/dsad", "agent/shell",
                          "agent/snmp", "drive_iface", "snmp_mib"},
                         {}, {"agent/agentless/"}) == std::vector<std::string>{});
    CHECK(includes_among({"agent/agentless"}, {},
                         {"agent/lrad", "agent/shell", "drive_iface/device", "drive_iface/events",
                          "snmp_mib/snmp_notice_channel", "spdlog/"}) ==
          std::vector<std::string>{});
    for (const auto& line : includes_below({"agent/agentless"})) {
        const bool pure = line.file.find("/host_report") != std::string::npos ||
                          line.file.find("/host_scripts") != std::string::npos ||
                          line.file.find("/host_contact") != std::string::npos ||
                          line.file.find("/shell_words") != std::string::npos ||
                          line.file.find("/ssh_answer") != std::string::npos;
        const auto& header = line.header;
        INFO(where(line));
        CHECK((!pure || (headers_of_the_world.count(header) == 0 && header.rfind("asio", 0) != 0)));
    }
}

TEST_CASE("each foreign library is seen by its own room only") {
    CHECK(includes_among({"agent", "drive_iface"}, {}, {"net-snmp/"}) ==
          std::vector<std::string>{});
    for (const auto& line : includes_below({"agent", "drive_iface", "snmp_mib"})) {
        const auto& header = line.header;
        if (header.rfind("iscsi/", 0) == 0) {
            INFO(where(line));
            CHECK(line.file.find("drive_iface/device/iscsi_") == 0);
        }
        if (header.rfind("scsi/sg_", 0) == 0) {
            INFO(where(line));
            CHECK(line.file.find("drive_iface/device/sg_transport") == 0);
        }
    }
}

TEST_CASE("no promise is left in the sources") {
    const std::string words[] = {"TO" + std::string("DO"), "FIX" + std::string("ME"),
                                 "XX" + std::string("X"), "HA" + std::string("CK")};
    std::vector<std::string> found;
    for (const auto& line : all_lines()) {
        const bool promises =
            std::any_of(std::begin(words), std::end(words),
                        [&](const auto& word) { return has_word(line.text, word); });
        if (promises) found.push_back(where(line));
    }
    CHECK(found == std::vector<std::string>{});
}

TEST_CASE("a test that a comment names is there") {
    static const std::regex named(R"(\btest/[a-z0-9_/]+\.(cpp|hpp|py|sh|txt)\b)");
    std::vector<std::string> gone;
    for (const auto& line : all_lines()) {
        std::smatch match;
        if (line.text.find("test/") == std::string::npos ||
            !std::regex_search(line.text, match, named))
            continue;
        if (!fs::exists(root() / match.str())) gone.push_back(where(line));
    }
    CHECK(gone == std::vector<std::string>{});
}

TEST_CASE("a file is a room: none holds more than 600 lines") {
    for (const auto& line : all_lines()) {
        if (line.number == 601) FAIL_CHECK(where(line));
    }
}

TEST_CASE("no file is named for what it is not about") {
    const std::set<std::string> nameless{"utils", "util", "helpers", "helper", "common", "misc"};
    for (const auto& folder : {"agent", "drive_iface", "snmp_mib", "test"}) {
        for (const auto& file : sources_below(root() / folder)) {
            INFO(file.string());
            CHECK(nameless.count(file.stem().string()) == 0);
        }
    }
}
