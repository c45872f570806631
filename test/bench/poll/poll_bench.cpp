// What does it cost to look at a drive? Processor time of one look by DrivePoller, beside that of
// the program a user's script would start for each look, in the same run.
//
//   poll_bench [--drives N] [--seconds S] [--poll MS] DEVICE... [-- PROGRAM ARGUMENT...]
//
// DEVICE is /dev/sgN or iscsi://HOST:PORT/TARGET/LUN; N pollers share the devices out among them,
// each with a thread and a path of its own; over iSCSI a second time at a desk, as lrad has them.
// PROGRAM is started again and again for as long.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/sg_transport.hpp"

using drive_iface::DrivePoller;
using drive_iface::DrivePollerOptions;

namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
    std::size_t drives = 128;
    int seconds = 10;
    int poll_ms = 500;
    std::vector<std::string> devices;
    std::vector<char*> program;
};

double cpu_seconds(int who) {
    rusage usage{};
    getrusage(who, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long context_switches() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

std::unique_ptr<drive_iface::Transport> open_device(const std::string& device, std::size_t number) {
    if (device.rfind("iscsi:", 0) != 0) {
        auto opened = drive_iface::make_sg_transport(device);
        if (opened) return std::move(opened).value();
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return nullptr;
    }
    drive_iface::IscsiTransportOptions options;
    options.url = device;
    options.initiator_name = "iqn.2026-01.invalid.lra:poll-bench-" + std::to_string(number);
    options.isid = static_cast<std::uint32_t>(number + 1);
    auto opened = drive_iface::make_iscsi_transport(std::move(options));
    if (opened) return std::move(opened).value();
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return nullptr;
}

Arguments read_arguments(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--") {
            for (int rest = i + 1; rest < argc; ++rest)
                arguments.program.push_back(argv[rest]);
            break;
        }
        if (word == "--drives" && i + 1 < argc) {
            arguments.drives = std::strtoul(argv[++i], nullptr, 10);
        } else if (word == "--seconds" && i + 1 < argc) {
            arguments.seconds = std::atoi(argv[++i]);
        } else if (word == "--poll" && i + 1 < argc) {
            arguments.poll_ms = std::atoi(argv[++i]);
        } else {
            arguments.devices.push_back(word);
        }
    }
    return arguments;
}

struct Cost {
    double looks = 0;
    double cpu = 0;
    double wall = 0;
    [[nodiscard]] double us_each() const { return looks > 0 ? cpu / looks * 1e6 : 0; }
};

void print(const char* what, const Cost& cost) {
    std::printf("%-28s %8.0f looks  %9.1f us of processor time each  %6.2f %% of a core\n", what,
                cost.looks, cost.us_each(), cost.wall > 0 ? 100 * cost.cpu / cost.wall : 0);
}

// `desk`: that all of them share; null: a thread for each.
Cost measure_pollers(const Arguments& arguments,
                     const std::shared_ptr<drive_iface::LookDesk>& desk) {
    asio::io_context loop;
    std::vector<std::unique_ptr<DrivePoller>> pollers;
    std::size_t errors = 0;
    std::string first_error;
    for (std::size_t i = 0; i < arguments.drives; ++i) {
        const auto& device = arguments.devices[i % arguments.devices.size()];
        auto asked = open_device(device, i);
        if (!asked) return {};
        const auto identity = drive_iface::identify(*asked, {10'000});
        if (!identity) {
            std::fprintf(stderr, "%s\n", identity.error().message.c_str());
            return {};
        }
        DrivePollerOptions options;
        options.serial = identity->serial;
        options.poll = {arguments.poll_ms};
        options.desk = desk;
        pollers.push_back(std::make_unique<DrivePoller>(
            loop, options, std::move(asked), [&](const drive_iface::DriveLook& look) {
                if (look.reading) return;
                ++errors;
                first_error = look.reading.error().message;
            }));
    }
    const auto looks = [&] {
        double sum = 0;
        for (const auto& poller : pollers)
            sum += static_cast<double>(poller->counters().looks);
        return sum;
    };
    // The first looks, and the fast ones after them, are not what goes on for years.
    loop.run_for(std::chrono::seconds(4));
    loop.restart();
    const Cost before{looks(), cpu_seconds(RUSAGE_SELF), 0};
    const auto switches = context_switches();
    const auto began = Clock::now();
    loop.run_for(std::chrono::seconds(arguments.seconds));
    const std::chrono::duration<double> lasted = Clock::now() - began;
    const Cost cost{looks() - before.looks, cpu_seconds(RUSAGE_SELF) - before.cpu, lasted.count()};
    std::printf("%zu drives, asked every %d ms; %.2f voluntary switches a look\n", pollers.size(),
                arguments.poll_ms,
                static_cast<double>(context_switches() - switches) / std::max(cost.looks, 1.0));
    if (errors > 0) std::printf("%zu looks failed, %s\n", errors, first_error.c_str());
    return cost;
}

Cost measure_program(std::vector<char*> program, int seconds) {
    program.push_back(nullptr);
    Cost cost{0, -cpu_seconds(RUSAGE_CHILDREN), 0};
    const auto began = Clock::now();
    std::size_t failed = 0;
    std::fflush(nullptr);
    for (;;) {
        const std::chrono::duration<double> lasted = Clock::now() - began;
        cost.wall = lasted.count();
        if (cost.wall >= seconds) break;
        const pid_t child = fork();
        if (child == 0) {
            if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(126);
            execvp(program.front(), program.data());
            _exit(127);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) ++failed;
        ++cost.looks;
    }
    cost.cpu += cpu_seconds(RUSAGE_CHILDREN);
    if (failed > 0) std::printf("%zu runs of %s failed\n", failed, program.front());
    return cost;
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = read_arguments(argc, argv);
    if (arguments.devices.empty() || arguments.drives == 0) {
        std::fprintf(stderr,
                     "usage: poll_bench [--drives N] [--seconds S] [--poll MS] DEVICE... "
                     "[-- PROGRAM ARGUMENT...]\n");
        return 2;
    }
    auto looked = measure_pollers(arguments, nullptr);
    print("DrivePoller, own thread", looked);
    if (arguments.devices.front().starts_with("iscsi:")) {
        const auto desk = drive_iface::LookDesk::open();
        if (!desk) return 1;
        looked = measure_pollers(arguments, *desk);
        print("DrivePoller, at a desk", looked);
    }
    if (arguments.program.empty()) return 0;
    const auto started = measure_program(arguments.program, arguments.seconds);
    print(arguments.program.front(), started);
    if (looked.us_each() > 0) {
        std::printf("%.0f times less processor time a look\n",
                    started.us_each() / looked.us_each());
    }
    return 0;
}
