# The parts of vtld are a library of their own, so that tests can put them together differently.
set(vtld_room ${PROJECT_SOURCE_DIR}/drive_iface/vtld)
lra_library(drive_iface_vtld
  SOURCES
    ${vtld_room}/administration.cpp
    ${vtld_room}/administration_records.cpp
    ${vtld_room}/audited_methods.cpp
    ${vtld_room}/cartridge_configuration.cpp
    ${vtld_room}/cartridge_list.cpp
    ${vtld_room}/cartridge_methods.cpp
    ${vtld_room}/configuration.cpp
    ${vtld_room}/control_parameters.cpp
    ${vtld_room}/drive_bay.cpp
    ${vtld_room}/event_channels.cpp
    ${vtld_room}/fault_methods.cpp
    ${vtld_room}/faults.cpp
    ${vtld_room}/iscsi_configuration.cpp
    ${vtld_room}/library_methods.cpp
    ${vtld_room}/lrad_records.cpp
    ${vtld_room}/made_cartridges.cpp
    ${vtld_room}/new_cartridges.cpp
    ${vtld_room}/port_methods.cpp
    ${vtld_room}/rmt_configuration.cpp
    ${vtld_room}/rmt_drives.cpp
    ${vtld_room}/session_methods.cpp
    ${vtld_room}/snapshot_configuration.cpp
    ${vtld_room}/snapshot_exports.cpp
    ${vtld_room}/snapshot_json.cpp
    ${vtld_room}/snapshot_methods.cpp
    ${vtld_room}/snapshot_service.cpp
    ${vtld_room}/state_file.cpp
    ${vtld_room}/virtual_ports.cpp
    ${vtld_room}/waiting_commands.cpp
    ${vtld_room}/web_configuration.cpp
    ${vtld_room}/write_session_json.cpp
    ${vtld_room}/write_session_methods.cpp
  LIBRARIES drive_iface_admin_volumes drive_iface_cartridge drive_iface_rmt drive_iface_sessions drive_iface_snapshots drive_iface_web drive_iface_iscsi drive_iface_virtual drive_iface_events agent_runtime nlohmann_json::nlohmann_json)
lra_program(vtld SOURCES ${PROJECT_SOURCE_DIR}/drive_iface/vtld.cpp ${vtld_room}/metrics_report.cpp LIBRARIES drive_iface_vtld agent_metrics)
