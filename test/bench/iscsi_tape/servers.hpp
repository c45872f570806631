#pragma once

// Targets with a tape, each a process of its own with a folder of its own, ended by process id.

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace iscsi_tape {

class Process {
  public:
    // stdout and stderr go to `log`. Throws Failure when it can not be started.
    Process(const std::vector<std::string>& arguments, const std::filesystem::path& log);
    ~Process();  // SIGTERM, and SIGKILL when that does not help
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t id() const { return pid_; }
    [[nodiscard]] double cpu_seconds() const;
    [[nodiscard]] std::size_t resident_kib() const;

  private:
    pid_t pid_ = -1;
};

struct Tape {
    std::string portal;  // "127.0.0.1:PORT"
    std::string target;
    int lun = 0;
};

class Server {
  public:
    virtual ~Server() = default;
    [[nodiscard]] virtual const Process& process() const = 0;
    // With a blank cartridge of at least 2 GiB each.
    [[nodiscard]] virtual std::vector<Tape> tapes() const = 0;
};

enum class Kind { ours, front_end, tgt, istgt };
[[nodiscard]] std::string name_of(Kind kind);
[[nodiscard]] bool is_installed(Kind kind);

// In `folder`, which is there and empty. Throws Failure.
[[nodiscard]] std::unique_ptr<Server> start(Kind kind, const std::filesystem::path& folder,
                                            int drives);

}  // namespace iscsi_tape
