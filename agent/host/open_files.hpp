#pragma once

// Which programs of this host have a drive's device node open, as /proc tells. Nothing is opened or
// asked: no drive notices.

#include <string>
#include <vector>

namespace agent::host {

struct OpenFile {
    int pid = 0;
    std::string program;  // /proc/PID/comm
    std::string path;     // of the node
    bool operator==(const OpenFile&) const = default;
};

struct OpenFiles {
    std::vector<OpenFile> found;
    // Every process could be looked into and every node was there. Without it "none found" says
    // nothing; only root may look into the processes of others.
    bool complete = true;
    std::string why_incomplete;
    bool operator==(const OpenFiles&) const = default;
};

// The other nodes of the same drive: /dev/st0, /dev/nst0, /dev/nst0a ... for any of them; `node`
// itself comes first.
[[nodiscard]] std::vector<std::string> nodes_beside(const std::string& node);

// Blocks for as long as walking through /proc takes: for a worker thread. Programs named in
// `ignored` do not count. A node is recognised by its device number, a plain file (in tests, or a
// link) by its inode.
[[nodiscard]] OpenFiles find_open_files(const std::vector<std::string>& nodes,
                                        const std::vector<std::string>& ignored,
                                        const std::string& proc = "/proc");

}  // namespace agent::host
