#include "drive_iface/rmt/remote_tape.hpp"

#include <cerrno>

#include "test/support/catch.hpp"
#include "test/unit/rmt/memory_drives.hpp"

using namespace rmt_test;

namespace {

const agent::core::InitiatorPort client{.transport = agent::core::Transport::unknown,
                                        .name = "rmt:operator",
                                        .isid = "000000000001",
                                        .address = {}};

// A client with its tape; replies come at once, since memory never waits.
struct Client {
    explicit Client(MemoryDrives& drives) : tape(std::make_shared<RemoteTape>(drives, client)) {}

    TapeReply ask(Request request) {
        std::optional<TapeReply> reply;
        tape->take(std::move(request), [&reply](TapeReply came) { reply = std::move(came); });
        REQUIRE(reply);
        return *reply;
    }
    std::string open(const std::string& device, Access access = Access::read_write) {
        return ask(OpenRequest{device, access}).head;
    }
    std::string write(std::size_t size, std::uint8_t with = 'x') {
        return ask(WriteRequest{Bytes(size, with)}).head;
    }
    std::string operate(std::int64_t code, std::int64_t count = 1) {
        return ask(OperationRequest{code, count}).head;
    }
    std::string close() { return ask(CloseRequest{}).head; }

    std::shared_ptr<RemoteTape> tape;
};

bool is_refused(const TapeReply& reply, int error) {
    return reply.head.starts_with("E" + std::to_string(error) + "\n");
}
bool is_refused(const std::string& head, int error) {
    return is_refused(TapeReply{head, {}}, error);
}

std::string content(const MemoryMedium& medium) {
    std::string text;
    for (const auto& object : medium.objects())
        text += object.data.empty() ? "|" : std::string(1, static_cast<char>(object.data[0]));
    return text;
}

}  // namespace

TEST_CASE("opening passes the unit attentions of a new nexus") {
    MemoryDrives drives;
    drives.attentions = 3;
    Client host(drives);
    CHECK(host.open("0/VOL001L8") == "A0\n");
    CHECK(drives.opened_by == std::vector<std::string>{"rmt:operator"});
}

TEST_CASE("what can not be opened is refused and leaves no nexus behind") {
    MemoryDrives drives;
    Client host(drives);
    CHECK(is_refused(host.open("9"), ENODEV));
    CHECK(is_refused(host.open("0/NOTHERE"), ENOENT));
    drives.reserved_by_another = true;
    CHECK(is_refused(host.open("0"), EBUSY));
    drives.reserved_by_another = false;
    drives.medium().facts.write_protected = true;
    CHECK(is_refused(host.open("0"), EROFS));
    CHECK(host.open("0", Access::read) == "A0\n");
    CHECK(host.close() == "A0\n");
    CHECK(drives.open_count == 0);
}

TEST_CASE("everything but opening needs an open tape") {
    MemoryDrives drives;
    Client host(drives);
    CHECK(is_refused(host.write(10), EBADF));
    CHECK(is_refused(host.ask(ReadRequest{10}), EBADF));
    CHECK(is_refused(host.operate(6), EBADF));
    CHECK(is_refused(host.ask(StatusRequest{}), EBADF));
    CHECK(is_refused(host.close(), EBADF));
    CHECK(host.ask(VersionRequest{}).head == "A1\n");
}

TEST_CASE("closing after a write adds one filemark, and rewinds unless the name says otherwise") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    CHECK(host.write(10, 'a') == "A10\n");
    CHECK(host.write(20, 'b') == "A20\n");
    CHECK(host.close() == "A0\n");
    CHECK(content(drives.medium()) == "ab|");
    CHECK(drives.tape().position == 3);

    REQUIRE(host.open("0") == "A0\n");
    CHECK(host.write(10, 'c') == "A10\n");
    CHECK(host.operate(5) == "A1\n");  // a filemark of its own: closing adds none
    CHECK(host.close() == "A0\n");
    CHECK(content(drives.medium()) == "ab|c|");
    CHECK(drives.tape().position == 0);
}

TEST_CASE("reading tells filemarks and the end of data as an end of file, then as an error") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    host.write(10, 'a');
    host.close();
    REQUIRE(host.open("n0") == "A0\n");
    CHECK(host.operate(6) == "A1\n");
    const auto reply = host.ask(ReadRequest{100});
    CHECK(reply.head == "A10\n");
    CHECK(reply.data == Bytes(10, 'a'));
    CHECK(host.ask(ReadRequest{100}).head == "A0\n");
    CHECK(host.ask(ReadRequest{100}).head == "A0\n");
    CHECK(is_refused(host.ask(ReadRequest{100}), EIO));
}

TEST_CASE("a record longer than the client's buffer is ENOMEM, and the tape stands behind it") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    host.write(1000, 'a');
    host.write(10, 'b');
    host.operate(6);
    const auto reply = host.ask(ReadRequest{100});
    CHECK(reply.head.starts_with("E12\nthe record is 1000 bytes long"));
    CHECK(host.ask(ReadRequest{100}).head == "A10\n");
}

TEST_CASE("a tape that is open for one direction only refuses the other") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("0", Access::read) == "A0\n");
    CHECK(is_refused(host.write(1), EBADF));
    CHECK(is_refused(host.operate(5), EBADF));
    CHECK(is_refused(host.operate(13), EBADF));
    host.close();
    REQUIRE(host.open("0", Access::write) == "A0\n");
    CHECK(is_refused(host.ask(ReadRequest{1}), EBADF));
}

