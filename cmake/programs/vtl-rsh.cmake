lra_program(vtl-rsh SOURCES ${PROJECT_SOURCE_DIR}/drive_iface/rmt/vtl_rsh.cpp LIBRARIES drive_iface_events agent_runtime)
