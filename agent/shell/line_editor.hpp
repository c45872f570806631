#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/shell/completion.hpp"

namespace agent::shell {

// A line typed at a terminal, with history and completion (libedit). One thread; needs a terminal
// on stdin.
class LineEditor {
  public:
    using Completer = std::function<Completion(std::string_view before_cursor)>;

    // `history_file` may be empty: nothing is kept. What can not be read or written is left out
    // silently: a full disk must not keep an operator from working.
    LineEditor(const std::string& history_file, Completer completer);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    struct Line {
        enum class Kind { typed, cancelled, ended };  // cancelled: Ctrl-C; ended: Ctrl-D or hang-up
        Kind kind = Kind::ended;
        std::string text;
    };
    [[nodiscard]] Line read(const std::string& prompt);

    // Into the history, and to disk.
    void remember(const std::string& line);

  private:
    class Terminal;
    std::unique_ptr<Terminal> terminal_;
};

// $XDG_STATE_HOME/lractl/history, by default ~/.local/state/lractl/history (XDG Base Directory
// 0.8). The folder is made; empty when there is no place for it.
[[nodiscard]] std::string history_file();

}  // namespace agent::shell
