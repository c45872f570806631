#pragma once

// The processes of a node's server: started as a child of this one, ended by their numbers and seen
// to have ended, whoever has started them. Belongs to one thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/postgres/server_folder.hpp"

namespace agent::postgres {

// Before a program's words: it runs as the server's user, without the rights of this process, and
// gets the signal ("INT") when the thread ends that has started it.
[[nodiscard]] std::vector<std::string> words_before(const ServerOwner& owner,
                                                    const std::string& signal);

// Every process that works in this folder: a server's processes all do. Found in /proc.
[[nodiscard]] std::vector<pid_t> processes_in(const std::string& folder);

// A server that was killed leaves its file, by which the next one sees whether anybody still works
// on the data. When its number is somebody else's by now the next one would not start.
void remove_false_pid_file(const std::string& data);

// Programs that a killed process of ours has left at work on these data, complete or being made,
// are ended; false: one does not die. What works elsewhere, on a backup of them say, is let alone.
[[nodiscard]] bool end_programs_at(const ServerPaths& paths);

// A descriptor that is readable when the process has ended.
class ProcessEnd {
  public:
    explicit ProcessEnd(pid_t process);
    ~ProcessEnd();
    ProcessEnd(const ProcessEnd&) = delete;
    ProcessEnd& operator=(const ProcessEnd&) = delete;
    // Waits at most so long.
    [[nodiscard]] bool has_ended(core::Duration within) const;
    // false: there was no descriptor for it, and nobody sees the end.
    [[nodiscard]] bool is_seen() const { return descriptor_ >= 0; }

  private:
    int descriptor_;
};

enum class StopHow : std::uint8_t {
    in_order,  // sessions are cut, the log is closed with a record of the stop
    at_once,   // as after a crash
};
struct Stopped {
    bool down = true;     // nothing of it runs any more
    bool killed = false;  // it did not end when asked to
    int stranger = 0;     // process of a server that was not started here
};

class ServerProcess {
  public:
    ServerProcess(const ServerFolder& folder, std::string programs);
    // Kills it.
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    // It runs then; whether it starts up well is another question. Its output goes to the log.
    [[nodiscard]] core::Outcome start();
    [[nodiscard]] bool is_running() const;
    [[nodiscard]] std::shared_ptr<ProcessEnd> end() const { return end_; }
    // It reads its settings anew.
    void reload() const;
    // Also a server that somebody else has started in these data. Waits as long as `within` for an
    // orderly end (at_once: two seconds), then kills. `hurried`, asked meanwhile: it is to be at
    // once after all.
    [[nodiscard]] Stopped stop(StopHow how, core::Duration within,
                               const std::function<bool()>& hurried = {});
    // The last complaint in its log since it was started; empty: none.
    [[nodiscard]] std::string last_words() const;
    // So that the log has an end.
    void trim_log() const;

  private:
    void reap();
    const ServerFolder& folder_;
    std::string programs_;
    pid_t process_ = -1;
    std::shared_ptr<ProcessEnd> end_;  // shared with whoever waits for the end on another thread
    off_t log_begin_ = 0;
};

}  // namespace agent::postgres
