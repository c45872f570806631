#include "drive_iface/events/channel_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <asio/post.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/error.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "agent/core/errno_text.hpp"

namespace drive_iface::events {

using namespace agent::core;

namespace {

using Secured = TlsIdentity::Secured;
using TlsSocket = asio::ssl::stream<ChannelStream::Socket>;

Outcome only_its_owner_may_read(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return Error{file + ": " + errno_text(errno)};
    if ((status.st_mode & 077) != 0)
        return Error{file + ": others than its owner have access; run: chmod 600 " + file};
    return Nothing{};
}

Outcome is_valid_now(SSL_CTX* context, const std::string& file) {
    const X509* certificate = SSL_CTX_get0_certificate(context);
    if (certificate == nullptr) return Error{file + ": has no certificate"};
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return Error{file + ": this certificate is not valid yet"};
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return Error{file + ": this certificate has expired"};
    return Nothing{};
}

// The files, each named by whatever is wrong with it.
Outcome load(asio::ssl::context& context, const ChannelTls& tls) {
    if (auto closed = only_its_owner_may_read(tls.certificate_key_file); !closed) return closed;
    std::error_code error;
    context.use_certificate_chain_file(tls.certificate_file, error);
    if (error) return Error{tls.certificate_file + ": " + error.message()};
    context.use_private_key_file(tls.certificate_key_file, asio::ssl::context::pem, error);
    if (error) return Error{tls.certificate_key_file + ": " + error.message()};
    context.load_verify_file(tls.authority_file, error);
    if (error) return Error{tls.authority_file + ": " + error.message()};
    return is_valid_now(context.native_handle(), tls.certificate_file);
}

Result<std::shared_ptr<asio::ssl::context>> context_of(const ChannelTls& tls) {
    ERR_clear_error();
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    // Nothing is resumed: each connection shows its certificate.
    SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context->native_handle(), 0);
    if (auto loaded = load(*context, tls); !loaded) return loaded.error();
    context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    return context;
}

bool is_named(X509* certificate, const std::string& name) {
    if (X509_check_ip_asc(certificate, name.c_str(), 0) == 1) return true;
    return X509_check_host(certificate, name.c_str(), name.size(),
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " or ") + word;
    return text;
}

// The chain was judged by OpenSSL; whose certificate it is, here.
Outcome is_expected(SSL* connection, std::vector<std::string> peers, ChannelEnd end,
                    const std::string& host) {
    if (peers.empty() && end == ChannelEnd::connects) peers = {host};
    if (peers.empty()) return Nothing{};
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(connection), X509_free);
    const bool expected =
        certificate && std::any_of(peers.begin(), peers.end(), [&](const std::string& name) {
            return is_named(certificate.get(), name);
        });
    if (expected) return Nothing{};
    return Error{"the certificate of the other end is not that of " + joined(peers)};
}

class TlsStream : public ChannelStream {
  public:
    TlsStream(std::shared_ptr<asio::ssl::context> context, Socket socket)
        : context_(std::move(context)), socket_(std::move(socket), *context_) {}

    void read_some(asio::mutable_buffer into, Done done) override {
        socket_.async_read_some(into,
                                [done = std::move(done)](std::error_code error, std::size_t size) {
                                    // Without a farewell of TLS: what counts was acknowledged, a
                                    // lost end is an end.
                                    if (error == asio::ssl::error::stream_truncated)
                                        error = asio::error::eof;
                                    done(error, size);
                                });
    }
    void write(asio::const_buffer bytes, Done done) override {
        asio::async_write(socket_, bytes, std::move(done));
    }
    void close() override {
        std::error_code ignored;
        socket_.lowest_layer().close(ignored);
    }
    asio::any_io_executor executor() override { return socket_.get_executor(); }

    TlsSocket& socket() { return socket_; }

  private:
    std::shared_ptr<asio::ssl::context> context_;
    TlsSocket socket_;
};

// One handshake under way; it lives in what the loop calls.
class Handshake : public std::enable_shared_from_this<Handshake> {
  public:
    Handshake(std::unique_ptr<TlsStream> stream, std::vector<std::string> peers, ChannelEnd end,
              std::string host, Secured done)
        : stream_(std::move(stream)),
          deadline_(stream_->executor()),
          peers_(std::move(peers)),
          end_(end),
          host_(std::move(host)),
          done_(std::move(done)) {}

