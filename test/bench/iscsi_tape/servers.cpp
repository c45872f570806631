#include "test/bench/iscsi_tape/servers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "test/bench/iscsi_tape/tape_client.hpp"

namespace iscsi_tape {

namespace {

namespace fs = std::filesystem;

constexpr auto start_within = std::chrono::seconds(20);
const std::string host = "127.0.0.1";

bool comes_true(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + start_within;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// For servers that have to be told one.
int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    socklen_t size = sizeof address;
    const bool ok = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(fd);
    if (!ok) throw Failure("no free port");
    return ntohs(address.sin_port);
}

bool accepts(int port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(port);
    const bool ok = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return ok;
}

std::string portal_of(int port) {
    return host + ":" + std::to_string(port);
}

void write_file(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
}

std::string file_text(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void run(const std::vector<std::string>& arguments, const fs::path& log) {
    const Process process(arguments, log);
    int status = 0;
    ::waitpid(process.id(), &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw Failure(arguments.front() + " failed, see " + log.string());
}

fs::path own_folder() {
    return fs::read_symlink("/proc/self/exe").parent_path();
}

class FrontEnd final : public Server {
  public:
    explicit FrontEnd(const fs::path& folder)
        : process_({fs::read_symlink("/proc/self/exe").string(), "--serve-front-end"},
                   folder / "log") {
        if (!comes_true([&] { return file_text(folder / "log").find('\n') != std::string::npos; }))
            throw Failure("the front end does not start");
        port_ = std::stoi(file_text(folder / "log"));
    }
    const Process& process() const override { return process_; }
    std::vector<Tape> tapes() const override {
        return {{portal_of(port_), "iqn.2026-01.bench:drive-FORGETFUL", 0}};
    }

  private:
    Process process_;
    int port_ = 0;
};

class Ours final : public Server {
  public:
    Ours(const fs::path& folder, int drives) : port_(free_port()), drives_(drives) {
        nlohmann::json configuration{
            {"library", {{"vendor", "BENCH"}, {"product", "LIBRARY"}, {"serial", "BENCH00001"}}},
            {"slots", drives},
            {"cartridges",
             {{"folders", {(folder / "a").string(), (folder / "b").string()}},
              {"capacity_mb", 16384}}},
            {"iscsi", {{"listen", portal_of(port_)}, {"target_prefix", prefix}}},
            {"control", {{"socket", (folder / "vtld.sock").string()}}},
            {"metrics", {{"listen", "off"}}},
            {"state_dir", (folder / "state").string()}};
        for (int i = 0; i < drives; ++i) {
            configuration["drives"].push_back({{"serial", serial(i)}});
            configuration["cartridges"]["barcodes"].push_back(barcode(i));
        }
        for (const auto* name : {"a", "b", "state"})
            fs::create_directory(folder / name);
        write_file(folder / "vtld.json", configuration.dump(2));
        process_ = std::make_unique<Process>(
            std::vector<std::string>{(own_folder() / "vtld").string(), "--config",
                                     (folder / "vtld.json").string()},
            folder / "log");
        if (!comes_true([&] { return accepts(port_); }))
            throw Failure("vtld does not start, see " + (folder / "log").string());
        load();
    }
    const Process& process() const override { return *process_; }
    std::vector<Tape> tapes() const override {
        std::vector<Tape> all;
        for (int i = 0; i < drives_; ++i)
            all.push_back({portal_of(port_), prefix + ":drive-" + serial(i), 0});
        return all;
    }

  private:
    inline static const std::string prefix = "iqn.2026-01.bench";
    static std::string serial(int i) { return "BENCH" + std::to_string(10000 + i); }
    static std::string barcode(int i) { return "BE" + std::to_string(1000 + i) + "L8"; }

    // Slot n goes to drive n, as mtx would do it.
    void load() const {
        TapeClient changer(portal_of(port_), prefix + ":changer", 0, "iqn.2026-01.bench:mover");
        static_cast<void>(changer.command({0, 0, 0, 0, 0, 0}));  // takes the unit attention
        const auto page = changer.query({0x1a, 0x08, 0x1d, 0, 255, 0}, 255);
        if (page.size() < 20) throw Failure("the changer tells no element addresses");
        const auto address = [&](std::size_t at) { return page[at] << 8 | page[at + 1]; };
        for (int i = 0; i < drives_; ++i) {
            const int slot = address(10) + i;
            const int drive = address(18) + i;
            const auto high = [](int value) { return static_cast<std::uint8_t>(value >> 8); };
            const auto low = [](int value) { return static_cast<std::uint8_t>(value); };
            if (changer.command({0xa5, 0, page[6], page[7], high(slot), low(slot), high(drive),
                                 low(drive), 0, 0, 0, 0}) != 0)
                throw Failure("MOVE MEDIUM failed");
        }
    }

    int port_;
    int drives_;
    std::unique_ptr<Process> process_;
};

class Tgt final : public Server {
  public:
    explicit Tgt(const fs::path& folder)
        : port_(free_port()),
          process_({"/usr/sbin/tgtd", "-f", "-C", control, "--iscsi", "portal=" + portal_of(port_)},
                   folder / "log") {
        const auto log = folder / "tools.log";
        const auto cartridge = (folder / "BENCH1L8").string();
        run({"/usr/sbin/tgtimg", "--op=new", "--device-type=tape", "--barcode=BENCH1L8",
             "--size=16384", "--type=data", "--file=" + cartridge},
            log);
        if (!comes_true([&] { return accepts(port_); })) throw Failure("tgtd does not start");
        const auto admin = [&](std::vector<std::string> arguments) {
            arguments.insert(arguments.begin(),
                             {"/usr/sbin/tgtadm", "-C", control, "--lld", "iscsi"});
            run(arguments, log);
        };
        admin({"--mode", "target", "--op", "new", "--tid", "1", "-T", target});
        admin({"--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "--device-type",
               "tape", "--bstype", "ssc", "-b", cartridge});
        admin({"--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL"});
    }
    const Process& process() const override { return process_; }
    std::vector<Tape> tapes() const override { return {{portal_of(port_), target, 1}}; }

  private:
    inline static const std::string control = "77";
    inline static const std::string target = "iqn.2026-01.bench:tgt";
    int port_;
    Process process_;
};

class Istgt final : public Server {
  public:
    explicit Istgt(const fs::path& folder) : port_(free_port()) {
        const auto path = [&](const char* name) { return (folder / name).string(); };
        std::ostringstream text;
        text << "[Global]\n  NodeBase \"iqn.2026-01.bench\"\n  PidFile " << path("pid")
             << "\n  AuthFile " << path("auth") << "\n  MediaDirectory " << folder.string()
             << "\n  LogFacility \"local7\"\n  Timeout 30\n  NopInInterval 20\n"
                "  DiscoveryAuthMethod Auto\n  MaxSessions 16\n  MaxConnections 4\n  MaxR2T 32\n"
                "  MaxOutstandingR2T 16\n  DefaultTime2Wait 2\n  DefaultTime2Retain 60\n"
                "  FirstBurstLength 262144\n  MaxBurstLength 1048576\n"
                "  MaxRecvDataSegmentLength 262144\n  InitialR2T Yes\n  ImmediateData Yes\n"
                "  DataPDUInOrder Yes\n  DataSequenceInOrder Yes\n  ErrorRecoveryLevel 0\n"
                "[UnitControl]\n  AuthMethod None\n  AuthGroup None\n  Portal UC1 127.0.0.1:"
             << free_port()
             << "\n  Netmask 127.0.0.1\n[PortalGroup1]\n  Portal DA1 127.0.0.1:" << port_
             << "\n[InitiatorGroup1]\n  InitiatorName \"ALL\"\n  Netmask 127.0.0.0/8\n"
                "[LogicalUnit1]\n  TargetName tape\n  Mapping PortalGroup1 InitiatorGroup1\n"
                "  AuthMethod None\n  UseDigest Auto\n  UnitType Tape\n  QueueDepth 0\n"
                "  LUN0 Removable rw "
             << path("BENCH1L8") << " 4GB\n";
        write_file(folder / "istgt.conf", text.str());
        write_file(folder / "auth", "");
        ::chmod((folder / "auth").c_str(), 0600);
        process_ = std::make_unique<Process>(
            std::vector<std::string>{"/usr/sbin/istgt", "-c", path("istgt.conf"), "-p", path("pid"),
                                     "-D", "-q"},
            folder / "log");
        if (!comes_true([&] { return accepts(port_); }))
            throw Failure("istgt does not start, see " + path("log"));
    }
    const Process& process() const override { return *process_; }
    std::vector<Tape> tapes() const override {
        return {{portal_of(port_), "iqn.2026-01.bench:tape", 0}};
    }

  private:
    int port_;
    std::unique_ptr<Process> process_;
};

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const fs::path& log) {
    std::vector<char*> argv;
    for (const auto& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw Failure("can not start " + arguments.front());
    if (pid_ > 0) return;
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

Process::~Process() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != 0) return;  // gone already
    ::kill(pid_, SIGTERM);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > end) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, &status, 0);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

double Process::cpu_seconds() const {
    const auto text = file_text("/proc/" + std::to_string(pid_) + "/stat");
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        fields >> skipped;  // state to cmajflt
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t Process::resident_kib() const {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string word; status >> word;) {
        std::size_t kib = 0;
        if (word == "VmRSS:" && status >> kib) return kib;
    }
    return 0;
}

std::string name_of(Kind kind) {
    switch (kind) {
        case Kind::ours:
            return "vtld";
        case Kind::front_end:
            return "vtld, front end alone";
        case Kind::tgt:
            return "tgt";
        case Kind::istgt:
            return "istgt";
    }
    return "";
}

bool is_installed(Kind kind) {
    switch (kind) {
        case Kind::ours:
            return fs::exists(own_folder() / "vtld");
        case Kind::front_end:
            return true;
        case Kind::tgt:
            return fs::exists("/usr/sbin/tgtd");
        case Kind::istgt:
            return fs::exists("/usr/sbin/istgt");
    }
    return false;
}

std::unique_ptr<Server> start(Kind kind, const fs::path& folder, int drives) {
    switch (kind) {
        case Kind::ours:
            return std::make_unique<Ours>(folder, drives);
        case Kind::front_end:
            return std::make_unique<FrontEnd>(folder);
        case Kind::tgt:
            return std::make_unique<Tgt>(folder);
        case Kind::istgt:
            return std::make_unique<Istgt>(folder);
    }
    return nullptr;
}

}  // namespace iscsi_tape
