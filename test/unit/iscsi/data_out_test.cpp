#include "drive_iface/iscsi/data_out.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::iscsi;

namespace {

OperationalParameters small_bursts() {
    return {.digests = {},
            .initial_r2t = false,
            .immediate_data = true,
            .first_burst_length = 512,
            .max_burst_length = 1024};
}

DataOut piece(std::uint32_t sn, std::uint32_t offset, bool final, std::uint32_t tag = no_tag) {
    return {.final = final, .transfer_tag = tag, .data_sn = sn, .offset = offset};
}

}  // namespace

TEST_CASE("immediate, unsolicited and solicited data become one") {
    DataOutCollector collector(small_bursts(), 2000, 2000);
    REQUIRE_FALSE(collector.begin(Bytes(100, 1), false));
    CHECK(collector.wanted() == 0);
    REQUIRE_FALSE(collector.add(piece(0, 100, false), Bytes(200, 2)));
    REQUIRE_FALSE(collector.add(piece(1, 300, true), Bytes(212, 3)));
    REQUIRE(collector.wanted() == 1024);
    const auto first = collector.ask(11);
    CHECK(first.offset == 512);
    CHECK(first.length == 1024);
    CHECK(first.r2t_sn == 0);
    REQUIRE_FALSE(collector.add(piece(0, 512, false, 11), Bytes(1000, 4)));
    REQUIRE_FALSE(collector.add(piece(1, 1512, true, 11), Bytes(24, 5)));
    const auto second = collector.ask(12);
    CHECK(second.length == 464);
    CHECK(second.r2t_sn == 1);
    CHECK_FALSE(collector.complete());
    REQUIRE_FALSE(collector.add(piece(0, 1536, true, 12), Bytes(464, 6)));
    CHECK(collector.complete());
    CHECK(collector.data().size() == 2000);
    CHECK(collector.data()[99] == 1);
    CHECK(collector.data()[100] == 2);
    CHECK(collector.data()[1999] == 6);
}

TEST_CASE(
    "data that comes twice, not in order or at the wrong place is a protocol service CRC error") {
    DataOutCollector collector(small_bursts(), 1000, 1000);
    REQUIRE_FALSE(collector.begin({}, true));
    static_cast<void>(collector.ask(5));
    SECTION("DataSN does not begin at 0") {
        CHECK(collector.add(piece(27, 0, false, 5), Bytes(10)) ==
              transfer_fault::data_out_of_order);
    }
    SECTION("DataSN leaves one out") {
        REQUIRE_FALSE(collector.add(piece(0, 0, false, 5), Bytes(10)));
        CHECK(collector.add(piece(2, 10, false, 5), Bytes(10)) ==
              transfer_fault::data_out_of_order);
    }
    SECTION("offset") {
        CHECK(collector.add(piece(0, 4, false, 5), Bytes(10)) == transfer_fault::data_out_of_order);
    }
}

TEST_CASE("data nobody asked for and the wrong amount of it are told apart") {
    SECTION("a transfer tag that was not given out") {
        DataOutCollector collector(small_bursts(), 1000, 1000);
        REQUIRE_FALSE(collector.begin({}, true));
        static_cast<void>(collector.ask(5));
        CHECK(collector.add(piece(0, 0, true, 6), Bytes(10)) ==
              transfer_fault::unexpected_unsolicited_data);
        CHECK(collector.add(piece(0, 0, true), Bytes(10)) ==
              transfer_fault::unexpected_unsolicited_data);
    }
    SECTION("immediate data that was negotiated away") {
        auto parameters = small_bursts();
        parameters.immediate_data = false;
        DataOutCollector collector(parameters, 1000, 1000);
        CHECK(collector.begin(Bytes(10), true) == transfer_fault::unexpected_unsolicited_data);
    }
    SECTION("unsolicited data that was negotiated away") {
        auto parameters = small_bursts();
        parameters.initial_r2t = true;
        DataOutCollector collector(parameters, 1000, 1000);
        CHECK(collector.begin({}, false) == transfer_fault::unexpected_unsolicited_data);
    }
    SECTION("immediate data longer than FirstBurstLength") {
        DataOutCollector collector(small_bursts(), 1000, 1000);
        CHECK(collector.begin(Bytes(513), true) == transfer_fault::incorrect_amount_of_data);
    }
    SECTION("more than an R2T asked for") {
        DataOutCollector collector(small_bursts(), 1000, 1000);
        REQUIRE_FALSE(collector.begin({}, true));
        static_cast<void>(collector.ask(5));
        CHECK(collector.add(piece(0, 0, true, 5), Bytes(1001)) ==
              transfer_fault::incorrect_amount_of_data);
    }
    SECTION("less than an R2T asked for") {
        DataOutCollector collector(small_bursts(), 1000, 1000);
        REQUIRE_FALSE(collector.begin({}, true));
        static_cast<void>(collector.ask(5));
        CHECK(collector.add(piece(0, 0, true, 5), Bytes(999)) ==
              transfer_fault::incorrect_amount_of_data);
    }
}

TEST_CASE("a buffer that was lent comes back with the segment in it") {
    DataOutCollector collector(small_bursts(), 1000, 1000);
    REQUIRE_FALSE(collector.begin(Bytes(100, 1), false));
    auto buffer = collector.lend(412);
    REQUIRE(buffer);
    CHECK(buffer->size() == 100);
    CHECK_FALSE(collector.lend(10));  // one PDU at a time
    buffer->resize(512, 2);
    REQUIRE_FALSE(collector.add(piece(0, 100, true), std::move(*buffer), 100));
    CHECK_FALSE(collector.lend(10));  // nobody asked for it
    static_cast<void>(collector.ask(3));
    CHECK_FALSE(collector.lend(489));  // more than the command takes
    buffer = collector.lend(488);
    buffer->resize(1000, 3);
    REQUIRE_FALSE(collector.add(piece(0, 512, true, 3), std::move(*buffer), 512));
    CHECK(collector.complete());
    CHECK(collector.data()[99] == 1);
    CHECK(collector.data()[511] == 2);
    CHECK(collector.data()[999] == 3);
}

TEST_CASE("what the command does not take is neither asked for nor kept") {
    DataOutCollector collector(small_bursts(), 400, 24);
    REQUIRE_FALSE(collector.begin(Bytes(400, 9), true));
    CHECK(collector.complete());
    CHECK(collector.wanted() == 0);
    CHECK(collector.data().size() == 24);
}

TEST_CASE("a command that takes nothing is complete at once, and one that expects less gets less") {
    DataOutCollector nothing(small_bursts(), 0, 24);
    REQUIRE_FALSE(nothing.begin({}, true));
    CHECK(nothing.complete());
    CHECK(nothing.data().empty());
}
