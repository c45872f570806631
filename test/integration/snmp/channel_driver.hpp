#pragma once

// Drives snmp_channel_process from a test.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "test/integration/snmp/child_process.hpp"

class ChannelDriver {
  public:
    // `options` are its lines before "start".
    ChannelDriver(const std::string& program, const std::vector<std::string>& options);

    [[nodiscard]] bool ready() const { return port_ != 0; }
    [[nodiscard]] const std::string& first_line() const { return first_line_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] const std::string& engine_id() const { return engine_id_; }
    [[nodiscard]] unsigned boots() const { return boots_; }
    [[nodiscard]] pid_t pid() const { return process_.pid(); }

    void tell(const std::string& line) { process_.write(line); }
    std::string wait_for(const std::string& text, int patience_ms = 10'000) {
        return process_.wait_for(text, std::chrono::milliseconds(patience_ms));
    }
    std::uint64_t count(const std::string& name);
    std::map<std::string, std::uint64_t> counters();
    void end();
    void kill();

  private:
    ChildProcess process_;
    std::string first_line_;
    std::uint16_t port_ = 0;
    std::string engine_id_;
    unsigned boots_ = 0;
};