TEST_CASE("operations move the tape as Linux numbers say, and as BSD's do after version 1") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    for (const char letter : {'a', 'b', 'c'}) {
        host.write(1, static_cast<std::uint8_t>(letter));
        CHECK(host.operate(5) == "A1\n");
    }
    REQUIRE(content(drives.medium()) == "a|b|c|");
    auto& position = drives.tape().position;
    CHECK(host.operate(6) == "A1\n");
    CHECK(position == 0);
    CHECK(host.operate(1, 2) == "A2\n");
    CHECK(position == 4);
    CHECK(host.operate(10, 1) == "A1\n");
    CHECK(position == 4);
    CHECK(host.operate(2, 1) == "A1\n");
    CHECK(position == 3);
    CHECK(host.operate(4, 1) == "A1\n");
    CHECK(position == 2);
    CHECK(host.operate(3, 1) == "A1\n");
    CHECK(position == 3);
    CHECK(host.operate(12) == "A1\n");
    CHECK(position == 6);
    CHECK(host.operate(22, 4) == "A4\n");
    CHECK(position == 4);
    CHECK(host.operate(11, 1) == "A1\n");
    CHECK(position == 5);
    CHECK(host.operate(8) == "A1\n");
    CHECK(is_refused(host.operate(3, 1), EIO));  // a filemark is in the way
    CHECK(is_refused(host.operate(0), EINVAL));
    CHECK(is_refused(host.operate(99), EINVAL));
    CHECK(is_refused(host.operate(1, -1), EINVAL));
    CHECK(is_refused(host.operate(1, 1LL << 40), EINVAL));
    CHECK(is_refused(host.operate(20, 512), EINVAL));

    CHECK(host.operate(-1, 0) == "A1\n");
    CHECK(host.operate(5) == "A1\n");  // REW now
    CHECK(position == 0);
    CHECK(host.operate(3, 1) == "A1\n");
    CHECK(host.operate(0) == "A1\n");  // WEOF
    CHECK(content(drives.medium()) == "a|");
}

TEST_CASE("moving away from what was written leaves a filemark behind it") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    host.write(1, 'a');
    CHECK(host.operate(6) == "A1\n");
    CHECK(content(drives.medium()) == "a|");
    host.operate(12);
    host.write(1, 'b');
    CHECK(host.operate(4) == "A1\n");  // a record back: tar -r overwrites its trailer so
    CHECK(content(drives.medium()) == "a|b");
}

TEST_CASE("L finds both ends of the tape and nothing between") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    host.write(1, 'a');
    using enum SeekRequest::Whence;
    CHECK(host.ask(SeekRequest{0, current}).head == "A0\n");
    CHECK(host.ask(SeekRequest{0, set}).head == "A1\n");
    CHECK(drives.tape().position == 0);
    CHECK(host.ask(SeekRequest{0, end}).head == "A1\n");
    CHECK(drives.tape().position == 2);
    CHECK(is_refused(host.ask(SeekRequest{512, set}), ESPIPE));
}

TEST_CASE("near the end of the medium every other write is refused, and at its end all") {
    MemoryDrives drives(3200);
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    int accepted_before = 0;
    std::string head;
    while ((head = host.write(100)) == "A100\n")
        ++accepted_before;
    CHECK(is_refused(head, ENOSPC));
    CHECK(accepted_before == 31);
    CHECK(host.write(100) == "A100\n");  // a trailer
    CHECK(is_refused(host.write(100), ENOSPC));
    CHECK(is_refused(host.write(100), ENOSPC));  // the physical end
    CHECK(drives.medium().objects().size() == 32);
    CHECK(host.close() == "A0\n");
}

TEST_CASE("the status is Linux's struct mtget, and star gets its fields one by one") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    auto reply = host.ask(StatusRequest{});
    CHECK(reply.head == "A48\n");
    REQUIRE(reply.data.size() == 48);
    CHECK(reply.data[0] == 0x72);
    CHECK(reply.data[19] == 0x5e);           // density
    CHECK((reply.data[27] & 0x41) == 0x41);  // BOT, ONLINE
    CHECK(Bytes(reply.data.end() - 8, reply.data.end()) == Bytes(8, 0));
    host.write(1, 'a');
    host.operate(5);
    reply = host.ask(StatusRequest{});
    CHECK((reply.data[27] & 0xc1) == 0x81);  // EOF, not BOT
    CHECK(reply.data[40] == 1);              // file number
    CHECK(host.ask(StatusFieldRequest{'F'}).head == "A1\n");
    CHECK(host.ask(StatusFieldRequest{'B'}).head == "A0\n");
    CHECK(is_refused(host.ask(StatusFieldRequest{'x'}), EINVAL));
}

TEST_CASE("a client that hangs up leaves what closing would leave") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("0") == "A0\n");
    host.write(1, 'a');
    bool done = false;
    host.tape->hang_up([&done] { done = true; });
    CHECK(done);
    CHECK(content(drives.medium()) == "a|");
    CHECK(drives.open_count == 0);
}

TEST_CASE("a second open closes the first device") {
    MemoryDrives drives;
    Client host(drives);
    REQUIRE(host.open("n0") == "A0\n");
    host.write(1, 'a');
    REQUIRE(host.open("n0") == "A0\n");
    CHECK(content(drives.medium()) == "a|");
    CHECK(drives.open_count == 1);
}
