lra_program(lra-mibd SOURCES ${PROJECT_SOURCE_DIR}/snmp_mib/lra-mibd.cpp LIBRARIES snmp_mib_server)
