#include "agent/claims/media_reach.hpp"

#include "test/support/catch.hpp"

using namespace agent::claims;

TEST_CASE("the end of a barcode tells generation and kind") {
    const auto media = lto_media();
    CHECK(medium_of(media, "VT0001L8").generation == "LTO-8");
    CHECK(medium_of(media, "VT0001LA").generation == "LTO-10");
    CHECK(medium_of(media, "VT0001M8").generation == "LTO-M8");
    CHECK(medium_of(media, "VT0001LX").generation == "LTO-7");
    CHECK(medium_of(media, "VT0001LX").kind == MediumKind::worm);
    CHECK(medium_of(media, "CLN001L1").kind == MediumKind::cleaning);
    CHECK(medium_of(media, "ABC123CU").kind == MediumKind::cleaning);
    CHECK(medium_of(media, "SCRATCH").generation.empty());
    CHECK(medium_of(media, "L8").generation.empty());
}

TEST_CASE("the reach of LTO drives") {
    const auto media = lto_media();
    struct Row {
        const char* drive;
        const char* medium;
        Reach reach;
    };
    const Row rows[] = {{"LTO-5", "LTO-5", Reach::write}, {"LTO-5", "LTO-4", Reach::write},
                        {"LTO-5", "LTO-3", Reach::read},  {"LTO-5", "LTO-2", Reach::none},
                        {"LTO-5", "LTO-6", Reach::none},  {"LTO-7", "LTO-5", Reach::read},
                        {"LTO-8", "LTO-7", Reach::write}, {"LTO-8", "LTO-M8", Reach::write},
                        {"LTO-8", "LTO-6", Reach::none},  {"LTO-9", "LTO-8", Reach::write},
                        {"LTO-9", "LTO-7", Reach::none},  {"LTO-10", "LTO-10", Reach::write},
                        {"LTO-10", "LTO-9", Reach::none}, {"LTO-1", "LTO-1", Reach::write},
                        {"LTO-2", "LTO-1", Reach::write}, {"3592", "3592", Reach::write},
                        {"3592", "LTO-8", Reach::none},   {"LTO-8", "", Reach::write}};
    for (const auto& row : rows) {
        INFO(row.drive << " with " << row.medium);
        CHECK(reach_of(media, row.drive, row.medium) == row.reach);
    }
}

TEST_CASE("a drive's product identification may tell its generation") {
    CHECK(generation_of_product("ULT3580-TD8") == "LTO-8");
    CHECK(generation_of_product("ULT3580-HH7") == "LTO-7");
    CHECK(generation_of_product("Ultrium 9-SCSI") == "LTO-9");
    CHECK(generation_of_product("VIRTUAL-LTO10") == "LTO-10");
    CHECK(!generation_of_product("03592E08"));
    CHECK(!generation_of_product("Ultrium"));
    CHECK(!generation_of_product("LTO99"));
}
