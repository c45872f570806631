#include "snmp_mib/udp_batch.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace snmp_mib {

void OutgoingDatagrams::add(std::string bytes, const asio::ip::udp::endpoint& to,
                            const std::string& whose) {
    waiting_.push_back({std::move(bytes), to, whose});
}

bool OutgoingDatagrams::flush(asio::ip::udp::socket& socket, const Refused& refused) {
    while (!waiting_.empty()) {
        const std::size_t count = std::min(waiting_.size(), datagrams_at_once);
        std::array<iovec, datagrams_at_once> pieces{};
        std::array<mmsghdr, datagrams_at_once> headers{};
        for (std::size_t i = 0; i < count; ++i) {
            Datagram& datagram = waiting_[i];
            pieces.at(i) = {datagram.bytes.data(), datagram.bytes.size()};
            msghdr& header = headers.at(i).msg_hdr;
            header.msg_name = datagram.to.data();
            header.msg_namelen = static_cast<socklen_t>(datagram.to.size());
            header.msg_iov = &pieces.at(i);
            header.msg_iovlen = 1;
        }
        const int sent = ::sendmmsg(socket.native_handle(), headers.data(),
                                    static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent > 0) {
            waiting_.erase(waiting_.begin(), waiting_.begin() + sent);
            continue;
        }
        const int why = errno;
        if (why == EINTR) continue;
        if (why == EAGAIN || why == EWOULDBLOCK || why == ENOBUFS) return false;
        const Datagram first = std::move(waiting_.front());
        waiting_.pop_front();
        refused(first.whose, asio::error_code(why, asio::system_category()));
    }
    return true;
}

IncomingDatagrams::IncomingDatagrams() : space_(datagrams_read_at_once * room) {}

std::size_t IncomingDatagrams::read(asio::ip::udp::socket& socket, std::size_t most) {
    const std::size_t count = std::min(most, datagrams_read_at_once);
    std::array<iovec, datagrams_read_at_once> pieces{};
    std::array<mmsghdr, datagrams_read_at_once> headers{};
    for (std::size_t i = 0; i < count; ++i) {
        pieces.at(i) = {space_.data() + i * room, room};
        msghdr& header = headers.at(i).msg_hdr;
        header.msg_name = from_.at(i).data();
        header.msg_namelen = static_cast<socklen_t>(from_.at(i).capacity());
        header.msg_iov = &pieces.at(i);
        header.msg_iovlen = 1;
    }
    int got = -1;
    do {
        got = ::recvmmsg(socket.native_handle(), headers.data(), static_cast<unsigned>(count),
                         MSG_DONTWAIT, nullptr);
    } while (got < 0 && errno == EINTR);
    const auto arrived = static_cast<std::size_t>(std::max(got, 0));
    for (std::size_t i = 0; i < arrived; ++i) {
        lengths_.at(i) = headers.at(i).msg_len;
        from_.at(i).resize(headers.at(i).msg_hdr.msg_namelen);
    }
    return arrived;
}

}  // namespace snmp_mib
