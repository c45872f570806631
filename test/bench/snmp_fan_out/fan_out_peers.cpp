#include "test/bench/snmp_fan_out/fan_out_peers.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

namespace fan_out {

std::string host_name(std::size_t i) {
    return "host-" + std::to_string(i);
}

std::string host_address(std::size_t i) {
    return "127.1." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1);
}

std::string host_engine_id(std::size_t i) {
    std::string id("\x80\x00\x1f\x88\x05", 5);
    for (const int shift : {24, 16, 8, 0})
        id += static_cast<char>(i >> shift & 0xffU);
    return id;
}

const std::string& master_key() {
    static const std::string key = "0123456789abcdef0123456789ABCDEF";
    return key;
}

std::chrono::microseconds processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

void print_rounds(std::vector<double> rounds_ms, std::chrono::microseconds cpu, std::size_t hosts) {
    std::sort(rounds_ms.begin(), rounds_ms.end());
    const auto at = [&](double part) {
        return rounds_ms.at(
            static_cast<std::size_t>(static_cast<double>(rounds_ms.size() - 1) * part));
    };
    std::printf("{\"rounds\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.2f}\n",
                rounds_ms.size(), at(0.5), at(0.99),
                static_cast<double>(cpu.count()) / static_cast<double>(rounds_ms.size() * hosts));
}

}  // namespace fan_out
