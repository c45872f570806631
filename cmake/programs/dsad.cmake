lra_library(agent_dsad
  SOURCES
    agent/dsad/application_check.cpp
    agent/dsad/application_setup.cpp
    agent/dsad/composition.cpp
    agent/dsad/control_methods.cpp
    agent/dsad/daemon.cpp
    agent/dsad/daemon_reconcile.cpp
    agent/dsad/drive_json.cpp
    agent/dsad/holder_answers.cpp
    agent/dsad/host_discovery.cpp
    agent/dsad/host_facts.cpp
    agent/dsad/host_knowledge.cpp
    agent/dsad/host_methods.cpp
    agent/dsad/profile_listing.cpp
    agent/dsad/reconcile_method.cpp
    agent/dsad/reconciliation.cpp
  LIBRARIES agent_runtime agent_host agent_snmp agent_voting drive_iface_device drive_iface_sg_transport nlohmann_json::nlohmann_json)
# Apart from agent_dsad, which lrad has too: what dsad tells monitoring.
lra_program(dsad SOURCES agent/dsad.cpp agent/dsad/metrics_report.cpp LIBRARIES agent_dsad agent_metrics)
