lra_program(lractl SOURCES ${PROJECT_SOURCE_DIR}/agent/lractl.cpp LIBRARIES agent_shell)
