#pragma once

// A thread that nobody waits for: a command to a drive may hang for longer than whoever sent it
// lives.

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace drive_iface {

// Runs `main` on a thread of its own with a small stack; what `main` holds is let go at its end. 0,
// or the error number of pthread_create().
[[nodiscard]] inline int leave_to_thread(std::function<void()> main) {
    constexpr std::size_t stack_size = std::size_t{512} * 1024;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_size);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    auto owned = std::make_unique<std::function<void()>>(std::move(main));
    const auto run = [](void* given) -> void* {
        const std::unique_ptr<std::function<void()>> call(
            static_cast<std::function<void()>*>(given));
        (*call)();
        return nullptr;
    };
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, run, owned.get());
    pthread_attr_destroy(&attributes);
    if (error == 0) static_cast<void>(owned.release());  // the thread's now
    return error;
}

}  // namespace drive_iface
