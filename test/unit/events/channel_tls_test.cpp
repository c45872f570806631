// The drive event channel with TLS: certificates made as docs/DRIVE_INTERFACE.md says, both ends
// over real sockets.

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "drive_iface/events/drive_event_client.hpp"
#include "drive_iface/events/drive_event_server.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface::events;
namespace fs = std::filesystem;

namespace {

const DriveSerial tls_drive{"VT00000001"};

DriveEvent an_event() {
    Reservation after;
    after.state = ReservationState::free;
    return make_drive_event(tls_drive, DriveEvent::Change::released, after, std::nullopt, "");
}

// An authority of the library's own and what it has signed.
class Certificates {
  public:
    Certificates() {
        std::string name = (fs::temp_directory_path() / "lra-tls-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        make_authority("authority");
        make("agent", "DNS:lra-a,IP:127.0.0.1");
        make("library", "DNS:library-1,IP:127.0.0.1");
    }
    ~Certificates() { fs::remove_all(folder_); }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    void make_authority(const std::string& name) {
        openssl(name, "-days 3650 -subj \"/CN=drive events\"");
    }
    void make(const std::string& name, const std::string& names,
              const std::string& authority = "authority") {
        openssl(name,
                "-days 825 -subj /CN=" + name +
                    " -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=" + names +
                    " -CA " + file(authority + ".crt") + " -CAkey " + file(authority + ".key"));
    }
    // Signed again, with an end in the past.
    void let_expire(const std::string& name) {
        const auto read = [](const std::string& path, auto reader) {
            std::FILE* opened = std::fopen(path.c_str(), "r");
            REQUIRE(opened != nullptr);
            auto* value = reader(opened, nullptr, nullptr, nullptr);
            std::fclose(opened);
            REQUIRE(value != nullptr);
            return value;
        };
        X509* certificate = read(file(name + ".crt"), PEM_read_X509);
        EVP_PKEY* key = read(file("authority.key"), PEM_read_PrivateKey);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
        X509_gmtime_adj(X509_getm_notAfter(certificate), -3600);
        REQUIRE(X509_sign(certificate, key, EVP_sha256()) > 0);
        std::FILE* written = std::fopen(file(name + ".crt").c_str(), "w");
        REQUIRE(written != nullptr);
        PEM_write_X509(written, certificate);
        std::fclose(written);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

    [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }
    [[nodiscard]] ChannelTls of(const std::string& name, std::vector<std::string> peers = {},
                                const std::string& authority = "authority") const {
        return {file(name + ".crt"), file(name + ".key"), file(authority + ".crt"),
                std::move(peers)};
    }

  private:
    void openssl(const std::string& name, const std::string& more) const {
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc " + more +
            " -keyout " + file(name + ".key") + " -out " + file(name + ".crt") + " 2>/dev/null";
        REQUIRE(std::system(command.c_str()) == 0);
    }

    fs::path folder_;
};

// A server and a client on loopback, each with certificates of its own.
struct TlsChannel {
    Certificates certificates;
    asio::io_context loop;
    std::vector<std::string> server_said;
    std::vector<std::string> client_said;
    bool heard = false;
    std::size_t handshakes_max = 32;
    Duration handshake_within{200};
    std::unique_ptr<DriveEventServer> server;
    std::unique_ptr<DriveEventClient> client;

    void listen(ChannelTls tls) {
        DriveEventServerOptions options{.listen = "tcp:127.0.0.1:0"};
        options.tls = std::move(tls);
        options.connections_max = 2;
        options.handshakes_max = handshakes_max;
        options.handshake_within = handshake_within;
        DriveEventServerHandlers handlers;
        handlers.event = [](const DriveEvent&, std::string_view) { return EventVerdict::accepted; };
        handlers.warning = [this](const std::string& text) { server_said.push_back(text); };
        auto made = DriveEventServer::listen(loop, std::move(options), std::move(handlers));
        INFO((made ? "" : made.error().message));
        REQUIRE(made.ok());
        server = std::move(made).value();
    }
    void connect(std::optional<ChannelTls> tls) {
        DriveEventClientOptions options;
        options.connect = "tcp:127.0.0.1:" + std::to_string(server->port());
        options.tls = std::move(tls);
        options.drives = {tls_drive};
        options.backoff_first = {1};
        options.backoff_max = {20};
        DriveEventClientHandlers handlers;
        handlers.heard = [this] { heard = true; };
        handlers.warning = [this](const std::string& text) { client_said.push_back(text); };
        auto made = DriveEventClient::connect(loop, std::move(options), std::move(handlers));
        REQUIRE(made.ok());
        client = std::move(made).value();
        client->report(an_event());
    }
    bool run_until(const std::function<bool()>& enough) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!enough()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(5));
        }
        return true;
    }
    bool is_acknowledged() const { return client->counters().acknowledged == 1; }
    // The server turns the client away, again and again, and says why once.
    void refused(const std::string& words) {
        REQUIRE(run_until([&] { return server->counters().connections_refused >= 2; }));
        CHECK(server->counters().connections == 0);
        CHECK_FALSE(heard);
        REQUIRE(server_said.size() == 1);
        CHECK_THAT(server_said[0], ContainsSubstring(words));
    }
};

