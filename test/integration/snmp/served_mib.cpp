#include "test/integration/snmp/served_mib.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "test/support/catch.hpp"

namespace {

std::vector<std::string> feeder_command(const TemporaryFolder& folder, const std::string& key,
                                        const std::string& agentx) {
    std::vector<std::string> command{SNMP_FEEDER_PROCESS, LRA_MIBD, folder.path(), key};
    if (!agentx.empty()) command.push_back(agentx);
    return command;
}

}  // namespace

ServedMib::ServedMib(const std::string& agentx)
    : key(folder.file("key", "passphrase correct horse battery\n")),
      feeder(feeder_command(folder, key, agentx)) {}

void ServedMib::wait_until_served(int snapshots_at_least) {
    do {
        const std::string line = feeder.wait_for("status");
        REQUIRE_FALSE(line.empty());
        std::istringstream words(line);
        std::string word;
        words >> word >> pid >> port >> snapshots;
        master = line.ends_with(" master");
    } while ((port == "0" && !master) || snapshots < snapshots_at_least);
}

void ServedMib::wait_for_master(bool connected) {
    while (master != connected) {
        const std::string line = feeder.wait_for("status");
        REQUIRE_FALSE(line.empty());
        master = line.ends_with(" master");
    }
}

std::uint64_t ServedMib::count(const std::string& name) {
    feeder.write("counts");
    std::istringstream words(feeder.wait_for("counts"));
    for (std::string word; words >> word;) {
        if (word.starts_with(name + "=")) return std::stoull(word.substr(name.size() + 1));
    }
    return 0;
}

std::vector<std::string> ServedMib::credentials(const std::string& user,
                                                const std::string& passphrase,
                                                const std::string& level) {
    return {"-v",      "3",  "-u",       user, "-l",  level, "-a",
            "SHA-256", "-A", passphrase, "-x", "AES", "-X",  passphrase};
}

std::string ServedMib::ask(const std::string& program, const std::vector<std::string>& rest,
                           const std::vector<std::string>& security) const {
    std::vector<std::string> argv{"env",
                                  "SNMP_PERSISTENT_DIR=" + folder.path("tools"),
                                  "MIBDIRS=/nowhere",
                                  program,
                                  "-r",
                                  "1",
                                  "-t",
                                  "4",
                                  "-On"};
    argv.insert(argv.end(), security.begin(), security.end());
    argv.push_back("127.0.0.1:" + port);
    argv.insert(argv.end(), rest.begin(), rest.end());
    return run_program(argv).output;
}

std::string ServedMib::walk(const std::string& below) const {
    return ask("snmpwalk", {mib_root + below});
}

std::size_t values_in(const std::string& walked) {
    std::istringstream stream(walked);
    std::string line;
    std::size_t values = 0;
    while (std::getline(stream, line)) {
        if (line.find(" = ") != std::string::npos &&
            line.find("No more variables") == std::string::npos)
            ++values;
    }
    return values;
}

std::set<std::string> sockets_of(int pid) {
    std::set<std::string> inodes;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        std::error_code ignored;
        const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
    }
    std::set<std::string> found;
    for (const std::string table : {"tcp", "tcp6", "udp", "udp6"}) {
        std::ifstream file("/proc/net/" + table);
        std::string line;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::vector<std::string> columns;
            for (std::string word; words >> word;)
                columns.push_back(word);
            if (columns.size() > 9 && inodes.contains(columns[9]))
                found.insert(table + " " + columns[1]);
        }
    }
    return found;
}
