// A disk that takes its time to sync: preloaded into a program. LRA_SYNC_MS says how long.

#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using Sync = int (*)(int);

int late(Sync real, int descriptor) {
    static const char* const text = ::getenv("LRA_SYNC_MS");
    if (text != nullptr)
        std::this_thread::sleep_for(std::chrono::milliseconds(std::strtol(text, nullptr, 10)));
    return real(descriptor);
}

}  // namespace

extern "C" int fdatasync(int descriptor) {
    static const auto real = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, "fdatasync"));
    return late(real, descriptor);
}

extern "C" int fsync(int descriptor) {
    static const auto real = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, "fsync"));
    return late(real, descriptor);
}
