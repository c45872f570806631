#include "drive_iface/vtld/web_configuration.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace drive_iface::vtld {

using namespace agent::runtime;

agent::core::Result<std::vector<uid_t>> web_users(const WebConfiguration& configuration) {
    const auto& names = configuration.users;
    if (std::find(names.begin(), names.end(), "*") != names.end()) return std::vector<uid_t>{};
    std::vector<uid_t> users{0, ::geteuid()};
    for (const auto& name : names) {
        passwd entry{};
        passwd* found = nullptr;
        std::array<char, 16'384> space{};
        ::getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &found);
        if (found == nullptr) {
            return agent::core::Error{"web.users: this machine knows no user " + name +
                                      "; getent passwd lists them"};
        }
        users.push_back(found->pw_uid);
    }
    return users;
}

ValueShape web_shape() {
    return object_shape({
        optional_key("listen", text_shape("127.0.0.1:PORT", web::wrong_with_web_address),
                     "Where browsers on this machine find the web page; without it there is none.",
                     "\"127.0.0.1:8480\""),
        default_key("connections_max", integer_shape(4, 1'024), "64",
                    "Further browsers and scripts are told to try again later."),
        default_key("users", list_shape(text_shape(64), 0, 64), "[]",
                    "Who may see it, beside root and the user that `vtld` runs as: it shows what "
                    "hosts wrote. `*` is every user of this machine."),
    });
}

WebConfiguration web_configuration(const Configuration& configuration) {
    const auto& values = configuration.values()["web"];
    WebConfiguration web;
    if (values.contains("listen"))
        web.listen = web::web_address_from_text(values["listen"].get<std::string>());
    web.connections_max = values["connections_max"].get<std::size_t>();
    web.users = values["users"].get<std::vector<std::string>>();
    return web;
}

}  // namespace drive_iface::vtld
