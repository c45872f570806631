#pragma once

// Everything that helps somebody who is not there to understand what is wrong, in one tar file:
// what each daemon on this machine answers, its configuration without secrets, its journal,
// versions.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::shell {

struct BundleRequest {
    std::string file;                        // must not exist yet; written with mode 0600
    core::Duration timeout{10'000};          // of one answer
    std::string configuration = "/etc/lra";  // folder of lrad.json, dsad.json, vtld.json
    std::string sockets = "/run/lra";        // folder of lrad.sock, dsad.sock, vtld.sock
};

struct Bundle {
    std::vector<std::string> files;     // in it
    std::vector<std::string> problems;  // what could not be had, and why
};

// Errors: the file can not be written. That a daemon does not answer is a problem, no error.
[[nodiscard]] core::Result<Bundle> make_support_bundle(const BundleRequest& request);

// A configuration with the values of `community` and the like, and passwords within URLs, replaced.
// Key files are named in configurations, never read.
[[nodiscard]] nlohmann::json without_configured_secrets(nlohmann::json configuration);

}  // namespace agent::shell
