#include "drive_iface/web/exchange.hpp"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <string_view>

namespace drive_iface::web {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t written_at_once = std::size_t{64} * 1024;

// The head from memory, the answer to the socket.
class SocketAnswer final : public httplib::Stream {
  public:
    SocketAnswer(int socket, std::string_view head, std::chrono::milliseconds piece_within)
        : socket_(socket), head_(head), piece_within_(piece_within) {}

    bool is_readable() const override { return !head_.empty(); }
    bool is_writable() const override { return !failed_; }
    ssize_t read(char* into, size_t size) override {
        const auto count = head_.copy(into, size);
        head_.remove_prefix(count);
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* from, size_t size) override {
        for (size_t at = 0; at < size;) {
            const auto piece = std::min(size - at, written_at_once);
            if (failed_ || !write_piece(from + at, piece)) {
                failed_ = true;
                return -1;
            }
            at += piece;
        }
        return static_cast<ssize_t>(size);
    }
    // The server has looked who it is.
    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    // The library compares it with the highest number that fits select(), which is not used here.
    socket_t socket() const override { return 0; }

    bool failed() const { return failed_; }

  private:
    bool write_piece(const char* from, size_t size) const;

    int socket_;
    std::string_view head_;
    std::chrono::milliseconds piece_within_;
    bool failed_ = false;
};

bool SocketAnswer::write_piece(const char* from, size_t size) const {
    const auto latest = Clock::now() + piece_within_;
    while (size > 0) {
        const auto sent = ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            from += sent;
            size -= static_cast<size_t>(sent);
            continue;
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return false;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(latest - Clock::now());
        pollfd waiting{.fd = socket_, .events = POLLOUT, .revents = 0};
        if (left.count() <= 0) return false;
        const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
        if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
    }
    return true;
}

// RFC 9110 and the defences of the page: nothing from elsewhere, nothing to elsewhere.
const httplib::Headers& headers_of_all() {
    static const httplib::Headers headers{
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
         "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"Accept-Ranges", "none"},
        {"Cache-Control", "no-store"}};
    return headers;
}

// False: the answer is broken off.
bool write_next_piece(Body& body, httplib::DataSink& sink, bool chunked) {
    auto piece = body.next();
    if (!piece) return false;
    if (piece->empty()) {
        if (!chunked) return false;  // shorter than announced
        sink.done();
        return true;
    }
    const void* bytes = piece->data();
    return sink.write(static_cast<const char*>(bytes), piece->size());
}

void put_answer(Answer answer, httplib::Response& response) {
    response.status = answer.status;
    if (answer.status == 405) response.set_header("Allow", "GET, HEAD");
    if (answer.status == 503) response.set_header("Retry-After", "2");
    if (!answer.file_name.empty()) {
        response.set_header("Content-Disposition",
                            "attachment; filename=\"" + answer.file_name + "\"");
    }
    if (!answer.body || answer.length == 0u) {
        response.set_content(answer.text, answer.type);
        return;
    }
    const std::shared_ptr<Body> body = std::move(answer.body);
    if (answer.length) {
        response.set_content_provider(*answer.length, answer.type,
                                      [body](size_t, size_t, httplib::DataSink& sink) {
                                          return write_next_piece(*body, sink, false);
                                      });
    } else {
        response.set_chunked_content_provider(answer.type, [body](size_t, httplib::DataSink& sink) {
            return write_next_piece(*body, sink, true);
        });
    }
}

Request request_of(const httplib::Request& from) {
    Request request;
    request.method = from.method;
    request.path = from.path;
    request.parameters = from.params;
    request.host = from.get_header_value("Host");
    request.fetch_site = from.get_header_value("Sec-Fetch-Site");
    return request;
}

// The handler of the exchange this thread is in.
thread_local const Exchange::Handler* handler_here = nullptr;

void answer_here(const httplib::Request& from, httplib::Response& response) {
    try {
        put_answer((*handler_here)(request_of(from)), response);
    } catch (const std::exception& thrown) {
        put_answer(refusal(500, thrown.what()), response);
    }
}

}  // namespace

class Exchange::Library final : public httplib::Server {
  public:
    explicit Library(std::chrono::milliseconds piece_within) : piece_within_(piece_within) {
        set_default_headers(headers_of_all());
        // Every request is answered here, before the library reads a body or looks for files.
        set_pre_routing_handler([](const httplib::Request& from, httplib::Response& response) {
            answer_here(from, response);
            return HandlerResponse::Handled;
        });
        // Its own ideas of how long connections stay open, which it has no say in here.
        set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
            response.headers.erase("Keep-Alive");
        });
        svr_sock_ = 0;  // it looks at this to see whether it is stopped
    }

    bool answer(int socket, const std::string& head, bool last, const Exchange::Handler& handler) {
        SocketAnswer stream(socket, head, piece_within_);
        bool closed = false;
        handler_here = &handler;
        const bool written = process_request(stream, last, closed, nullptr);
        handler_here = nullptr;
        return written && !closed && !last && !stream.failed() && svr_sock_ != INVALID_SOCKET;
    }

    void stop_writing() { svr_sock_ = INVALID_SOCKET; }

  private:
    std::chrono::milliseconds piece_within_;
};

Exchange::Exchange(std::chrono::milliseconds piece_within)
    : library_(std::make_unique<Library>(piece_within)) {}
Exchange::~Exchange() = default;
bool Exchange::answer(int socket, const std::string& head, bool last, const Handler& handler) {
    return library_->answer(socket, head, last, handler);
}
void Exchange::stop() {
    library_->stop_writing();
}

}  // namespace drive_iface::web
