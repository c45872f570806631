#include "agent/lrad/iscsi_chap.hpp"

#include <nlohmann/json.hpp>

#include "agent/runtime/url_credentials.hpp"
#include "drive_iface/device/iscsi_discovery.hpp"

namespace agent::lrad {

namespace {

constexpr std::size_t chap_secret_size_min = 12;   // RFC 7143 9.2.1: 96 bits
constexpr std::size_t chap_secret_size_max = 255;  // of libiscsi

core::Result<std::string> read_chap_secret(const std::string& file) {
    auto secret = runtime::read_key_file(file);
    if (secret && secret->size() < chap_secret_size_min) {
        return core::Error{"key file " + file + ": holds a secret of " +
                           std::to_string(secret->size()) + " bytes; CHAP needs 12 or more"};
    }
    if (secret && secret->size() > chap_secret_size_max) {
        return core::Error{"key file " + file + ": holds a secret of " +
                           std::to_string(secret->size()) + " bytes; CHAP takes 255 at most here"};
    }
    return secret;
}

struct PortalAndTarget {
    std::string portal;
    std::string target;  // empty: a portal alone
};

PortalAndTarget parts_of(const std::string& url_or_portal) {
    const std::string plain = runtime::without_credentials(url_or_portal);
    const auto scheme = plain.find("://");
    const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    const auto slash = plain.find('/', begin);
    PortalAndTarget parts{drive_iface::iscsi_portal(plain.substr(begin, slash - begin)), ""};
    if (slash != std::string::npos)
        parts.target = plain.substr(slash + 1, plain.find('/', slash + 1) - slash - 1);
    return parts;
}

}  // namespace

drive_iface::IscsiCredentialsDoor credentials_door(const std::optional<runtime::IscsiChap>& chap) {
    return [chap]() -> core::Result<drive_iface::IscsiCredentials> {
        drive_iface::IscsiCredentials credentials;
        if (!chap) return credentials;
        auto secret = read_chap_secret(chap->secret_file);
        if (!secret) return secret.error();
        credentials.user = chap->user;
        credentials.secret = std::move(secret).value();
        if (chap->target_user.empty()) return credentials;
        auto target_secret = read_chap_secret(chap->target_secret_file);
        if (!target_secret) return target_secret.error();
        credentials.target_user = chap->target_user;
        credentials.target_secret = std::move(target_secret).value();
        if (credentials.target_secret == credentials.secret) {
            return core::Error{"key file " + chap->target_secret_file +
                               ": holds the own secret; the target needs one of its own, or each "
                               "side could pass for the other"};
        }
        return credentials;
    };
}

std::optional<runtime::IscsiChap> chap_for(const runtime::LradConfiguration& configuration,
                                           const std::string& url_or_portal) {
    const PortalAndTarget wanted = parts_of(url_or_portal);
    std::optional<runtime::IscsiChap> of_portal;
    for (const auto& drive : configuration.drives) {
        if (!drive.interface || drive.interface->url.empty()) continue;
        const PortalAndTarget known = parts_of(drive.interface->url);
        // Another's name would be refused by a target that knows CHAP and not that name.
        if (!wanted.target.empty() && known.target == wanted.target) return drive.interface->chap;
        if (!of_portal && known.portal == wanted.portal) of_portal = drive.interface->chap;
    }
    for (const auto& portal : configuration.discovery_portals) {
        if (portal.chap && drive_iface::iscsi_portal(portal.portal) == wanted.portal)
            return portal.chap;
    }
    return of_portal;
}

std::optional<runtime::IscsiChap> chap_for_changer(
    const runtime::LradConfiguration& configuration) {
    const auto& changer = configuration.mounts->changer;
    if (!changer.iscsi || changer.chap) return changer.chap;
    if (changer.url != runtime::without_credentials(changer.url)) return std::nullopt;
    return chap_for(configuration, changer.url);
}

nlohmann::json chap_to_paste(const runtime::IscsiChap& chap) {
    nlohmann::json pasted{{"user", chap.user}, {"secret_file", chap.secret_file}};
    if (!chap.target_user.empty())
        pasted["mutual"] = {{"user", chap.target_user}, {"secret_file", chap.target_secret_file}};
    return pasted;
}

}  // namespace agent::lrad
