# The programs compose the rooms: they know everyone and decide nothing.
foreach(program lrad dsad lractl vtld vtl-rsh lra-mibd)
  set(description ${PROJECT_SOURCE_DIR}/cmake/programs/${program}.cmake)
  if(EXISTS ${description})
    include(${description})
  endif()
endforeach()
