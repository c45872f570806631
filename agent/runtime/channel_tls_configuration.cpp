#include "agent/runtime/channel_tls_configuration.hpp"

#include <nlohmann/json.hpp>

namespace agent::runtime {

ConfigurationKey channel_tls_key() {
    return optional_key(
        "tls",
        object_shape({
            required_key("certificate_file", text_shape(4'096),
                         "Certificate of this end (PEM), followed by those between it and the "
                         "authority. Read again when it has changed.",
                         "\"events.crt\""),
            required_key("certificate_key_file", text_shape(4'096),
                         "Its key (PEM), unencrypted, mode 0600.", "\"events.key\""),
            required_key("authority_file", text_shape(4'096),
                         "Whose certificates are believed (PEM): an authority for this library "
                         "alone.",
                         "\"events-authority.crt\""),
            default_key("peers", list_shape(text_shape(255), 0, 64), "[]",
                        "Who may be at the other end, as its certificate names it "
                        "(subjectAltName). Without any: where this end listens whoever the "
                        "authority has signed, where it connects whoever has that address."),
        }),
        "TLS, in which both ends show a certificate; needed where the other end is another "
        "machine.",
        R"({"certificate_file": "events.crt", "certificate_key_file": "events.key", )"
        R"("authority_file": "events-authority.crt"})");
}

std::optional<ChannelTlsConfiguration> channel_tls_configuration(const Configuration& source,
                                                                 const char* section) {
    const auto& values = source.values()[section];
    if (!values.contains("tls")) return std::nullopt;
    const auto& tls = values["tls"];
    const auto file = [&](const char* key) {
        return source.file_beside(tls[key].get<std::string>());
    };
    return ChannelTlsConfiguration{file("certificate_file"), file("certificate_key_file"),
                                   file("authority_file"),
                                   tls["peers"].get<std::vector<std::string>>()};
}

}  // namespace agent::runtime
