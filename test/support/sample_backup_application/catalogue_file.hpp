#pragma once

#include <string>

#include "catalogue.hpp"

namespace sample_backup_application {

// The catalogue in its file. Locked for as long as the object lives, so that calls at the same time
// wait for each other; written to a new file that takes the old one's name, so that a call that is
// killed leaves a whole one. Throws std::runtime_error with words for the user.
class CatalogueFile {
  public:
    explicit CatalogueFile(std::string path);
    ~CatalogueFile();
    CatalogueFile(const CatalogueFile&) = delete;
    CatalogueFile& operator=(const CatalogueFile&) = delete;

    [[nodiscard]] Catalogue read() const;  // empty when there is no file yet
    void write(const Catalogue& catalogue) const;
    void unlock();

  private:
    std::string path_;
    int lock_ = -1;
};

}  // namespace sample_backup_application
