#include "drive_iface/rmt/rmt_codec.hpp"

#include <cerrno>

#include "test/support/catch.hpp"

using namespace drive_iface::rmt;

namespace {

// All requests in `text`, given to the reader `step` bytes at a time.
std::vector<Request> requests(std::string_view text, std::size_t step = 1) {
    RequestReader reader;
    std::vector<Request> found;
    while (!text.empty()) {
        auto room = reader.room();
        const auto count = std::min({step, text.size(), room.size()});
        std::copy_n(text.begin(), count, room.begin());
        reader.received(count);
        text.remove_prefix(count);
        while (auto request = reader.next())
            found.push_back(*request);
    }
    return found;
}

Request only(std::string_view text) {
    const auto found = requests(text);
    REQUIRE(found.size() == 1);
    return found.front();
}

bool refuses(std::string_view text, bool fatal) {
    const auto request = only(text);
    const auto* bad = std::get_if<BadRequest>(&request);
    return bad != nullptr && bad->error == EINVAL && bad->fatal == fatal;
}

Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("each request is read as the clients write it") {
    CHECK(only("O/dev/nst0\n65 O_WRONLY|O_CREAT\n") ==
          Request{OpenRequest{"/dev/nst0", Access::write}});
    CHECK(only("Ondrive/VOL001\n0\n") == Request{OpenRequest{"ndrive/VOL001", Access::read}});
    CHECK(only("Cdrive\n") == Request{CloseRequest{}});
    CHECK(only("R10240\n") == Request{ReadRequest{10240}});
    CHECK(only("W5\nab\ncd") == Request{WriteRequest{bytes("ab\ncd")}});
    CHECK(only("W0\n") == Request{WriteRequest{}});
    CHECK(only("I6\n1\n") == Request{OperationRequest{6, 1}});
    CHECK(only("I-1\n0\n") == Request{OperationRequest{-1, 0}});
    CHECK(only("i4\n0\n") == Request{StarOperationRequest{4, 0}});
    CHECK(only("sT") == Request{StatusFieldRequest{'T'}});
    CHECK(only("v\n") == Request{VersionRequest{}});
}

TEST_CASE("the mode of O may be a number, names or both, and names win") {
    CHECK(access_from_text("2") == Access::read_write);
    CHECK(access_from_text("577") == Access::write);
    CHECK(access_from_text("O_RDONLY") == Access::read);
    CHECK(access_from_text("RDWR|CREAT") == Access::read_write);
    CHECK(access_from_text("1 O_RDONLY") == Access::read);
    CHECK(access_from_text("O_RDONLY 1") == Access::read);
    CHECK_FALSE(access_from_text("3"));
    CHECK_FALSE(access_from_text(""));
    CHECK_FALSE(access_from_text("rw"));
}

TEST_CASE("L is understood in both orders, and when both fit the offset comes first") {
    using enum SeekRequest::Whence;
    CHECK(only("L1024\n0\n") == Request{SeekRequest{1024, set}});
    CHECK(only("L2\n1024\n") == Request{SeekRequest{1024, end}});
    CHECK(only("L0\n1\n") == Request{SeekRequest{0, current}});
    CHECK(only("L-512\n1\n") == Request{SeekRequest{-512, current}});
    CHECK(only("LSEEK_END\n7\n") == Request{SeekRequest{7, end}});
    CHECK(only("L7\nSEEK_SET\n") == Request{SeekRequest{7, set}});
    CHECK(refuses("L77\n88\n", false));
}

TEST_CASE("S needs no line end, and one behind it belongs to nothing") {
    const std::vector<Request> expected{StatusRequest{}, CloseRequest{}};
    CHECK(requests("SC\n") == expected);
    CHECK(requests("S\nC\n") == expected);
    CHECK(requests("S\r\n\nC\n") == expected);
}

TEST_CASE("requests are the same however their bytes arrive") {
    const std::string record(100'000, 'x');
    const auto text = "O0\n2\nW100000\n" + record + "R512\nW3\nabcSI3\n1\nC\n";
    const std::vector<Request> expected{OpenRequest{"0", Access::read_write},
                                        WriteRequest{bytes(record)},
                                        ReadRequest{512},
                                        WriteRequest{bytes("abc")},
                                        StatusRequest{},
                                        OperationRequest{3, 1},
                                        CloseRequest{}};
    for (const std::size_t step : {1UL, 2UL, 7UL, 4096UL, 65'536UL, 200'000UL})
        CHECK(requests(text, step) == expected);
}

TEST_CASE("a request that is cut off is none") {
    for (const std::string_view whole :
         {"Odrive/VOL\n2\n", "W4\nabcd", "L1\n0\n", "I3\n1\n", "R20\n", "sT", "C\n"}) {
        for (std::size_t size = 1; size < whole.size(); ++size) {
            RequestReader reader;
            auto room = reader.room();
            std::copy_n(whole.begin(), size, room.begin());
            reader.received(size);
            INFO(whole << " cut to " << size);
            CHECK_FALSE(reader.next());
            CHECK(reader.in_the_middle());
        }
    }
}

TEST_CASE("what can be skipped is refused and the next request is read") {
    CHECK(refuses("Rmany\n", false));
    CHECK(refuses("I3\n\n", false));
    CHECK(refuses("I3\n99999999999999999999\n", false));
    CHECK(refuses("O0\nrw\n", false));
    const std::string record(record_length_max + 1, 'x');
    const auto found =
        requests("W" + std::to_string(record.size()) + "\n" + record + "R1\n", 1 << 20);
    REQUIRE(found.size() == 2);
    CHECK(std::get<BadRequest>(found[0]).what == "a record longer than 8388608 bytes");
    CHECK(found[1] == Request{ReadRequest{1}});
}

TEST_CASE("after what can not be skipped nothing more is read") {
    CHECK(refuses("Xyz\nC\n", true));
    CHECK(refuses("Wmany\nC\n", true));
    CHECK(refuses("W-1\nC\n", true));
    CHECK(refuses("W9999999999\nC\n", true));
    CHECK(refuses("O" + std::string(2000, 'a') + "\n2\nC\n", true));
    CHECK(refuses("O" + std::string(2000, 'a'), true));
    CHECK(refuses("I3\n" + std::string(2000, '1'), true));
    CHECK(refuses("R" + std::string(2000, '1') + "\n", true));
}

TEST_CASE("replies are short lines") {
    CHECK(accepted(10240) == "A10240\n");
    CHECK(refused(ENOENT, "no such volume") == "E2\nno such volume\n");
    CHECK(refused(5, "two\nlines") == "E5\ntwo lines\n");
    CHECK(refused_for_good(22, "garbage") == "F22\ngarbage\n");
    CHECK(refused(5, std::string(1000, 'x')).size() < 300);
}
