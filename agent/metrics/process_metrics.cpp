#include "agent/metrics/process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace agent::metrics {

namespace {

std::uint64_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    in >> size >> resident;
    return in ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t open_descriptors() {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    std::uint64_t count = 0;
    while (const dirent* entry = ::readdir(folder))
        count += entry->d_name[0] != '.' ? 1 : 0;
    ::closedir(folder);
    return count - 1;  // the folder itself
}

std::int64_t milliseconds(const timeval& time) {
    return std::int64_t{time.tv_sec} * 1'000 + time.tv_usec / 1'000;
}

}  // namespace

void add_process_metrics(MetricText& text) {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    text.counter("process_cpu_seconds_total", "Processor time taken, user and system.");
    text.seconds(milliseconds(used.ru_utime) + milliseconds(used.ru_stime));
    text.gauge("process_resident_memory_bytes", "Memory that is resident.");
    text.sample(resident_bytes());
    text.gauge("process_open_fds", "Open file descriptors.");
    text.sample(open_descriptors());
}

}  // namespace agent::metrics
