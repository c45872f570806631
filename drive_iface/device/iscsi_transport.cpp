#include "drive_iface/device/iscsi_transport.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "drive_iface/device/iscsi_client.hpp"

namespace drive_iface {

using namespace agent::core;
using iscsi_client::Completion;
using iscsi_client::Context;

namespace {

struct FreeTask {
    void operator()(scsi_task* task) const { scsi_free_scsi_task(task); }
};
struct FreeUrl {
    void operator()(iscsi_url* url) const { iscsi_destroy_url(url); }
};
using Task = std::unique_ptr<scsi_task, FreeTask>;
using Url = std::unique_ptr<iscsi_url, FreeUrl>;

// What the callback of a task management function leaves; the response belongs to the library.
struct FunctionEnd {
    Completion completion;
    std::uint32_t response = 0;
};

void function_ended(iscsi_context*, int status, void* response, void* end) noexcept {
    auto* left = static_cast<FunctionEnd*>(end);
    if (response != nullptr) left->response = *static_cast<std::uint32_t*>(response);
    left->completion.status = status;
    left->completion.done = true;
}

// A command that was sent: what libiscsi uses until it is done or its context has ended.
struct UnderWay {
    Task task;
    std::vector<std::uint8_t> data_out;
    iscsi_data out{};
    std::size_t data_in_max = 0;
    Completion completion;
};

class IscsiTransport : public drive_iface::Transport, private OpenPath {
  public:
    IscsiTransport(IscsiTransportOptions options, std::string target, std::string portal,
                   std::string user, std::string password, int lun)
        : options_(std::move(options)),
          target_(std::move(target)),
          portal_(std::move(portal)),
          user_(std::move(user)),
          password_(std::move(password)),
          lun_(lun) {}
    ~IscsiTransport() override { iscsi_client::log_out(context_); }
    IscsiTransport(const IscsiTransport&) = delete;
    IscsiTransport& operator=(const IscsiTransport&) = delete;

    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override;
    Outcome reset_logical_unit(Duration timeout) override;
    OpenPath* open_path() override { return context_ == nullptr ? nullptr : this; }

  private:
    Outcome send(const ScsiCommand& command) override;
    [[nodiscard]] int descriptor() const override { return iscsi_get_fd(context_.get()); }
    [[nodiscard]] short events() const override {
        return static_cast<short>(iscsi_which_events(context_.get()));
    }
    std::optional<Result<ScsiReply>> receive(short ready) override;
    Error give_up(Duration timeout) override;

    Outcome log_in();
    Outcome make_task(const ScsiCommand& command);
    Result<ScsiReply> answered();
    Error closed(const std::string& why);
    Error lost();
    [[nodiscard]] std::string last_error() const {
        return iscsi_client::last_error(context_.get());
    }
    [[nodiscard]] std::string where() const { return "iSCSI target " + target_ + " at " + portal_; }