    void begin(Duration within) {
        deadline_.expires_after(std::chrono::milliseconds(within.ms));
        deadline_.async_wait([self = shared_from_this(), within](const std::error_code& error) {
            if (error) return;
            self->finish(Error{"the other end does not answer in TLS within " +
                               std::to_string(within.ms) + " ms"});
        });
        const auto role = end_ == ChannelEnd::listens ? asio::ssl::stream_base::server
                                                      : asio::ssl::stream_base::client;
        stream_->socket().async_handshake(
            role,
            [self = shared_from_this()](const std::error_code& error) { self->ended(error); });
    }

    void give_up() {
        asio::post(deadline_.get_executor(), [self = shared_from_this()] {
            self->finish(Error{"given up for newer connections"});
        });
    }

  private:
    void ended(const std::error_code& error) {
        if (!done_) return;
        if (error) return finish(Error{words_of(error)});
        const auto expected = is_expected(stream_->socket().native_handle(), peers_, end_, host_);
        if (!expected) return finish(expected.error());
        deadline_.cancel();
        std::exchange(done_, nullptr)(std::unique_ptr<ChannelStream>(std::move(stream_)));
    }

    void finish(Error error) {
        if (!done_) return;
        deadline_.cancel();
        stream_->close();
        std::exchange(done_, nullptr)(std::move(error));
    }

    // What is wrong with the other one's certificate says more than that something is.
    [[nodiscard]] std::string words_of(const std::error_code& error) {
        const long verdict = SSL_get_verify_result(stream_->socket().native_handle());
        if (verdict == X509_V_OK) return "TLS: " + error.message();
        return "the certificate of the other end: " +
               std::string(X509_verify_cert_error_string(verdict));
    }

    std::unique_ptr<TlsStream> stream_;
    asio::steady_timer deadline_;
    std::vector<std::string> peers_;
    ChannelEnd end_;
    std::string host_;
    Secured done_;
};

}  // namespace

// The files, parsed, as long as they are the same ones.
class TlsIdentity::Files {
  public:
    explicit Files(ChannelTls tls) : tls_(std::move(tls)) {}

    Result<std::shared_ptr<asio::ssl::context>> context() {
        const auto seen = stamp();
        if (context_ && seen == seen_) {
            // Time goes on without a change of the file.
            if (auto valid = is_valid_now(context_->native_handle(), tls_.certificate_file); !valid)
                return valid.error();
            return context_;
        }
        auto context = context_of(tls_);
        if (!context) return context.error();
        context_ = *context;
        seen_ = seen;
        return context_;
    }
    [[nodiscard]] const std::vector<std::string>& peers() const { return tls_.peers; }

  private:
    struct Stamp {
        dev_t device = 0;
        ino_t inode = 0;
        off_t size = 0;
        timespec changed{};
        bool operator==(const Stamp& other) const {
            return device == other.device && inode == other.inode && size == other.size &&
                   changed.tv_sec == other.changed.tv_sec &&
                   changed.tv_nsec == other.changed.tv_nsec;
        }
    };
    using Stamps = std::array<Stamp, 3>;

    [[nodiscard]] Stamps stamp() const {
        Stamps stamps;
        auto* next = stamps.data();
        for (const auto* file :
             {&tls_.certificate_file, &tls_.certificate_key_file, &tls_.authority_file}) {
            struct stat status {};
            if (::stat(file->c_str(), &status) == 0)
                *next = {status.st_dev, status.st_ino, status.st_size, status.st_ctim};
            ++next;
        }
        return stamps;
    }

    ChannelTls tls_;
    std::shared_ptr<asio::ssl::context> context_;
    Stamps seen_{};
};

TlsIdentity::TlsIdentity(ChannelTls tls) : files_(std::make_unique<Files>(std::move(tls))) {}
TlsIdentity::~TlsIdentity() = default;

Outcome tls_is_usable(const ChannelTls& tls) {
    const auto context = context_of(tls);
    if (!context) return context.error();
    return Nothing{};
}

TlsIdentity::GiveUp TlsIdentity::secure(ChannelStream::Socket socket, ChannelEnd end,
                                        const std::string& host, Duration within, Secured done) {
    const auto context = files_->context();
    if (!context) {
        const auto executor = socket.get_executor();
        asio::post(executor, [error = context.error(), done = std::move(done)] { done(error); });
        return [] {};
    }
    auto stream = std::make_unique<TlsStream>(*context, std::move(socket));
    const auto handshake =
        std::make_shared<Handshake>(std::move(stream), files_->peers(), end, host, std::move(done));
    handshake->begin(within);
    return [weak = std::weak_ptr(handshake)] {
        if (const auto known = weak.lock()) known->give_up();
    };
}

}  // namespace drive_iface::events
