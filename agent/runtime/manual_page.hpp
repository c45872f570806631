#pragma once

// Pages for man(1), in the macros of man(7), made from the same descriptions as --help, the JSON
// Schema and docs/CONFIGURATION.md.

#include <string>
#include <string_view>

#include "agent/runtime/program_options.hpp"

namespace agent::runtime {

// In all texts `backquotes` make bold; everything else stands as it is, whatever roff would make of
// it.
class ManualPage {
  public:
    ManualPage(std::string_view name, int section, std::string_view summary);

    void section(std::string_view title);
    void subsection(std::string_view title);
    void paragraph(std::string_view text);
    void entry(std::string_view tag, std::string_view text);  // a tag and what it means
    void example(std::string_view lines);                     // lines stay as they are

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
};

// lrad(8) and its like.
[[nodiscard]] std::string program_manual(const ProgramDescription& program);
// lrad.json(5) and its like.
[[nodiscard]] std::string configuration_manual(const ProgramDescription& program);

}  // namespace agent::runtime
