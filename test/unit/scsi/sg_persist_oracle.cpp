// Preloaded into sg_persist: it decodes the bytes in the file $LRA_PR_IN (hexadecimal text) in
// place of a device's answer. All that it prints is its own.

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

int sg_cmds_open_device(const char*, bool, int) {
    return 3;
}
int sg_cmds_open_flags(const char*, int, int) {
    return 3;
}
int sg_cmds_close_device(int) {
    return 0;
}

// As libsgutils2 declares it: 0 is GOOD.
int sg_ll_persistent_reserve_in(int, int, void* response, int length, bool, int) {
    const char* path = std::getenv("LRA_PR_IN");
    std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "r");
    if (file == nullptr) return 1;
    std::memset(response, 0, static_cast<std::size_t>(length));
    auto* bytes = static_cast<unsigned char*>(response);
    unsigned byte = 0;
    for (int i = 0; i < length && std::fscanf(file, "%2x", &byte) == 1; ++i)
        bytes[i] = static_cast<unsigned char>(byte);
    std::fclose(file);
    return 0;
}

}  // extern "C"
