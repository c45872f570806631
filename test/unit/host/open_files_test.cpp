#include "agent/host/open_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "agent/host/holder_signs.hpp"
#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::HolderAnswer;

namespace {

// A file that this very process has open, in the place of a device node.
struct OpenedNode {
    OpenedNode() {
        char name[] = "/tmp/open_files_test.XXXXXX";
        descriptor = ::mkstemp(name);
        path = name;
        REQUIRE(descriptor >= 0);
    }
    ~OpenedNode() {
        close();
        ::unlink(path.c_str());
    }
    void close() {
        if (descriptor >= 0) ::close(descriptor);
        descriptor = -1;
    }
    std::string path;
    int descriptor = -1;
};

std::string own_name() {
    std::ifstream in("/proc/self/comm");
    std::string name;
    std::getline(in, name);
    return name;
}

}  // namespace

TEST_CASE("a process that has a drive's node open is found, with its name") {
    OpenedNode node;
    const auto open = find_open_files({node.path}, {});
    REQUIRE(open.found.size() == 1);
    CHECK(open.found[0].pid == ::getpid());
    CHECK(open.found[0].program == own_name());
    CHECK(open.found[0].path == node.path);
    node.close();
    CHECK(find_open_files({node.path}, {}).found.empty());
}

TEST_CASE("another name of the same node is the same node") {
    OpenedNode node;
    const std::string other = node.path + ".link";
    REQUIRE(::symlink(node.path.c_str(), other.c_str()) == 0);
    CHECK(find_open_files({other}, {}).found.size() == 1);
    ::unlink(other.c_str());
}

TEST_CASE("a device node is recognised by its number") {
    const int descriptor = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    REQUIRE(descriptor >= 0);
    bool mine = false;
    for (const auto& one : find_open_files({"/dev/zero"}, {}).found)
        mine = mine || one.pid == ::getpid();
    CHECK(mine);
    ::close(descriptor);
}

// A folder that looks like /proc: each process has its name, and what its descriptor 5 leads to.
struct ProcessFolder {
    explicit ProcessFolder(const std::string& below = "/tmp")
        : path(below + "/open_files_proc.XXXXXX") {
        REQUIRE(::mkdtemp(path.data()) != nullptr);
    }
    ~ProcessFolder() { std::filesystem::remove_all(path); }
    void process(int pid, const std::string& program, const std::string& has_open) const {
        const std::string folder = path + "/" + std::to_string(pid);
        std::filesystem::create_directories(folder + "/fd");
        std::ofstream(folder + "/comm") << program << '\n';
        std::filesystem::create_symlink(has_open, folder + "/fd/5");
    }
    std::string path;
};

TEST_CASE("all processes looked into is an answer, some closed to us is none") {
    const ProcessFolder proc;
    proc.process(1, "init", "/dev/null");
    proc.process(70, "bareos-sd", "/dev/zero");
    const auto open = find_open_files({"/dev/zero"}, {}, proc.path);
    CHECK(open.complete);
    REQUIRE(open.found.size() == 1);
    CHECK(open.found[0].program == "bareos-sd");

    // A link of no length can not be read, just as one of another user.
    std::filesystem::remove(proc.path + "/70/fd/5");
    std::ofstream(proc.path + "/70/fd/5") << "no link";
    const auto closed = find_open_files({"/dev/zero"}, {}, proc.path);
    CHECK_FALSE(closed.complete);
    CHECK_THAT(closed.why_incomplete, ContainsSubstring("CAP_SYS_PTRACE"));

    // hidepid: processes of others are not even listed.
    std::filesystem::remove_all(proc.path + "/1");
    std::filesystem::remove_all(proc.path + "/70");
    CHECK_FALSE(find_open_files({"/dev/zero"}, {}, proc.path).complete);
}

TEST_CASE("a block device is not the tape drive whose number it has") {
    // 9:0 is the first tape, and the first software RAID.
    const ProcessFolder nodes("/dev/shm");  // what is open is looked at only below /dev
    const std::string tape = nodes.path + "/tape";
    const std::string raid = nodes.path + "/raid";
    const bool may_make_nodes = ::mknod(tape.c_str(), S_IFCHR | 0600, makedev(9, 0)) == 0 &&
                                ::mknod(raid.c_str(), S_IFBLK | 0600, makedev(9, 0)) == 0;
    if (!may_make_nodes) return;
    const ProcessFolder proc;
    proc.process(1, "init", "/dev/null");
    proc.process(70, "mdadm", raid);
    CHECK(find_open_files({tape}, {}, proc.path).found.empty());
    CHECK(find_open_files({raid}, {}, proc.path).found.size() == 1);
}

TEST_CASE("programs whose open files mean nothing do not count") {
    const OpenedNode node;
    CHECK(find_open_files({node.path}, {own_name()}).found.empty());
}

TEST_CASE("without the node, or without /proc, nobody can tell") {
    const auto no_node = find_open_files({"/dev/no-such-node"}, {});
    CHECK_FALSE(no_node.complete);
    CHECK(no_node.why_incomplete == "none of the drive's device nodes is there");
    const auto no_proc = find_open_files({"/dev/zero"}, {}, "/no/such/proc");
    CHECK_FALSE(no_proc.complete);
}

TEST_CASE("every mode of a tape node belongs to the same drive") {
    const auto nodes = nodes_beside("/dev/nst3");
    CHECK(nodes.size() == 8);
    CHECK(nodes.front() == "/dev/nst3");
    const auto has = [](const std::vector<std::string>& all, const std::string& one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    };
    CHECK(has(nodes, "/dev/st3"));
    CHECK(has(nodes, "/dev/st3a"));
    CHECK(has(nodes, "/dev/nst3m"));
    CHECK(has(nodes_beside("/dev/st12l"), "/dev/nst12"));
    CHECK(nodes_beside("/dev/sg4") == std::vector<std::string>{"/dev/sg4"});
    CHECK(nodes_beside("/dev/tape/by-id/x").size() == 1);
    CHECK(nodes_beside("/dev/stdin").size() == 1);
    CHECK(nodes_beside("/dev/st").size() == 1);
    CHECK(nodes_beside("").size() == 1);
}

TEST_CASE("one sign of use is enough, and silence is no sign of the opposite") {
    CHECK(verdict_of({}).answer == HolderAnswer::can_not_tell);

    HolderSigns opened;
    opened.open_files = OpenFiles{{{7, "bareos-sd", "/dev/nst0"}}, false, "x"};
    CHECK(verdict_of(opened).answer == HolderAnswer::mine);
    CHECK(verdict_of(opened).why == "/dev/nst0 is open in bareos-sd (7)");

    HolderSigns used;
    used.application_told = true;
    used.application_uses_it = "\"busy\"";
    used.open_files = OpenFiles{};
    CHECK(verdict_of(used).answer == HolderAnswer::mine);

    HolderSigns idle;
    idle.application_told = true;
    CHECK(verdict_of(idle).answer == HolderAnswer::can_not_tell);
    idle.open_files = OpenFiles{{}, false, "3 processes may not be looked into"};
    CHECK(verdict_of(idle).answer == HolderAnswer::can_not_tell);
    idle.open_files = OpenFiles{};
    CHECK(verdict_of(idle).answer == HolderAnswer::not_mine);

    idle.probe_status = 0;
    CHECK(verdict_of(idle).answer == HolderAnswer::mine);
    idle.probe_status = 1;
    CHECK(verdict_of(idle).answer == HolderAnswer::not_mine);
    idle.probe_status = 2;
    idle.open_files.reset();
    CHECK(verdict_of(idle).answer == HolderAnswer::can_not_tell);
}
