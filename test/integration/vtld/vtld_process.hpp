#pragma once

// A real vtld in a folder of its own, on a port of its own.

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>

#include "agent/runtime/control_protocol.hpp"

namespace vtld_test {

using nlohmann::json;

inline const std::string first_drive = "VT00000001";

class VtldProcess {
  public:
    // Two drives, VT00000001 and VT00000002. `iscsi` is merged into that section of the
    // configuration, and the sections of `more` take the place of those.
    explicit VtldProcess(const json& iscsi = json::object(), const json& more = json::object());
    ~VtldProcess();  // ends it, and removes the folder
    VtldProcess(const VtldProcess&) = delete;
    VtldProcess& operator=(const VtldProcess&) = delete;

    void start();
    int stop();   // SIGTERM; exit status
    void kill();  // SIGKILL
    void signal(int number) const;

    // Fails the test when the answer is an error.
    json call(const std::string& method, const json& params = json::object()) const;
    [[nodiscard]] agent::runtime::ControlAnswer ask(const std::string& method,
                                                    const json& params) const;

    [[nodiscard]] std::string log() const;  // since its first start

    [[nodiscard]] std::string portal() const;  // "127.0.0.1:PORT"
    [[nodiscard]] int port() const;
    [[nodiscard]] std::string target(const std::string& serial) const;
    [[nodiscard]] std::string reservation_state(const std::string& serial) const;
    // Waits, at most 10 s, until the drive's reservation is in this state.
    [[nodiscard]] bool becomes(const std::string& serial, const std::string& state) const;
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] const std::string& configuration_file() const { return configuration_file_; }

  private:
    std::string folder_;
    std::string socket_;
    std::string configuration_file_;
    pid_t pid_ = -1;
};

// What a program prints on stdout and stderr, and its exit status.
struct ProgramRun {
    int status = -1;
    std::string output;
};
[[nodiscard]] ProgramRun run_program(const std::string& command_line);

}  // namespace vtld_test
