# How a room becomes a target: same language level, warnings and sanitizers for all of them.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(LRA_CCACHE ccache)
if(LRA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LRA_CCACHE})
endif()

# For machines that build everything anew each time: the headers are read once for several sources of a room, and once
# for all tests. Who changes one file at a time is better off without.
option(LRA_FROM_SCRATCH "Compile the sources of a room together, and tests with a precompiled header" OFF)
if(LRA_FROM_SCRATCH)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 48)
endif()

# lra_together(GROUP a.cpp ...): of a target in UNITY_BUILD_MODE GROUP, compiled as one then.
function(lra_together group)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP ${group})
endfunction()

# The rules and the simulated library: run millions of times by the simulator and by property tests, so that optimising
# them costs less than it saves even when all is built for one run.
function(lra_optimised)
  if(LRA_FROM_SCRATCH)
    foreach(target ${ARGN})
      target_compile_options(${target} PRIVATE -O1)
    endforeach()
  endif()
endfunction()

# lra_alone(a.cpp ...): these share names with others of their folder, and are compiled alone then too.
function(lra_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

add_library(lra_options INTERFACE)
target_include_directories(lra_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(lra_options INTERFACE LRA_VERSION="${PROJECT_VERSION}")
target_compile_options(lra_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum
  $<$<BOOL:${LRA_WARNINGS_AS_ERRORS}>:-Werror>
  # gcc 12 reports members of an inactive std::variant or std::optional as maybe uninitialised.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers>
  # What is private to one source lies beside another's there.
  $<$<BOOL:${LRA_FROM_SCRATCH}>:-Wno-shadow>
  $<$<AND:$<BOOL:${LRA_FROM_SCRATCH}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
if(LRA_SANITIZE)
  target_compile_options(lra_options INTERFACE
    -fsanitize=${LRA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lra_options INTERFACE -fsanitize=${LRA_SANITIZE})
else()
  target_compile_options(lra_options INTERFACE -fstack-protector-strong)
  target_compile_definitions(lra_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()

# lra_library(NAME SOURCES a.cpp ... LIBRARIES x y ...)
function(lra_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC lra_options ${ARG_LIBRARIES})
endfunction()

# lra_program(NAME SOURCES a.cpp LIBRARIES x y ...): an executable in bin/
function(lra_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE lra_options ${ARG_LIBRARIES})
endfunction()
