#pragma once

// The far ends of a control socket that lractl is tested with: one made of the real ControlServer
// whose answers are given by the test, and one that says any bytes at all.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "agent/runtime/control_server.hpp"

struct TemporaryFolder {
    std::filesystem::path path;
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path / name; }
};

// Work that takes long: `method` is answered when `until` was called.
struct HeldAnswer {
    std::string method;
    std::string until;
    agent::runtime::ControlAnswer answer;
};

// Answers every method of the command table: {"method":..., "params":...} unless `answers` has
// something else.
class ScriptedDaemon {
  public:
    explicit ScriptedDaemon(const std::string& socket,
                            std::map<std::string, agent::runtime::ControlAnswer> answers = {},
                            std::optional<HeldAnswer> held = {});
    ~ScriptedDaemon();
    ScriptedDaemon(const ScriptedDaemon&) = delete;
    ScriptedDaemon& operator=(const ScriptedDaemon&) = delete;

    // Again and again until the daemon ends: a client may subscribe at any time.
    void publish(const nlohmann::json& event);

  private:
    class Loop;
    std::unique_ptr<Loop> loop_;
    std::thread thread_;
};

// Accepts once, reads a request, sends `bytes` and closes.
class BrokenDaemon {
  public:
    BrokenDaemon(const std::string& socket, std::string bytes);
    ~BrokenDaemon();
    BrokenDaemon(const BrokenDaemon&) = delete;
    BrokenDaemon& operator=(const BrokenDaemon&) = delete;

  private:
    int listener_ = -1;
    std::thread thread_;
};

// Accepts connections (the kernel does) and never says anything.
class SilentDaemon {
  public:
    explicit SilentDaemon(const std::string& socket);
    ~SilentDaemon();
    SilentDaemon(const SilentDaemon&) = delete;
    SilentDaemon& operator=(const SilentDaemon&) = delete;

  private:
    int listener_ = -1;
};
