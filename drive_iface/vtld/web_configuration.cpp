#include "drive_iface/vtld/web_configuration.hpp"

#include <nlohmann/json.hpp>

namespace drive_iface::vtld {

using namespace agent::runtime;

ValueShape web_shape() {
    return object_shape({
        optional_key("listen", text_shape("127.0.0.1:PORT", web::wrong_with_web_address),
                     "Where browsers on this machine find the web page; without it there is none.",
                     "\"127.0.0.1:8480\""),
        default_key("connections_max", integer_shape(4, 1'024), "64",
                    "Further browsers and scripts are told to try again later."),
    });
}

WebConfiguration web_configuration(const Configuration& configuration) {
    const auto& values = configuration.values()["web"];
    WebConfiguration web;
    if (values.contains("listen"))
        web.listen = web::web_address_from_text(values["listen"].get<std::string>());
    web.connections_max = values["connections_max"].get<std::size_t>();
    return web;
}

}  // namespace drive_iface::vtld
