#pragma once

// What the two programs of this benchmark agree on: where the hosts are, their engines and keys.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace fan_out {

using Clock = std::chrono::steady_clock;

inline constexpr std::uint16_t hosts_port = 16'162;
inline constexpr std::size_t hosts_max = 4'000;

[[nodiscard]] std::string host_name(std::size_t i);       // and its SNMPv3 user
[[nodiscard]] std::string host_address(std::size_t i);    // 127.1.x.y
[[nodiscard]] std::string host_engine_id(std::size_t i);  // bytes
[[nodiscard]] const std::string& master_key();            // of every user, for both protocols

// Processor time of this process so far.
[[nodiscard]] std::chrono::microseconds processor_time();

// One line on standard output: {"rounds":..,"p50_ms":..,"p99_ms":..,"cpu_us":..}; `cpu_us` for each
// host of each round.
void print_rounds(std::vector<double> rounds_ms, std::chrono::microseconds cpu, std::size_t hosts);

}  // namespace fan_out
