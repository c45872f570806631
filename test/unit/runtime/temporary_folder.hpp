#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

// A folder of its own for a test, gone when the test ends.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = "/tmp/lra-runtime-test.XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

    // Writes a file and answers its path.
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        const std::string path = file(name);
        std::ofstream(path, std::ios::binary) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }

  private:
    std::string path_;
};
