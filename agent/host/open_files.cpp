#include "agent/host/open_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace agent::host {

namespace {

constexpr std::size_t open_files_max = 64;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// What a name leads to: a character device by its number, anything else by file system and inode.
// Block devices have numbers of their own: 9:0 is the first tape, and the first software RAID.
using FileIdentity = std::pair<std::uint64_t, std::uint64_t>;
FileIdentity identity_of(const struct stat& file) {
    if (S_ISCHR(file.st_mode)) return {0, file.st_rdev};
    return {file.st_dev + 1, file.st_ino};
}

bool is_number(const char* name) {
    if (*name == '\0') return false;
    for (; *name != '\0'; ++name)
        if (*name < '0' || *name > '9') return false;
    return true;
}

// Empty when the file was closed meanwhile; nothing when it may not be read.
std::optional<std::string> link_target(int directory, const char* name) {
    std::array<char, 4'096> target;
    const ssize_t length = ::readlinkat(directory, name, target.data(), target.size());
    if (length > 0) return std::string(target.data(), static_cast<std::size_t>(length));
    if (length == 0 || errno == ENOENT || errno == ESRCH) return "";
    return std::nullopt;
}

std::string program_of(const std::string& process) {
    std::ifstream in(process + "/comm");
    std::string name;
    std::getline(in, name);
    return name;
}

class Search {
  public:
    Search(const std::vector<std::string>& nodes, const std::vector<std::string>& ignored,
           OpenFiles& result);
    // False: it may not be looked into.
    bool process(const std::string& path, int pid);

  private:
    std::set<FileIdentity> wanted_;
    std::set<std::string> names_;  // of plain files; nodes are below /dev
    const std::vector<std::string>& ignored_;
    OpenFiles& result_;
};

Search::Search(const std::vector<std::string>& nodes, const std::vector<std::string>& ignored,
               OpenFiles& result)
    : ignored_(ignored), result_(result) {
    for (const std::string& node : nodes) {
        struct stat file {};
        if (::stat(node.c_str(), &file) != 0) continue;
        wanted_.insert(identity_of(file));
        if (char* real = ::realpath(node.c_str(), nullptr)) {
            names_.insert(real);
            std::free(real);
        }
    }
    if (wanted_.empty()) {
        result_.complete = false;
        result_.why_incomplete = "none of the drive's device nodes is there";
    }
}

bool Search::process(const std::string& path, int pid) {
    const Directory directory(::opendir((path + "/fd").c_str()));
    if (!directory) return errno == ENOENT || errno == ESRCH;  // ended meanwhile
    const int descriptor = ::dirfd(directory.get());
    while (const dirent* entry = ::readdir(directory.get())) {
        if (!is_number(entry->d_name)) continue;
        // By name first: following a link into a hung file system would hang as well.
        const auto target = link_target(descriptor, entry->d_name);
        if (!target) return false;
        if (!target->starts_with("/dev/") && !names_.contains(*target)) continue;
        struct stat file {};
        if (::fstatat(descriptor, entry->d_name, &file, 0) != 0) continue;
        if (!wanted_.contains(identity_of(file))) continue;
        const std::string program = program_of(path);
        if (std::find(ignored_.begin(), ignored_.end(), program) != ignored_.end()) return true;
        if (result_.found.size() < open_files_max) result_.found.push_back({pid, program, *target});
        return true;  // one is enough of a process
    }
    return true;
}

}  // namespace

std::vector<std::string> nodes_beside(const std::string& node) {
    const std::size_t slash = node.rfind('/') + 1;  // npos + 1: 0
    const std::string folder = node.substr(0, slash);
    std::string name = node.substr(slash);
    std::vector<std::string> nodes{node};
    if (name.starts_with("nst")) name.erase(0, 1);
    if (!name.starts_with("st")) return nodes;
    const std::size_t end = name.find_first_not_of("0123456789", 2);
    if (end == 2 || name.size() == 2) return nodes;
    const std::string mode = end == std::string::npos ? "" : name.substr(end);
    if (!mode.empty() && mode != "l" && mode != "m" && mode != "a") return nodes;
    const std::string number = name.substr(2, end == std::string::npos ? end : end - 2);
    for (const char* kind : {"st", "nst"}) {
        for (const char* one : {"", "l", "m", "a"}) {
            std::string beside = folder;
            beside.append(kind).append(number).append(one);
            if (beside != node) nodes.push_back(std::move(beside));
        }
    }
    return nodes;
}

OpenFiles find_open_files(const std::vector<std::string>& nodes,
                          const std::vector<std::string>& ignored, const std::string& proc) {
    OpenFiles result;
    Search search(nodes, ignored, result);
    const Directory processes(::opendir(proc.c_str()));
    if (!processes) return {{}, false, proc + " can not be read"};
    std::size_t closed_to_us = 0;
    while (const dirent* entry = ::readdir(processes.get())) {
        if (!is_number(entry->d_name)) continue;
        const std::string path = proc + "/" + entry->d_name;
        if (!search.process(path, std::atoi(entry->d_name))) ++closed_to_us;
    }
    // Mounted with hidepid, /proc shows no processes of others.
    struct stat first {};
    if (::stat((proc + "/1").c_str(), &first) != 0) ++closed_to_us;
    if (closed_to_us != 0 && result.complete) {
        result.complete = false;
        result.why_incomplete =
            std::to_string(closed_to_us) +
            " or more processes may not be looked into: dsad needs to run as root, or "
            "with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
    }
    return result;
}

}  // namespace agent::host
