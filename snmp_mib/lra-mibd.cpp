// Serves TAPE-LIBRARY-RESERVATION-MIB for lrad, in a process of its own: the query parser faces the
// network, and if it hangs or dies the handshake goes on. The first line on standard input says how
// to serve, every further line what. Ends when standard input does. What it says on standard output
// stands in helper_line.hpp.

#include <sys/prctl.h>
#include <unistd.h>
#include <csignal>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "snmp_mib/feeder_input.hpp"
#include "snmp_mib/helper_line.hpp"
#include "snmp_mib/mib_rows_json.hpp"
#include "snmp_mib/mib_server.hpp"

namespace {

constexpr int exit_usage = 2;
constexpr int exit_configuration = 42;
// Counts are told at most this often, when they have changed.
constexpr int count_interval_ms = 1'000;
// Less than the patience of the usual tools, which is a second, and a resend.
constexpr int change_patience_ms = 2'000;

void say(const snmp_mib::HelperLine& line) {
    std::cout << snmp_mib::to_line(line) << std::endl;
}

class Server {
  public:
    explicit Server(int descriptor) : descriptor_(descriptor), input_(descriptor) {}

    int serve() {
        for (;;) {
            // Also what came beside the answer to a question.
            while (const auto line = input_.next()) {
                if (const int status = take(*line); status != 0) return status;
            }
            if (agent_) {
                agent_->answer_until_readable(descriptor_, count_interval_ms);
                tell_counts();
            }
            if (!readable_or_first()) continue;
            const agent::core::Result<bool> more = input_.read();
            if (!more) return fail(more.error());
            if (!*more) return 0;
        }
    }

  private:
    // answer_until_readable() also returns when its time is over.
    bool readable_or_first() {
        if (!agent_) return true;
        fd_set set;
        FD_ZERO(&set);
        FD_SET(descriptor_, &set);
        timeval now{};
        return ::select(descriptor_ + 1, &set, nullptr, nullptr, &now) > 0;
    }

    // 0 to go on, otherwise the exit status.
    int take(std::string_view line) {
        if (!agent_) return start(line);
        if (snmp_mib::change_answer_from(line)) return 0;  // to a question that was given up
        const agent::core::Result<snmp_mib::MibRows> rows = snmp_mib::rows_from_json_line(line);
        if (!rows) {
            std::cerr << "lra-mibd: " << rows.error().message << '\n';  // the rows before stay
            return 0;
        }
        agent_->serve(*rows);
        return 0;
    }

    int start(std::string_view line) {
        const agent::core::Result<snmp_mib::MibServerConfiguration> configuration =
            snmp_mib::configuration_from_json_line(line);
        if (!configuration) return fail(configuration.error(), exit_configuration);
        auto opened = snmp_mib::MibServer::open(
            *configuration,
            {.log = [](const std::string& text) { std::cerr << "lra-mibd: " << text << '\n'; },
             .change_drive = [this](const snmp_mib::DriveChange& change) { return ask(change); },
             .master = [](bool connected) { say(snmp_mib::HelperMaster{connected}); }});
        if (!opened) return fail(opened.error(), exit_configuration);
        agent_ = std::move(opened).value();
        say(snmp_mib::HelperReady{agent_->port()});
        return 0;
    }

    agent::core::Outcome ask(const snmp_mib::DriveChange& change) {
        say(snmp_mib::DriveChangeRequest{++questions_, change});
        return input_.wait_for_answer(questions_, change_patience_ms);
    }

    void tell_counts() {
        snmp_mib::HelperCounts now = agent_->counts();
        if (now == told_) return;
        say(now);
        told_ = std::move(now);
    }

    static int fail(const agent::core::Error& error, int status = 1) {
        std::cerr << "lra-mibd: " << error.message << '\n';
        return status;
    }

    int descriptor_;
    snmp_mib::FeederInput input_;
    std::unique_ptr<snmp_mib::MibServer> agent_;
    std::uint64_t questions_ = 0;
    snmp_mib::HelperCounts told_;
};

}  // namespace

int main(int argc, char* argv[]) {
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::cout << "lra-mibd " LRA_VERSION "\n";
        return 0;
    }
    if (argc == 2 && std::string_view(argv[1]) == "--help") {
        std::cout << "lra-mibd serves TAPE-LIBRARY-RESERVATION-MIB for lrad, which starts it and "
                     "feeds it on its\n"
                     "standard input (docs/SNMP.md). It has no use of its own and no configuration "
                     "file.\n";
        return 0;
    }
    if (argc > 1) {
        std::cerr << "lra-mibd: takes no arguments but --help and --version\n";
        return exit_usage;
    }
    // Nothing is left of it when lrad is killed while a master that hangs is waited for.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_IGN);
    try {
        return Server(STDIN_FILENO).serve();
    } catch (const std::exception& problem) {
        std::cerr << "lra-mibd: " << problem.what() << '\n';
        return 1;
    }
}
