#include "agent/lrad/init_pair_command.hpp"

#include <cstdio>

#include "agent/postgres/init_pair.hpp"
#include "agent/runtime/lrad_configuration.hpp"

namespace agent::lrad {

using runtime::ExitCode;

namespace {

ExitCode make_copy(const std::string& file, bool anew) {
    const auto configuration = runtime::read_lrad_configuration(file);
    if (!configuration.ok()) return runtime::report(configuration.errors);
    const auto& pair = configuration.value->pair;
    if (!pair) {
        std::fprintf(stderr, "lrad: %s has no section \"pair\": this controller has no peer\n",
                     file.c_str());
        return ExitCode::configuration;
    }
    const auto say = [](const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    };
    const auto made =
        postgres::init_pair({pair->database, pair->node.node, pair->node.cluster, anew}, say);
    if (made) return ExitCode::ok;
    std::fprintf(stderr, "lrad: %s\n", made.error().message.c_str());
    return ExitCode::failure;
}

}  // namespace

std::vector<runtime::ProgramQuestion> init_pair_questions() {
    return {{"--init-pair", "",
             "Make this node's copy of the drive table as the section pair says (first node: a new "
             "one; second: copied from the first, where lrad runs), and end. What is there stays",
             [](const std::string& file, const std::string&) { return make_copy(file, false); }},
            {"--init-pair-anew", "", "The same, and data that are there are removed",
             [](const std::string& file, const std::string&) { return make_copy(file, true); }}};
}

}  // namespace agent::lrad
