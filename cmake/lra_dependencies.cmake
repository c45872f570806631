# Debian's packages behind one imported target each; packaging/install-dependencies installs them.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
pkg_check_modules(LIBISCSI REQUIRED IMPORTED_TARGET libiscsi)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(LIBSSL REQUIRED IMPORTED_TARGET libssl)
# Its flags change the layout of its classes: they have to be those that Debian's library was built with.
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(NETSNMP REQUIRED IMPORTED_TARGET netsnmp)
pkg_check_modules(NETSNMP_AGENT REQUIRED IMPORTED_TARGET netsnmp-agent)

find_library(LRA_SGUTILS2 sgutils2 REQUIRED)
add_library(sgutils2 INTERFACE)
target_link_libraries(sgutils2 INTERFACE ${LRA_SGUTILS2})

add_library(asio INTERFACE)
# Asio 1.22 decides by what was included before it whether memory comes from aligned_alloc() or operator new, and frees
# it the way the other file decided: the same answer for every file.
target_compile_definitions(asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(asio INTERFACE Threads::Threads)
