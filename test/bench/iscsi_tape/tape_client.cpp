#include "test/bench/iscsi_tape/tape_client.hpp"

#include <poll.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

namespace iscsi_tape {

namespace {

using Clock = std::chrono::steady_clock;
using Task = std::unique_ptr<scsi_task, decltype(&scsi_free_scsi_task)>;

constexpr int ready_attempts_max = 200;

Task task_for(const std::vector<std::uint8_t>& cdb, int direction, int length) {
    auto bytes = cdb;
    return {scsi_create_task(static_cast<int>(bytes.size()), bytes.data(), direction, length),
            &scsi_free_scsi_task};
}

}  // namespace

// What the commands under way share.
struct TapeClient::Stream {
    bool writes = false;
    std::uint64_t issued = 0;
    int in_flight = 0;
    std::uint64_t done = 0;
    std::string trouble;

    static void answered(iscsi_context*, int, void* data, void* private_data);
};

void TapeClient::Stream::answered(iscsi_context*, int, void* data, void* private_data) {
    auto& stream = *static_cast<Stream*>(private_data);
    const Task task(static_cast<scsi_task*>(data), &scsi_free_scsi_task);
    --stream.in_flight;
    ++stream.done;
    if (task->status == SCSI_STATUS_GOOD && task->residual == 0) return;
    if (!stream.trouble.empty()) return;
    stream.trouble =
        "block " + std::to_string(stream.done - 1) + ": status " + std::to_string(task->status) +
        ", sense key " + std::to_string(task->sense.key) + ", ASC/ASCQ " +
        std::to_string(task->sense.ascq) + ", residual " + std::to_string(task->residual);
}

TapeClient::TapeClient(const std::string& portal, const std::string& target, int lun,
                       const std::string& initiator)
    : context_(iscsi_create_context(initiator.c_str())), lun_(lun) {
    iscsi_set_session_type(context_, ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(context_, ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_targetname(context_, target.c_str());
    iscsi_set_noautoreconnect(context_, 1);
    iscsi_set_timeout(context_, 120);
    if (iscsi_connect_sync(context_, portal.c_str()) != 0 || iscsi_login_sync(context_) != 0) {
        const std::string why = iscsi_get_error(context_);
        iscsi_destroy_context(context_);
        throw Failure("can not log in to " + target + " at " + portal + ": " + why);
    }
}

TapeClient::~TapeClient() {
    iscsi_logout_sync(context_);
    iscsi_destroy_context(context_);
}

int TapeClient::command(const std::vector<std::uint8_t>& cdb) {
    auto task = task_for(cdb, SCSI_XFER_NONE, 0);
    if (!iscsi_scsi_command_sync(context_, lun_, task.get(), nullptr))
        throw Failure(std::string("no answer: ") + iscsi_get_error(context_));
    return task->status;
}

std::vector<std::uint8_t> TapeClient::query(const std::vector<std::uint8_t>& cdb, int data_in_max) {
    auto task = task_for(cdb, SCSI_XFER_READ, data_in_max);
    if (!iscsi_scsi_command_sync(context_, lun_, task.get(), nullptr))
        throw Failure(std::string("no answer: ") + iscsi_get_error(context_));
    if (task->status != SCSI_STATUS_GOOD) return {};
    return {task->datain.data, task->datain.data + task->datain.size};
}

void TapeClient::wait_until_ready() {
    for (int i = 0; i < ready_attempts_max; ++i) {
        if (command({0, 0, 0, 0, 0, 0}) == SCSI_STATUS_GOOD) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    throw Failure("the drive does not become ready");
}

void TapeClient::rewind() {
    if (command({0x01, 0, 0, 0, 0, 0}) != SCSI_STATUS_GOOD) throw Failure("REWIND failed");
}

void TapeClient::write_filemark() {
    if (command({0x10, 0, 0, 0, 1, 0}) != SCSI_STATUS_GOOD) throw Failure("WRITE FILEMARKS failed");
}

double TapeClient::write(const Load& load) {
    TapeClient* const alone = this;
    return stream(std::span(&alone, 1), load, true);
}

double TapeClient::read(const Load& load) {
    TapeClient* const alone = this;
    return stream(std::span(&alone, 1), load, false);
}

double TapeClient::write_together(std::span<TapeClient* const> clients, const Load& load) {
    return stream(clients, load, true);
}

double TapeClient::read_together(std::span<TapeClient* const> clients, const Load& load) {
    return stream(clients, load, false);
}

void TapeClient::issue(Stream& stream, const Load& load) {
    const std::size_t size = load.block_length;
    const auto depth = static_cast<std::size_t>(load.depth);
    if (buffer_.size() != size * depth) {
        buffer_.resize(size * depth);
        std::uint64_t noise = 0x9e3779b97f4a7c15U;
        for (auto& byte : buffer_)
            byte = static_cast<std::uint8_t>((noise = noise * 6364136223846793005U + 1) >> 56);
    }
    const std::vector<std::uint8_t> cdb{static_cast<std::uint8_t>(stream.writes ? 0x0a : 0x08),
                                        0,
                                        static_cast<std::uint8_t>(size >> 16),
                                        static_cast<std::uint8_t>(size >> 8),
                                        static_cast<std::uint8_t>(size),
                                        0};
    for (; stream.in_flight < load.depth && stream.issued < load.blocks; ++stream.issued) {
        auto task =
            task_for(cdb, stream.writes ? SCSI_XFER_WRITE : SCSI_XFER_READ, static_cast<int>(size));
        auto* piece = static_cast<scsi_iovec*>(scsi_malloc(task.get(), sizeof(scsi_iovec)));
        piece->iov_base = buffer_.data() + (stream.issued % depth) * size;
        piece->iov_len = size;
        if (stream.writes) {
            scsi_task_set_iov_out(task.get(), piece, 1);
        } else {
            scsi_task_set_iov_in(task.get(), piece, 1);
        }
        if (iscsi_scsi_command_async(context_, lun_, task.get(), &Stream::answered, nullptr,
                                     &stream) != 0)
            throw Failure(std::string("can not send: ") + iscsi_get_error(context_));
        static_cast<void>(task.release());
        ++stream.in_flight;
    }
}

void TapeClient::serve(short events) {
    if (iscsi_service(context_, events) != 0)
        throw Failure(std::string("connection lost: ") + iscsi_get_error(context_));
}

double TapeClient::stream(std::span<TapeClient* const> clients, const Load& load, bool writes) {
    std::vector<Stream> streams(clients.size(), Stream{.writes = writes, .trouble = {}});
    std::vector<pollfd> ready(clients.size());
    const auto wants_more = [&load](const Stream& stream) {
        return stream.trouble.empty() && stream.done < load.blocks;
    };
    const auto began = Clock::now();
    double took = 0;
    while (std::any_of(streams.begin(), streams.end(),
                       [](const auto& one) { return one.in_flight > 0; }) ||
           took == 0) {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            auto* context = clients[i]->context_;
            if (wants_more(streams[i])) clients[i]->issue(streams[i], load);
            ready[i] = {iscsi_get_fd(context), static_cast<short>(iscsi_which_events(context)), 0};
            if (streams[i].in_flight == 0) ready[i].fd = -1;
        }
        ::poll(ready.data(), ready.size(), 1000);
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (ready[i].revents != 0) clients[i]->serve(ready[i].revents);
        }
        if (took == 0 && std::none_of(streams.begin(), streams.end(), wants_more))
            took = std::chrono::duration<double>(Clock::now() - began).count();
    }
    for (const auto& one : streams) {
        if (!one.trouble.empty()) throw Failure(one.trouble);
    }
    return took;
}

}  // namespace iscsi_tape
