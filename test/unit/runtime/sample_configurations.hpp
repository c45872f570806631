#pragma once

// Complete configurations, each key used once, for tests to take and spoil.

#include <nlohmann/json.hpp>
#include <string>

#include "temporary_folder.hpp"

inline nlohmann::json sample_user(const std::string& name) {
    return {{"name", name}, {"auth", {{"key_file", "key"}}}, {"priv", {{"key_file", "key"}}}};
}

inline nlohmann::json sample_lrad() {
    return nlohmann::json::parse(R"({
  "controller": {"id": "lra-a", "state_dir": "state"},
  "control": {"socket": "lrad.sock"},
  "drives": [
    {"serial": "VT00000001", "element_address": 256, "poll_ms": 200,
     "interface": {"type": "iscsi", "url": "iscsi://127.0.0.1:3260/iqn.2026-01.example:drive-VT00000001/0",
                   "initiator_name": "iqn.2026-01.example:lra"}},
    {"serial": "VT00000002", "shared": false, "interface": {"type": "sg", "device": "/dev/sg3"},
     "offline": {"actuator": "command", "argv": ["/usr/local/bin/offline", "{serial}", "{action}"]}},
    {"serial": "VT00000003", "offline": {"actuator": "alarm"}}],
  "events": {"listen": "unix:events.sock"},
  "agents": [
    {"name": "host1", "address": "udp:127.0.0.1:1163", "domain": "bareos", "user": "host1"},
    {"name": "host2", "address": "udp:127.0.0.1:1164", "user": "host2"}],
  "domains": [{"name": "bareos", "ports": ["fc:2100000e1e09a1b0", "iscsi:iqn.2026-01.example:host1"]}],
  "handshake": {"timeout_ms": 2000, "retries": 2, "on_missing": "alarm"},
  "reservation": {"debounce_ms": 5, "release_hold_down_ms": 10, "unknown_holder": "notify"},
  "snmp": {"listen": "udp:127.0.0.1:1162", "engine_id": "0x80001f88036c7261", "agentx": null, "delivery": "trap",
           "users": [{"name": "host1", "auth": {"protocol": "SHA-512", "key_file": "key"}, "priv": {"protocol": "AES-256", "key_file": "key"}},
                     {"name": "host2", "auth": {"key_file": "key"}, "priv": {"key_file": "key"}}],
           "consumers": [{"address": "udp:127.0.0.1:162", "user": "host1"},
                         {"address": "udp:127.0.0.1:163", "version": "2c", "community": "public",
                          "allow_insecure": true, "delivery": "inform"}]}
})");
}

inline nlohmann::json sample_agent_over_ssh() {
    return {{"name", "backup3"},
            {"ssh",
             {{"host", "backup3.example"},
              {"user", "lra"},
              {"key_file", "keys/backup3"},
              {"known_hosts_file", "/etc/lra/known_hosts"}}},
            {"drives", {{{"serial", "VT00000001"}, {"application_name", "LTO 1"}}}},
            {"ports", {"fc:2100000e1e09a1bf"}},
            {"application",
             {{"observe_only", false},
              {"offline", {"/opt/app", "offline", "{drive}"}},
              {"online", {"/opt/app", "online", "{drive}"}},
              {"query", {"/opt/app", "status", "{drive}"}},
              {"states", {{"online", {"^up$"}}, {"offline", {"^down$"}}}}}}};
}

inline nlohmann::json sample_dsad() {
    return nlohmann::json::parse(R"({
  "agent": {"name": "host1", "state_dir": "state", "domain": "bareos"},
  "control": {"socket": "dsad.sock"},
  "controllers": [{"name": "lra-a", "address": "udp:127.0.0.1:1162", "user": "host1"}],
  "drives": [{"serial": "VT00000001", "application_name": "drive-1", "device": "/dev/nst0"}, {"serial": "VT00000002"},
             {"serial": "VT00000003"}],
  "ports": ["fc:2100000e1e09a1b0"],
  "application": {"profile": "generic", "observe_only": false, "timeout_ms": 5000,
    "offline": ["/usr/bin/app", "offline", "{drive}"], "online": ["/usr/bin/app", "online", "{drive}"],
    "query": ["/usr/bin/app", "query", "{drive}", "{serial}", "{device}"],
    "names": {"VT00000002": "drive-2"},
    "states": {"online": ["^online$"], "offline": ["^offline$"], "draining": ["^busy"]}},
  "snmp": {"listen": "udp:127.0.0.1:1163",
           "users": [{"name": "host1", "auth": {"key_file": "key"}, "priv": {"key_file": "key"}}]}
})");
}
