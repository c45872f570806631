lra_library(agent_agentless
  SOURCES
    agent/agentless/agentless_hosts.cpp
    agent/agentless/host_agent.cpp
    agent/agentless/host_agent_sharing.cpp
    agent/agentless/host_check.cpp
    agent/agentless/host_contact.cpp
    agent/agentless/host_looks.cpp
    agent/agentless/ssh_command.cpp
    agent/agentless/ssh_commands.cpp
    agent/agentless/ssh_slots.cpp
  LIBRARIES agent_agentless_words agent_runtime agent_host agent_dsad nlohmann_json::nlohmann_json)
lra_library(agent_lrad
  SOURCES
    agent/lrad/agentless_methods.cpp
    agent/lrad/capability_memory.cpp
    agent/lrad/control_methods.cpp
    agent/lrad/controller.cpp
    agent/lrad/controller_hearing.cpp
    agent/lrad/controller_pair.cpp
    agent/lrad/controller_pair_agents.cpp
    agent/lrad/controller_pair_hosts.cpp
    agent/lrad/controller_pair_offline.cpp
    agent/lrad/controller_pair_requests.cpp
    agent/lrad/controller_pair_view.cpp
    agent/lrad/controller_reload.cpp
    agent/lrad/discover_command.cpp
    agent/lrad/discovery_methods.cpp
    agent/lrad/discovery_report.cpp
    agent/lrad/drive_paths.cpp
    agent/lrad/drive_setup.cpp
    agent/lrad/drive_timeline.cpp
    agent/lrad/holder_questions.cpp
    agent/lrad/host_names.cpp
    agent/lrad/init_pair_command.cpp
    agent/lrad/iscsi_chap.cpp
    agent/lrad/library_hint_methods.cpp
    agent/lrad/metrics_report.cpp
    agent/lrad/mib_snapshot.cpp
    agent/lrad/mount_setup.cpp
    agent/lrad/mounts_of_library.cpp
    agent/lrad/offline_ledger.cpp
    agent/lrad/operator_snmp.cpp
    agent/lrad/pair_alarms.cpp
    agent/lrad/pair_setup.cpp
    agent/lrad/pair_view.cpp
    agent/lrad/portals_to_ask.cpp
    agent/lrad/reconcile_methods.cpp
    agent/lrad/refusal_watch.cpp
    agent/lrad/release_methods.cpp
    agent/lrad/release_once.cpp
    agent/lrad/release_plan.cpp
    agent/lrad/request_errand.cpp
    agent/lrad/request_passing.cpp
    agent/lrad/retirement_ledger.cpp
    agent/lrad/row_troubles.cpp
    agent/lrad/shared_ledgers.cpp
    agent/lrad/shared_records.cpp
    agent/lrad/snmp_methods.cpp
    agent/lrad/snmp_setup.cpp
  LIBRARIES agent_agentless agent_metrics agent_mounts agent_pair_node agent_postgres agent_runtime drive_iface_device drive_iface_events drive_iface_discovery drive_iface_iscsi_transport
            drive_iface_sg_transport agent_snmp nlohmann_json::nlohmann_json $<BUILD_INTERFACE:CLI11::CLI11>)
lra_program(lrad SOURCES agent/lrad.cpp LIBRARIES agent_lrad)
if(TARGET lra-mibd)
  add_dependencies(lrad lra-mibd)
endif()
