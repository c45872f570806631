// Streams to and from a tape over iSCSI on loopback, ours beside others, in interleaved rounds.
// Prints tables and judges nothing: figures depend on the machine and on what else it does.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

#include "test/bench/iscsi_tape/front_end.hpp"
#include "test/bench/iscsi_tape/servers.hpp"
#include "test/bench/iscsi_tape/tape_client.hpp"

namespace {

using namespace iscsi_tape;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
    std::uint64_t megabytes = 300;
    std::uint64_t megabytes_small = 100;  // of 10 KiB blocks
    int rounds = 3;
    std::vector<std::string> only;
    std::vector<int> depths{1, 4};
    std::vector<std::uint32_t> block_lengths{262'144, 10'240};
    std::string folder = fs::temp_directory_path().string();
    bool parallel = true;
    bool streams = true;
    bool cold = false;            // read from the disk
    std::uint64_t positions = 0;  // short blocks to find places among; 0: not measured
};

struct Figures {
    double write = 0;  // MB/s
    double write_synchronised = 0;
    double read = 0;
    double cpu = 0;  // seconds of the server for each GiB moved
};

class Folder {
  public:
    explicit Folder(const std::string& parent) {
        std::string pattern = parent + "/lra-bench-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr)
            throw Failure("can not make a folder in " + parent);
        path_ = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

double seconds_since(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
}

// What the server has stored in its folder has to come from the disk again.
void forget_pages(const fs::path& folder) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) throw Failure("can not open " + entry.path().string());
        ::fdatasync(fd);  // dirty pages stay
        ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        ::close(fd);
    }
}

// `cold`: the folder whose files are read from the disk.
Figures measure(const Server& server, TapeClient& client, const TapeClient::Load& load,
                const std::optional<fs::path>& cold) {
    Figures figures;
    const double megabytes = static_cast<double>(load.blocks * load.block_length) / 1e6;
    client.rewind();
    const auto cpu_before = server.process().cpu_seconds();
    const auto began = Clock::now();
    figures.write = megabytes / client.write(load);
    client.write_filemark();
    figures.write_synchronised = megabytes / seconds_since(began);
    if (cold) forget_pages(*cold);
    client.rewind();
    figures.read = megabytes / client.read(load);
    figures.cpu = (server.process().cpu_seconds() - cpu_before) / (2 * megabytes / 1073.741824);
    return figures;
}

// The same amount to one file, as dd would.
double dd_synchronised(const Options& options, std::uint32_t block_length, std::uint64_t blocks) {
    const Folder folder(options.folder);
    std::vector<char> block(block_length, 'x');
    const auto began = Clock::now();
    const int fd = ::open((folder.path() / "dd").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (std::uint64_t i = 0; i < blocks; ++i) {
        if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()))
            throw Failure("can not write in " + options.folder);
    }
    const bool ok = ::fdatasync(fd) == 0;
    ::close(fd);
    if (!ok) throw Failure("fdatasync failed in " + options.folder);
    return static_cast<double>(block_length * blocks) / 1e6 / seconds_since(began);
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print_row(const std::string& name, const std::vector<Figures>& all) {
    const auto of = [&](double Figures::*member) {
        std::vector<double> values;
        for (const auto& one : all)
            values.push_back(one.*member);
        return median(values);
    };
    std::printf("| %-28s | %7.0f | %7.0f | %7.0f | %5.2f |\n", name.c_str(), of(&Figures::write),
                of(&Figures::write_synchronised), of(&Figures::read), of(&Figures::cpu));
}

std::vector<Kind> kinds(const Options& options) {
    std::vector<Kind> chosen;
    for (const auto kind : {Kind::front_end, Kind::ours, Kind::tgt, Kind::istgt}) {
        const bool wanted = options.only.empty() ||
                            std::find(options.only.begin(), options.only.end(), name_of(kind)) !=
                                options.only.end();
        if (!wanted) continue;
        if (is_installed(kind)) {
            chosen.push_back(kind);
        } else {
            std::printf("%s is not installed and left out\n", name_of(kind).c_str());
        }
    }
    return chosen;
}

// One that paces takes processor time for each piece it sends, on loopback too, from whoever sends:
// figures under different ones can not be compared.
void print_congestion_control() {
    std::ifstream file("/proc/sys/net/ipv4/tcp_congestion_control");
    std::string name;
    if (file >> name) std::printf("TCP congestion control: %s\n", name.c_str());
}