    IscsiTransportOptions options_;
    std::string target_;
    std::string portal_;
    std::string user_;
    std::string password_;
    int lun_;
    std::optional<UnderWay> under_way_;
    // What the library has said before, of a command that ended with sense data: it says so until
    // the next error.
    std::string earlier_words_;
    Context context_;  // ends before what is under way
};

Result<ScsiReply> IscsiTransport::execute(const ScsiCommand& command, Duration timeout) {
    if (context_ == nullptr) {
        if (auto logged_in = log_in(); !logged_in) return logged_in.error();
    }
    if (auto sent = send(command); !sent) return sent.error();
    static_cast<void>(iscsi_client::serve(context_.get(), under_way_->completion, timeout));
    if (under_way_->completion.done) return answered();
    return give_up(timeout);
}

Outcome IscsiTransport::log_in() {
    context_.reset(iscsi_create_context(options_.initiator_name.c_str()));
    if (context_ == nullptr) return Error{where() + ": no memory for a session"};
    iscsi_context* context = context_.get();
    iscsi_set_isid_random(context, options_.isid, options_.isid_qualifier);
    iscsi_set_targetname(context, target_.c_str());
    iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(context, ISCSI_HEADER_DIGEST_NONE_CRC32C);
    if (!user_.empty()) iscsi_set_initiator_username_pwd(context, user_.c_str(), password_.c_str());
    auto logged_in =
        iscsi_client::log_in(context_, portal_, options_.login_timeout, options_.credentials);
    if (!logged_in) return logged_in.error().within(where());
    earlier_words_ = last_error();
    return Nothing{};
}

// Ends the session, and with it the command under way: its callback runs now, while what it uses is
// still there. The next execute() logs in again.
Error IscsiTransport::closed(const std::string& why) {
    context_.reset();
    under_way_.reset();
    return Error{where() + ": " + why};
}

// Of an end without an error of its own nothing is said.
Error IscsiTransport::lost() {
    const std::string words = last_error();
    return closed("connection lost: " +
                  (words == earlier_words_ ? "the other end has closed it" : words));
}

Outcome IscsiTransport::make_task(const ScsiCommand& command) {
    const bool writes = !command.data_out.empty();
    const int direction = writes                    ? SCSI_XFER_WRITE
                          : command.data_in_max > 0 ? SCSI_XFER_READ
                                                    : SCSI_XFER_NONE;
    const auto size = writes ? command.data_out.size() : command.data_in_max;
    std::vector<std::uint8_t> cdb(command.cdb.begin(), command.cdb.end());
    auto& made = under_way_.emplace();
    made.task.reset(scsi_create_task(static_cast<int>(cdb.size()), cdb.data(), direction,
                                     static_cast<int>(size)));
    if (made.task == nullptr) return closed("no memory for a command");
    made.data_out.assign(command.data_out.begin(), command.data_out.end());
    made.out = {made.data_out.size(), made.data_out.data()};
    made.data_in_max = command.data_in_max;
    return Nothing{};
}

Outcome IscsiTransport::send(const ScsiCommand& command) {
    if (auto made = make_task(command); !made) return made;
    auto& sent = *under_way_;
    if (iscsi_scsi_command_async(context_.get(), lun_, sent.task.get(), iscsi_client::completed,
                                 sent.data_out.empty() ? nullptr : &sent.out,
                                 &sent.completion) != 0) {
        return closed("command not sent: " + last_error());
    }
    // The socket nearly always has room for it: to ask first would be a system call more.
    if (iscsi_service(context_.get(), POLLOUT) != 0 && !sent.completion.done) return lost();
    return Nothing{};
}

std::optional<Result<ScsiReply>> IscsiTransport::receive(short ready) {
    const bool served = iscsi_service(context_.get(), ready) == 0;
    if (under_way_->completion.done) return answered();
    if (served) return std::nullopt;
    return lost();
}

Error IscsiTransport::give_up(Duration timeout) {
    return closed("no answer within " + std::to_string(timeout.ms) + " ms (" + last_error() + ")");
}

// The command is done: what it brought.
Result<ScsiReply> IscsiTransport::answered() {
    const int status = under_way_->completion.status;
    if (status < 0 || status > 0xff) return lost();
    const scsi_task& task = *under_way_->task;
    ScsiReply reply;
    reply.status = static_cast<std::uint8_t>(status);
    const auto received = static_cast<std::size_t>(std::max(task.datain.size, 0));
    const std::span<const std::uint8_t> data(task.datain.data,
                                             task.datain.data == nullptr ? 0 : received);
    if (status == SCSI_STATUS_CHECK_CONDITION) {
        earlier_words_ = last_error();
        // SenseLength, then the sense data (RFC 7143 11.4.7.2).
        if (data.size() > 2) {
            const std::size_t sense_size = std::size_t{data[0]} << 8 | data[1];
            const auto sense = data.subspan(2, std::min(sense_size, data.size() - 2));
            reply.sense.assign(sense.begin(), sense.end());
        }
    } else {
        const auto wanted = std::min(data.size(), under_way_->data_in_max);
        reply.data_in.assign(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(wanted));
    }
    under_way_.reset();
    return reply;
}

// LOGICAL UNIT RESET, function 5 of a Task Management Function Request (RFC 7143 11.5.1); response
// 0 is "function complete" (11.6.1).
Outcome IscsiTransport::reset_logical_unit(Duration timeout) {
    if (context_ == nullptr) {
        if (auto logged_in = log_in(); !logged_in) return logged_in.error();
    }
    FunctionEnd end;
    if (iscsi_task_mgmt_lun_reset_async(context_.get(), static_cast<std::uint32_t>(lun_),
                                        function_ended, &end) != 0) {
        const Error error{
            where() + ": LOGICAL UNIT RESET not sent: " + iscsi_client::last_error(context_.get())};
        context_.reset();
        return error;
    }
    static_cast<void>(iscsi_client::serve(context_.get(), end.completion, timeout));
    if (!end.completion.done || end.completion.status != SCSI_STATUS_GOOD) {
        const Error error{where() + ": no answer to LOGICAL UNIT RESET: " +
                          iscsi_client::last_error(context_.get())};
        context_.reset();  // the callback runs now at the latest, while `end` is still there
        return error;
    }
    if (end.response == 0) return Nothing{};
    return Error{where() + ": LOGICAL UNIT RESET refused, response " +
                 std::to_string(end.response) + " (RFC 7143 11.6.1)"};
}

}  // namespace

std::uint32_t isid_number(const std::string& controller) {
    std::uint32_t hash = 2'166'136'261;  // FNV-1a
    for (const char c : controller) {
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619;
    }
    return (hash ^ (hash >> 24)) & 0xff'ffff;
}

Result<std::unique_ptr<Transport>> make_iscsi_transport(IscsiTransportOptions options) {
    if (options.initiator_name.empty() || options.initiator_name.size() > 223) {
        return Error{
            "the iSCSI initiator name has 1 to 223 characters, such as "
            "iqn.2026-01.com.example:library-1"};
    }
    const Context parser(iscsi_create_context(options.initiator_name.c_str()));
    if (parser == nullptr) return Error{"no memory for an iSCSI session"};
    const Url url(iscsi_parse_full_url(parser.get(), options.url.c_str()));
    if (url == nullptr) {
        return Error{"\"" + options.url +
                     "\" is not an iSCSI URL (iscsi://HOST:PORT/TARGET-NAME/LUN): " +
                     iscsi_client::last_error(parser.get())};
    }
    return std::unique_ptr<Transport>(std::make_unique<IscsiTransport>(
        std::move(options), url->target, url->portal, url->user, url->passwd, url->lun));
}

}  // namespace drive_iface
