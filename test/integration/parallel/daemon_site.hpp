#pragma once

// A real vtld with a parallel and an ordinary drive in a folder of its own, and the real programs
// that use it: tar and its like through vtl-rsh, lractl, libiscsi.

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace library_test {

using nlohmann::json;

inline constexpr const char* parallel_drive = "VT00000001";
inline constexpr const char* ordinary_drive = "VT00000002";

struct ProgramRun {
    int status = -1;
    std::string output;  // stdout and stderr
};

class DaemonSite {
  public:
    // Storage folders below the site's folder. `small_folder`, when given, is a file system of
    // `small_size` ("12m") that only vtld sees; small_folder_possible() tells whether that is
    // allowed here.
    struct Wanted {
        std::vector<std::string> folders{"a", "b"};
        std::string small_folder{};
        std::string small_size{};
    };
    DaemonSite() : DaemonSite(Wanted{}) {}
    explicit DaemonSite(const Wanted& wanted);
    ~DaemonSite();  // ends vtld, and removes the folder
    DaemonSite(const DaemonSite&) = delete;
    DaemonSite& operator=(const DaemonSite&) = delete;

    [[nodiscard]] static bool small_folder_possible();

    void start();
    void kill();  // SIGKILL

    // A shell command in the folder; `$RSH` is vtl-rsh.
    [[nodiscard]] ProgramRun run(const std::string& command) const;
    // It has to succeed. Its output.
    std::string good(const std::string& command) const;
    // lractl --json, which has to succeed.
    [[nodiscard]] json lractl(const std::string& words) const;
    [[nodiscard]] json write_session(int identifier) const;
    [[nodiscard]] bool becomes(const std::function<bool()>& condition) const;

    [[nodiscard]] std::string portal() const;
    [[nodiscard]] std::string target(const std::string& serial) const;
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] std::string lractl_words() const;

  private:
    Wanted wanted_;
    std::string folder_;
    pid_t pid_ = -1;
};

inline const std::string tar = "tar --rsh-command=\"$RSH\" --rmt-command=rmt ";

}  // namespace library_test
