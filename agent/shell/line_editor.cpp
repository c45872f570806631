#include "agent/shell/line_editor.hpp"

#include <fcntl.h>
#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "agent/runtime/descriptor.hpp"
#include "agent/shell/screen.hpp"

namespace agent::shell {
namespace {

constexpr int history_lines_max = 1000;

struct EndEditLine {
    void operator()(EditLine* editor) const { el_end(editor); }
};
struct EndHistory {
    void operator()(History* history) const { history_end(history); }
};

// Only the owner may read what was typed. Made before libedit writes it, which keeps the mode.
bool make_private_file(const std::string& path) {
    const runtime::Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file && ::fchmod(file.get(), 0600) == 0;
}

std::string listed(const std::vector<std::string>& candidates) {
    std::string text;
    for (const std::string& candidate : candidates) {
        text += (text.empty() ? "" : "  ") + printable(candidate);
    }
    return paragraph(text, 0, screen_of(STDOUT_FILENO));
}

}  // namespace

class LineEditor::Terminal {
  public:
    Terminal(std::string file, Completer completer)
        : history_file_(std::move(file)),
          completer_(std::move(completer)),
          history_(history_init()),
          editor_(el_init("lractl", stdin, stdout, stderr)) {
        set_up_history();
        if (editor_) set_up_editor();
    }

    Line read(const std::string& prompt) {
        if (!editor_) return {};
        prompt_ = prompt;
        cancelled_ = false;
        int count = 0;
        // el_gets would show the prompt first and take the terminal over afterwards: a Ctrl-D typed
        // in between is lost.
        el_set(editor_.get(), EL_PREP_TERM, 1);
        const char* text = el_gets(editor_.get(), &count);
        if (cancelled_) return {Line::Kind::cancelled, {}};
        if (text == nullptr || count <= 0) return {};
        std::string line(text, static_cast<std::size_t>(count));
        line.erase(line.find_last_not_of("\r\n") + 1);
        return {Line::Kind::typed, std::move(line)};
    }

    void remember(const std::string& line) {
        if (!history_) return;
        HistEvent event{};
        history(history_.get(), &event, H_ENTER, line.c_str());
        if (!history_file_.empty()) history(history_.get(), &event, H_SAVE, history_file_.c_str());
    }

  private:
    static Terminal& self(EditLine* editor) {
        void* data = nullptr;
        el_get(editor, EL_CLIENTDATA, &data);
        return *static_cast<Terminal*>(data);
    }

    static char* prompt_of(EditLine* editor) noexcept { return self(editor).prompt_.data(); }

    // The terminal does not turn Ctrl-C into a signal while a line is typed (see set_up_editor).
    static unsigned char cancel(EditLine* editor, int) noexcept {
        self(editor).cancelled_ = true;
        std::fputs("^C\n", stdout);
        return CC_EOF;
    }

    static unsigned char complete_word(EditLine* editor, int) noexcept {
        try {
            return self(editor).complete();
        } catch (...) {  // nothing may travel through libedit; the line stays as it was
            return CC_ERROR;
        }
    }

    unsigned char complete() {
        const LineInfo* line = el_line(editor_.get());
        const Completion completion =
            completer_({line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)});
        if (completion.candidates.empty()) return CC_ERROR;
        std::string more =
            common_beginning(completion.candidates).substr(completion.unfinished.size());
        if (completion.candidates.size() == 1) more += ' ';
        if (more.empty()) {
            std::fputs(("\n" + listed(completion.candidates)).c_str(), stdout);
            return CC_REDISPLAY;
        }
        return el_insertstr(editor_.get(), more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }

    void set_up_history() {
        if (!history_) return;
        HistEvent event{};
        history(history_.get(), &event, H_SETSIZE, history_lines_max);
        history(history_.get(), &event, H_SETUNIQUE, 1);
        if (history_file_.empty() || !make_private_file(history_file_)) {
            history_file_.clear();
            return;
        }
        history(history_.get(), &event, H_LOAD, history_file_.c_str());
    }

    void set_up_editor() {
        EditLine* editor = editor_.get();
        el_set(editor, EL_CLIENTDATA, static_cast<void*>(this));
        el_set(editor, EL_PROMPT, &Terminal::prompt_of);
        el_set(editor, EL_EDITOR, "emacs");
        if (history_) el_set(editor, EL_HIST, history, history_.get());
        el_set(editor, EL_ADDFN, "complete-word", "what can follow", &Terminal::complete_word);
        el_set(editor, EL_BIND, "^I", "complete-word", nullptr);
        el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
        // No signal characters while a line is edited ("-d": the terminal's editing mode); commands
        // run with the terminal as it was, and there Ctrl-C is a signal again.
        el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
        el_set(editor, EL_ADDFN, "cancel-line", "forget this line", &Terminal::cancel);
        el_set(editor, EL_BIND, "^C", "cancel-line", nullptr);
    }

    std::string history_file_;
    Completer completer_;
    std::string prompt_;
    bool cancelled_ = false;
    std::unique_ptr<History, EndHistory> history_;
    std::unique_ptr<EditLine, EndEditLine> editor_;
};

LineEditor::LineEditor(const std::string& history_file, Completer completer)
    : terminal_(std::make_unique<Terminal>(history_file, std::move(completer))) {}
LineEditor::~LineEditor() = default;
LineEditor::Line LineEditor::read(const std::string& prompt) {
    return terminal_->read(prompt);
}
void LineEditor::remember(const std::string& line) {
    terminal_->remember(line);
}

std::string history_file() {
    namespace fs = std::filesystem;
    const char* state = std::getenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    fs::path folder;
    if (state != nullptr && *state == '/') {
        folder = state;
    } else if (home != nullptr && *home == '/') {
        folder = fs::path{home} / ".local" / "state";
    } else {
        return {};
    }
    folder /= "lractl";
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return {};
    fs::permissions(folder, fs::perms::owner_all, error);
    return folder / "history";
}

}  // namespace agent::shell
