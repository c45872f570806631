// A wall clock that somebody sets while a program runs: preloaded into it. The file that
// LRA_CLOCK_STEP names holds the seconds to add, as text; it is read at each look at the clock.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

long seconds_added() {
    static const char* const path = ::getenv("LRA_CLOCK_STEP");
    if (path == nullptr) return 0;
    const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    char text[32] = {};
    const ssize_t length = ::read(descriptor, text, sizeof text - 1);
    ::close(descriptor);
    return length > 0 ? std::strtol(text, nullptr, 10) : 0;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
    using Function = int (*)(clockid_t, struct timespec*);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "clock_gettime"));
    const int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += seconds_added();
    return result;
}

extern "C" int gettimeofday(struct timeval* now, void* /*zone*/) noexcept {
    struct timespec precise {};
    const int result = ::clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1'000;
    return result;
}

extern "C" time_t time(time_t* now) noexcept {
    struct timespec precise {};
    ::clock_gettime(CLOCK_REALTIME, &precise);
    if (now != nullptr) *now = precise.tv_sec;
    return precise.tv_sec;
}
