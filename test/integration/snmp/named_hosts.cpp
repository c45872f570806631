// A name service that a test writes: preloaded into a program. The file that LRA_NAMED_HOST names
// holds the address that "moving-host" has now.

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>

#include <cstdlib>
#include <fstream>
#include <string>

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** results) {
    using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    static const char* const path = ::getenv("LRA_NAMED_HOST");
    if (path == nullptr || node == nullptr || std::string(node) != "moving-host")
        return real(node, service, hints, results);
    std::string address;
    std::ifstream(path) >> address;
    if (address.empty()) return EAI_AGAIN;
    return real(address.c_str(), service, hints, results);
}
