#pragma once

// One host: its folder, its sample backup application with the drive "LTO 1", and a real dsad
// process.

#include <sys/types.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/host/command.hpp"
#include "agent/runtime/control_protocol.hpp"
#include "controller.hpp"

namespace test_dsad {

inline constexpr const char* serial = "VT00000001";
inline constexpr const char* own_port = "iqn.2026-01.example:own";
inline constexpr const char* foreign_port = "iqn.2026-01.example:foreign";

// A new folder of mode 0700 below /tmp.
std::string make_folder(const std::string& what);

class Scene {
  public:
    Scene();   // an agent with a name of its own, not started
    ~Scene();  // ends the process with SIGKILL if it is there
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    // dsad.json, to be changed before start() or write_configuration().
    nlohmann::json configuration;
    void write_configuration() const;
    [[nodiscard]] std::string configuration_file() const { return folder_ + "/dsad.json"; }

    // Starts dsad, introduces it to the controller and waits until it has said "started".
    void start();
    void signal(int number) const;
    // Exit status, or 128 + signal. The controller answers meanwhile, or does not.
    int wait_for_end();
    int wait_for_end_without_controller();

    [[nodiscard]] const std::string& agent() const { return agent_; }
    agent::runtime::ControlAnswer ask(const std::string& method,
                                      const nlohmann::json& params = nlohmann::json::object());
    nlohmann::json answer(const std::string& method,
                          const nlohmann::json& params = nlohmann::json::object());

    // The sample backup application.
    agent::host::CommandOutcome application(std::vector<std::string> words) const;
    [[nodiscard]] std::string drive_state() const;  // "drive LTO 1 is online\n"
    [[nodiscard]] std::string history() const;
    [[nodiscard]] std::string log() const;

  private:
    int wait_for_end_while(void (*meanwhile)());

    std::string agent_;
    std::string folder_;
    snmp_mib::UsmUserConfiguration user_;
    pid_t pid_ = -1;
};

// Runs a program to its end with a timeout.
agent::host::CommandOutcome run_program(std::vector<std::string> argv);

}  // namespace test_dsad