void stream(const Options& options, std::uint32_t block_length, int depth) {
    const auto megabytes = block_length < 65'536 ? options.megabytes_small : options.megabytes;
    const TapeClient::Load load{block_length, megabytes * 1'000'000 / block_length, depth};
    std::map<std::string, std::vector<Figures>> rows;
    std::vector<double> dd;
    std::vector<std::string> trouble;
    for (int round = 0; round < options.rounds; ++round) {
        dd.push_back(dd_synchronised(options, block_length, load.blocks));
        for (const auto kind : kinds(options)) {
            try {
                const Folder folder(options.folder);
                const auto server = start(kind, folder.path(), 1);
                const auto cold = options.cold ? std::optional(folder.path()) : std::nullopt;
                const auto tape = server->tapes().front();
                TapeClient client(tape.portal, tape.target, tape.lun, "iqn.2026-01.bench:host");
                client.wait_until_ready();
                rows[name_of(kind) + ", fresh"].push_back(measure(*server, client, load, cold));
                rows[name_of(kind) + ", reused"].push_back(measure(*server, client, load, cold));
            } catch (const Failure& failure) {
                trouble.push_back(name_of(kind) + ": " + failure.what());
            }
        }
    }
    std::printf("\n%u-byte blocks, depth %d, %llu MB, median of %d rounds\n\n", block_length, depth,
                static_cast<unsigned long long>(megabytes), options.rounds);
    std::printf("| %-28s | %7s | %7s | %7s | %5s |\n|%s|--------:|--------:|--------:|------:|\n",
                "MB/s", "write", "synced", "read", "CPU/G", std::string(30, '-').c_str());
    for (const auto& [name, figures] : rows)
        print_row(name, figures);
    std::printf("| %-28s | %7s | %7.0f | %7s | %5s |\n", "dd conv=fdatasync", "", median(dd), "",
                "");
    for (const auto& line : trouble)
        std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

struct ParallelFigures {
    Figures figures;  // of all sessions together
    double resident_mib = 0;
};

// So many sessions at once, each with a drive and a cartridge of its own. `one_thread`: all hosts
// are one thread, whose cost is the same however many they are.
ParallelFigures sessions_at_once(const Options& options, int sessions, bool one_thread) {
    const Folder folder(options.folder);
    const auto server = start(Kind::ours, folder.path(), sessions);
    const TapeClient::Load load{
        262'144, options.megabytes * 1'000'000 / 262'144 / static_cast<unsigned>(sessions), 4};
    std::vector<std::unique_ptr<TapeClient>> clients;
    std::vector<TapeClient*> all;
    for (const auto& tape : server->tapes()) {
        clients.push_back(
            std::make_unique<TapeClient>(tape.portal, tape.target, tape.lun,
                                         "iqn.2026-01.bench:host" + std::to_string(all.size())));
        clients.back()->wait_until_ready();
        all.push_back(clients.back().get());
    }
    const auto megabytes =
        static_cast<double>(load.blocks * load.block_length) * static_cast<double>(sessions) / 1e6;
    const auto at_once = [&](const std::function<void(TapeClient&)>& what) {
        std::vector<std::thread> threads;
        for (auto* client : all) {
            threads.emplace_back([&what, client] {
                try {
                    what(*client);
                } catch (const Failure& failure) {
                    std::printf("%s\n", failure.what());
                }
            });
        }
        for (auto& thread : threads)
            thread.join();
    };
    ParallelFigures found;
    auto& figures = found.figures;
    const auto cpu_before = server->process().cpu_seconds();
    auto began = Clock::now();
    if (one_thread) {
        TapeClient::write_together(all, load);
    } else {
        at_once([&](TapeClient& client) { client.write(load); });
    }
    figures.write = megabytes / seconds_since(began);
    found.resident_mib = static_cast<double>(server->process().resident_kib()) / 1024;
    at_once([](TapeClient& client) { client.write_filemark(); });
    figures.write_synchronised = megabytes / seconds_since(began);
    at_once([](TapeClient& client) { client.rewind(); });
    began = Clock::now();
    if (one_thread) {
        TapeClient::read_together(all, load);
    } else {
        at_once([&](TapeClient& client) { client.read(load); });
    }
    figures.read = megabytes / seconds_since(began);
    figures.cpu = (server->process().cpu_seconds() - cpu_before) / (2 * megabytes / 1073.741824);
    return found;
}

void stream_in_parallel(const Options& options) {
    std::map<std::pair<bool, int>, std::vector<Figures>> rows;
    std::map<std::pair<bool, int>, std::vector<double>> resident;
    for (int round = 0; round < options.rounds; ++round) {
        for (const bool one_thread : {false, true}) {
            for (const int sessions : {1, 2, 8}) {
                const auto found = sessions_at_once(options, sessions, one_thread);
                rows[{one_thread, sessions}].push_back(found.figures);
                resident[{one_thread, sessions}].push_back(found.resident_mib);
            }
        }
    }
    std::printf(
        "\nParallel sessions, 262144-byte blocks, depth 4, %llu MB, median of %d rounds\n\n",
        static_cast<unsigned long long>(options.megabytes), options.rounds);
    std::printf("| %-28s | %7s | %7s | %7s | %5s | RSS, MiB\n", "sessions", "write", "synced",
                "read", "CPU/G");
    for (const auto& [what, figures] : rows) {
        print_row(std::to_string(what.second) + (what.first ? ", one thread" : ", a thread each"),
                  figures);
        std::printf("%55s resident: %.0f\n", "", median(resident[what]));
    }
    std::fflush(stdout);
}

// Microseconds of a command, the median of some hundred.
template <typename Make>
double command_time(TapeClient& client, Make make) {
    constexpr std::uint64_t samples = 400;
    std::vector<double> times;
    for (std::uint64_t i = 0; i < samples; ++i) {
        const std::vector<std::uint8_t> cdb = make(i);
        const auto began = Clock::now();
        if (client.command(cdb) != 0) throw Failure("a movement failed");
        times.push_back(seconds_since(began) * 1e6);
    }
    return median(times);
}

std::vector<std::uint8_t> locate(std::uint64_t object) {
    const auto byte = [object](int shift) { return static_cast<std::uint8_t>(object >> shift); };
    return {0x2b, 0, 0, byte(24), byte(16), byte(8), byte(0), 0, 0, 0};
}

// SPACE over so many filemarks.
std::vector<std::uint8_t> space(std::int64_t filemarks) {
    const auto byte = [filemarks](int shift) {
        return static_cast<std::uint8_t>(filemarks >> shift);
    };
    return {0x11, 1, byte(16), byte(8), byte(0), 0};
}

// LOCATE and SPACE to places all over a recording of short blocks, with a filemark behind each
// thousand: in a small one, and in one of as many as asked for. The first one's places are in
// memory as the second one's are: what differs is how much there is to search.
void find_places(const Options& options) {
    constexpr std::uint64_t blocks_of_a_file = 1000;
    std::printf("\nPlaces among short blocks, microseconds of a command, medians\n\n");
    std::printf("| %-28s | %9s | %7s | %7s | %7s |\n", "", "blocks", "nothing", "LOCATE", "SPACE");
    for (const auto kind : kinds(options)) {
        if (kind == Kind::front_end) continue;
        for (const auto blocks : {options.positions / 100, options.positions}) {
            const Folder folder(options.folder);
            const auto server = start(kind, folder.path(), 1);
            const auto tape = server->tapes().front();
            TapeClient client(tape.portal, tape.target, tape.lun, "iqn.2026-01.bench:host");
            client.wait_until_ready();
            const auto files = blocks / blocks_of_a_file;
            for (std::uint64_t i = 0; i < files; ++i) {
                client.write({64, blocks_of_a_file, 16});
                if (client.command({0x10, 1, 0, 0, 1, 0}) != 0) throw Failure("no filemark");
            }
            client.rewind();
            const auto nothing = command_time(
                client, [](std::uint64_t) { return std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0}; });
            const auto located = command_time(
                client, [blocks](std::uint64_t i) { return locate(i * 7'919'317 % blocks); });
            client.rewind();
            // There and back again.
            const auto spaced = command_time(client, [files](std::uint64_t i) {
                const auto away = static_cast<std::int64_t>(1 + i / 2 * 7919 % (files - 1));
                return space(i % 2 == 0 ? away : -away);
            });
            std::printf("| %-28s | %9llu | %7.0f | %7.0f | %7.0f |\n", name_of(kind).c_str(),
                        static_cast<unsigned long long>(blocks), nothing, located, spaced);
            std::fflush(stdout);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    bool serve = false;
    CLI::App app("Benchmark of iSCSI tapes on loopback");
    app.add_option("--megabytes", options.megabytes, "of each stream of 256 KiB blocks");
    app.add_option("--megabytes-small", options.megabytes_small, "of each stream of 10 KiB blocks");
    app.add_option("--rounds", options.rounds, "of which the median is shown");
    app.add_option("--only", options.only,
                   "\"vtld\", \"vtld, front end alone\", \"tgt\", \"istgt\"");
    app.add_option("--depth", options.depths, "commands under way at a time: 1 and 4");
    app.add_option("--block-length", options.block_lengths, "bytes: 262144 and 10240");
    app.add_option("--folder", options.folder, "where the cartridges are made");
    app.add_option(
        "--positions", options.positions,
        "short blocks to find places among, 10000 or more, and nothing else is measured");
    app.add_flag("--cold", options.cold, "read streams from the disk, not from memory");
    app.add_flag("!--no-parallel", options.parallel, "no parallel sessions");
    app.add_flag("!--no-streams", options.streams, "nothing but parallel sessions");
    app.add_flag("--serve-front-end", serve)->group("");
    CLI11_PARSE(app, argc, argv);
    if (serve) return serve_front_end();
    print_congestion_control();
    try {
        if (options.positions > 0) {
            find_places(options);
            return 0;
        }
        for (const auto block_length : options.block_lengths) {
            if (!options.streams) break;
            for (const int depth : options.depths)
                stream(options, block_length, depth);
        }
        if (options.parallel && is_installed(Kind::ours)) stream_in_parallel(options);
    } catch (const Failure& failure) {
        std::printf("%s\n", failure.what());
    }
    return 0;
}