// Says nothing, or no TLS.
class Stranger {
  public:
    explicit Stranger(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_, static_cast<sockaddr*>(static_cast<void*>(&address)),
                          sizeof(address)) == 0);
    }
    ~Stranger() { ::close(socket_); }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    void say(std::string_view text) const {
        REQUIRE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) > 0);
    }

  private:
    int socket_;
};

}  // namespace

TEST_CASE("both ends show certificates of the library's authority: an event is acknowledged") {
    TlsChannel channel;
    channel.listen(channel.certificates.of("agent"));
    channel.connect(channel.certificates.of("library"));
    REQUIRE(channel.run_until([&] { return channel.is_acknowledged(); }));
    CHECK(channel.heard);
    CHECK(channel.server_said.empty());
}

TEST_CASE("a drive's side with a certificate of another authority is not heard") {
    TlsChannel channel;
    channel.certificates.make_authority("other");
    channel.certificates.make("stranger", "IP:127.0.0.1", "other");
    channel.listen(channel.certificates.of("agent"));
    channel.connect(channel.certificates.of("stranger"));
    channel.refused("the certificate of the other end");
    CHECK(channel.client->unacknowledged() == 1);
}

TEST_CASE("a drive's side that names itself otherwise than events.tls.peers is not heard") {
    TlsChannel channel;
    channel.listen(channel.certificates.of("agent", {"library-2", "192.0.2.9"}));
    channel.connect(channel.certificates.of("library"));
    channel.refused("is not that of library-2 or 192.0.2.9");
}

TEST_CASE("names in events.tls.peers count at both ends") {
    TlsChannel channel;
    channel.listen(channel.certificates.of("agent", {"library-2", "library-1"}));
    channel.connect(channel.certificates.of("library", {"lra-a"}));
    CHECK(channel.run_until([&] { return channel.is_acknowledged(); }));
}

TEST_CASE("a drive's side without TLS is not heard, and none of its lines counts") {
    TlsChannel channel;
    channel.listen(channel.certificates.of("agent"));
    channel.connect(std::nullopt);
    channel.refused("TLS");
    CHECK(channel.server->counters().events == 0);
    CHECK_FALSE(channel.server->is_connected(tls_drive));
}

TEST_CASE("an agent whose certificate is another machine's is told nothing") {
    TlsChannel channel;
    channel.certificates.make("elsewhere", "DNS:lra-a,IP:192.0.2.11");
    channel.listen(channel.certificates.of("elsewhere"));
    channel.connect(channel.certificates.of("library"));
    REQUIRE(channel.run_until([&] { return !channel.client_said.empty(); }));
    CHECK_THAT(channel.client_said[0], ContainsSubstring("is not that of 127.0.0.1"));
    CHECK(channel.client->counters().sent == 0);
    CHECK_FALSE(channel.heard);
}

