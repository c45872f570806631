#include "catalogue_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace sample_backup_application {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
    throw std::runtime_error(what + " " + path + ": " + std::strerror(errno));
}

void write_all(int descriptor, const std::string& text, const std::string& path) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t bytes = ::write(descriptor, text.data() + written, text.size() - written);
        if (bytes < 0 && errno != EINTR) fail("can not write", path);
        if (bytes > 0) written += static_cast<std::size_t>(bytes);
    }
}

}  // namespace

CatalogueFile::CatalogueFile(std::string path) : path_(std::move(path)) {
    const std::string lock_path = path_ + ".lock";
    lock_ = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (lock_ < 0) fail("can not open", lock_path);
    while (::flock(lock_, LOCK_EX) != 0) {
        if (errno != EINTR) fail("can not lock", lock_path);
    }
}

CatalogueFile::~CatalogueFile() {
    unlock();
}

void CatalogueFile::unlock() {
    if (lock_ >= 0) ::close(lock_);
    lock_ = -1;
}

Catalogue CatalogueFile::read() const {
    std::ifstream file(path_);
    if (!file) {
        if (errno == ENOENT) return {};
        fail("can not read", path_);
    }
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto catalogue = catalogue_from_json_text(text);
    if (!catalogue) {
        throw std::runtime_error(path_ +
                                 " is not a state file of this program; it is left as it is");
    }
    return std::move(*catalogue);
}

void CatalogueFile::write(const Catalogue& catalogue) const {
    const std::string fresh = path_ + ".new";
    const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (descriptor < 0) fail("can not create", fresh);
    try {
        write_all(descriptor, to_json_text(catalogue), fresh);
    } catch (const std::runtime_error&) {
        ::close(descriptor);
        throw;
    }
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    if (!synced || std::rename(fresh.c_str(), path_.c_str()) != 0) fail("can not replace", path_);
}

}  // namespace sample_backup_application
