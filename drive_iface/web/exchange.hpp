#pragma once

// One request answered on one socket: the HTTP library behind a plain door. It parses and writes;
// reading sockets, threads and limits are not left to it (docs/WEB.md, "The HTTP library").

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "drive_iface/web/exchange_words.hpp"

namespace drive_iface::web {

class Exchange {
  public:
    using Handler = std::function<Answer(const Request&)>;

    // Whoever takes longer than `piece_within` for 64 KiB of an answer has hung up.
    explicit Exchange(std::chrono::milliseconds piece_within);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // `head` is what read_request_head() left of the request. Blocks until the answer is written;
    // from any number of threads, each with a socket of its own. `last`: the connection is closed
    // behind it. False: so it has to be in any case.
    [[nodiscard]] bool answer(int socket, const std::string& head, bool last,
                              const Handler& handler);
    // Answers that are being written are broken off at the next piece.
    void stop();

  private:
    class Library;
    std::unique_ptr<Library> library_;
};

}  // namespace drive_iface::web
