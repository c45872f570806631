// Serves TAPE-LIBRARY-RESERVATION-MIB for lrad, in a process of its own: the query parser faces the
// network, and if it hangs or dies the handshake goes on. The first line on standard input says how
// to serve, every further line what. Ends when standard input does. Says "ready PORT" on standard
// output.

#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "snmp_mib/mib_rows_json.hpp"
#include "snmp_mib/mib_server.hpp"

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;
constexpr int exit_configuration = 42;

class Server {
  public:
    // 0 to go on, otherwise the exit status.
    int take(std::string_view line) {
        if (!agent_) return start(line);
        const agent::core::Result<snmp_mib::MibRows> rows = snmp_mib::rows_from_json_line(line);
        if (!rows) {
            std::cerr << "lra-mibd: " << rows.error().message << '\n';  // the rows before stay
            return 0;
        }
        agent_->serve(*rows);
        return 0;
    }
    void answer_until_input() {
        if (agent_) agent_->answer_until_readable(STDIN_FILENO);
    }

  private:
    int start(std::string_view line) {
        const agent::core::Result<snmp_mib::MibServerConfiguration> configuration =
            snmp_mib::configuration_from_json_line(line);
        if (!configuration) return fail(configuration.error());
        auto opened = snmp_mib::MibServer::open(*configuration, [](const std::string& text) {
            std::cerr << "lra-mibd: " << text << '\n';
        });
        if (!opened) return fail(opened.error());
        agent_ = std::move(opened).value();
        std::cout << "ready " << agent_->port() << std::endl;
        return 0;
    }
    static int fail(const agent::core::Error& error) {
        std::cerr << "lra-mibd: " << error.message << '\n';
        return exit_configuration;
    }
    std::unique_ptr<snmp_mib::MibServer> agent_;
};

int serve_input() {
    Server server;
    std::string buffered;
    std::array<char, 65'536> piece{};
    for (;;) {
        server.answer_until_input();
        const ssize_t length = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (length < 0 && errno == EINTR) continue;
        if (length <= 0) return length == 0 ? 0 : exit_failure;
        buffered.append(piece.data(), static_cast<std::size_t>(length));
        std::size_t end = 0;
        while ((end = buffered.find('\n')) != std::string::npos) {
            const int status = server.take(std::string_view(buffered).substr(0, end));
            if (status != 0) return status;
            buffered.erase(0, end + 1);
        }
        if (buffered.size() > snmp_mib::mib_line_length_max) {
            std::cerr << "lra-mibd: a line is longer than a snapshot can be\n";
            return exit_failure;
        }
    }
}

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
    try {
        return serve_input();
    } catch (const std::exception& problem) {
        std::cerr << "lra-mibd: " << problem.what() << '\n';
        return exit_failure;
    }
}