TEST_CASE("who connects and is silent holds no place for longer than a handshake may take") {
    TlsChannel channel;
    channel.listen(channel.certificates.of("agent"));
    const Stranger one(channel.server->port());
    const Stranger two(channel.server->port());
    REQUIRE(channel.run_until([&] { return channel.server->counters().connections_refused == 2; }));
    REQUIRE(channel.server_said.size() == 1);
    CHECK_THAT(channel.server_said[0], ContainsSubstring("within 200 ms"));
    channel.connect(channel.certificates.of("library"));
    CHECK(channel.run_until([&] { return channel.is_acknowledged(); }));
}

TEST_CASE("silent connections, however many, keep no drive out") {
    TlsChannel channel;
    channel.handshakes_max = 4;
    channel.handshake_within = {10'000};
    channel.listen(channel.certificates.of("agent"));
    std::vector<std::unique_ptr<Stranger>> strangers;
    for (int number = 0; number < 40; ++number)
        strangers.push_back(std::make_unique<Stranger>(channel.server->port()));
    REQUIRE(
        channel.run_until([&] { return channel.server->counters().connections_refused == 36; }));
    channel.connect(channel.certificates.of("library"));
    CHECK(channel.run_until([&] { return channel.is_acknowledged(); }));
    CHECK(channel.server->counters().connections_refused == 37);
    REQUIRE(channel.server_said.size() == 1);
    CHECK_THAT(channel.server_said[0], ContainsSubstring("given up for newer connections"));
}

TEST_CASE("bytes that are no TLS end the connection") {
    TlsChannel channel;
    channel.listen(channel.certificates.of("agent"));
    const Stranger stranger(channel.server->port());
    stranger.say(R"({"v":1,"hello":["VT00000001"]})"
                 "\n");
    REQUIRE(channel.run_until([&] { return channel.server->counters().connections_refused == 1; }));
    CHECK(channel.server->counters().connections == 0);
}

TEST_CASE("renewed files count from the next connection on") {
    TlsChannel channel;
    channel.certificates.make_authority("old");
    channel.certificates.make("worn", "IP:127.0.0.1", "old");
    channel.listen(channel.certificates.of("worn", {}, "old"));
    channel.connect(channel.certificates.of("library"));
    REQUIRE(channel.run_until([&] { return !channel.client_said.empty(); }));
    for (const auto* part : {".crt", ".key"}) {
        fs::copy_file(channel.certificates.file(std::string("agent") + part),
                      channel.certificates.file(std::string("worn") + part),
                      fs::copy_options::overwrite_existing);
    }
    fs::copy_file(channel.certificates.file("authority.crt"), channel.certificates.file("old.crt"),
                  fs::copy_options::overwrite_existing);
    CHECK(channel.run_until([&] { return channel.is_acknowledged(); }));
}

TEST_CASE("files that can not be used are named") {
    Certificates certificates;
    CHECK(tls_is_usable(certificates.of("agent")).ok());
    const auto wrong = [&](const ChannelTls& tls) { return tls_is_usable(tls).error().message; };

    auto tls = certificates.of("agent");
    tls.certificate_key_file = certificates.file("library.key");
    CHECK_THAT(wrong(tls), ContainsSubstring("library.key"));
    tls = certificates.of("agent");
    tls.authority_file = certificates.file("none.crt");
    CHECK_THAT(wrong(tls), ContainsSubstring("none.crt"));
    tls = certificates.of("agent");
    tls.certificate_key_file = certificates.file("none.key");
    CHECK_THAT(wrong(tls), ContainsSubstring("none.key: No such file"));
    tls = certificates.of("agent");
    std::ofstream(certificates.file("text.crt")) << "no certificate\n";
    tls.certificate_file = certificates.file("text.crt");
    CHECK_THAT(wrong(tls), ContainsSubstring("text.crt"));

    fs::permissions(certificates.file("agent.key"), fs::perms::group_read, fs::perm_options::add);
    CHECK_THAT(wrong(certificates.of("agent")), ContainsSubstring("chmod 600"));
    certificates.let_expire("library");
    CHECK_THAT(wrong(certificates.of("library")),
               ContainsSubstring("library.crt: this certificate has expired"));
}
