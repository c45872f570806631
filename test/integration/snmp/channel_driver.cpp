#include "test/integration/snmp/channel_driver.hpp"

#include <csignal>
#include <sstream>

ChannelDriver::ChannelDriver(const std::string& program, const std::vector<std::string>& options)
    : process_({program}) {
    for (const std::string& option : options)
        process_.write(option);
    process_.write("start");
    do {
        first_line_ = process_.read_line(std::chrono::seconds(20)).value_or("");
    } while (first_line_.starts_with("event"));
    std::istringstream words(first_line_);
    std::string word;
    words >> word;
    if (word == "ready") words >> port_ >> engine_id_ >> boots_;
}

// Lines about other things that come before the answer stay unread only if they are counters: tests
// that wait for a message do so before they count.
std::map<std::string, std::uint64_t> ChannelDriver::counters() {
    tell("counters");
    std::istringstream words(wait_for("counters "));
    std::map<std::string, std::uint64_t> result;
    std::string word;
    words >> word;
    while (words >> word) {
        const std::size_t equals = word.find('=');
        result[word.substr(0, equals)] = std::stoull(word.substr(equals + 1));
    }
    return result;
}

std::uint64_t ChannelDriver::count(const std::string& name) {
    return counters().at(name);
}

void ChannelDriver::end() {
    process_.close_input();
    process_.wait();
}

void ChannelDriver::kill() {
    process_.signal(SIGKILL);
    process_.wait();
}
