#pragma once

// "Does your host hold this drive?": what this host can say about it, from its application, the
// open files of the drive's nodes and, when the administrator wants that, a program of the site.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/core/holder_question.hpp"
#include "agent/host/argv_template.hpp"
#include "agent/host/command_application_runner.hpp"
#include "agent/host/command_runner.hpp"
#include "agent/host/holder_signs.hpp"
#include "agent/host/host_devices.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::dsad {

class HolderAnswers {
  public:
    using Say = std::function<void(const core::HolderStatement&)>;
    // What was run for it and how it went, for the journal and the audit trail.
    using Note = std::function<void(const core::DriveSerial& drive, const std::string& action,
                                    const std::string& line)>;

    // `application` outlives this object. One thread: the loop's.
    HolderAnswers(asio::io_context& loop, host::CommandApplicationRunner& application, Say say,
                  Note note);
    ~HolderAnswers();

    // `devices`: this host, as last looked at.
    void configure(const runtime::DsadConfiguration& configuration,
                   const host::HostDevices& devices);

    // Answered once, later; a repeat of a question that was answered is answered with the same
    // words, a repeat of one that is being worked on and an older one of its kind not at all. So a
    // request to release is carried out once.
    void asked(const core::HolderInquiry& inquiry);

  private:
    struct Work;
    struct Answered {
        core::NoticeId id;
        std::optional<core::HolderStatement> statement;  // nothing: being worked on
    };
    using Then = std::function<void()>;

    void release(const std::shared_ptr<Work>& work, Then then);
    void ask_application(const std::shared_ptr<Work>& work, Then then);
    void look_for_open_files(const std::shared_ptr<Work>& work, Then then);
    void probe(const std::shared_ptr<Work>& work, Then then);
    void answer(const std::shared_ptr<Work>& work);
    [[nodiscard]] const host::DriveNames* names_of(const core::DriveSerial& drive) const;

    asio::io_context& loop_;
    host::CommandApplicationRunner& application_;
    Say say_;
    Note note_;
    core::AgentName agent_;
    core::DomainName domain_;
    std::vector<core::InitiatorPort> ports_;
    std::map<core::DriveSerial, host::DriveNames> drives_;
    std::vector<host::FoundTapeDrive> devices_;
    runtime::ApplicationConfiguration settings_;
    // Each kind of request counts for itself: what lrad numbers for administrators lies above all
    // that its rules give out (agent/lrad/holder_questions.cpp), so that after one such request
    // every ordinary question would look old.
    using Asked = std::tuple<core::ControllerName, core::DriveSerial, core::HolderRequest>;
    [[nodiscard]] static Asked key_of(const core::HolderInquiry& inquiry);
    std::map<Asked, Answered> answered_;
    std::map<core::DriveSerial, core::HolderAnswer> last_said_;
    std::list<std::thread> scans_;  // joined when they have answered, or at the end
    host::CommandRunner commands_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // threads and handlers hold it weakly
};

}  // namespace agent::dsad
