#include "drive_iface/vtld/rmt_configuration.hpp"

#include <nlohmann/json.hpp>

#include "drive_iface/events/channel_address.hpp"

namespace drive_iface::vtld {

using namespace agent::runtime;

namespace {

std::optional<std::string> wrong_with_rmt_listen(std::string_view text) {
    const auto address = events::channel_address(text);
    if (address) return std::nullopt;
    return address.error().message;
}

}  // namespace

ValueShape rmt_shape() {
    return object_shape({
        optional_key("listen", text_shape("unix:PATH or tcp:127.0.0.1:PORT", wrong_with_rmt_listen),
                     "Where vtl-rsh connects tar, cpio, mt-gnu, dump and restore to; without it "
                     "there is no rmt.",
                     "\"unix:/run/lra/vtld-rmt.sock\""),
        optional_key("token_file", text_shape(4'096),
                     "File of mode 0600 whose first line a client has to know, for tcp; over a "
                     "Unix socket the kernel tells who the client is.",
                     "\"rmt.token\""),
        default_key("connections_max", integer_shape(1, 1'024), "64",
                    "Further clients are told to try again later."),
        default_key("idle_ms", integer_shape(100, 86'400'000), "3600000",
                    "A client that holds a tape and says nothing for so long has hung up."),
    });
}

RmtConfiguration rmt_configuration(const Configuration& configuration,
                                   ConfigurationErrors& errors) {
    const auto& values = configuration.values()["rmt"];
    RmtConfiguration rmt;
    rmt.listen = values.value("listen", "");
    rmt.connections_max = values["connections_max"].get<std::size_t>();
    rmt.idle_after = {values["idle_ms"].get<std::int64_t>()};
    if (!values.contains("token_file")) return rmt;
    const auto token =
        read_key_file(configuration.file_beside(values["token_file"].get<std::string>()));
    if (token) {
        rmt.token = *token;
    } else {
        errors.push_back(configuration.error_at("rmt.token_file", token.error().message));
    }
    return rmt;
}

}  // namespace drive_iface::vtld
