// US 8,706,976, claim 1, element by element: docs/PARALLEL.md lists them by these names.

#include "test/integration/parallel/site.hpp"

using namespace parallel_test;

namespace {

bool is_conflict(const CommandReply& reply) {
    return reply.status == virtual_library::Status::reservation_conflict;
}

void make_files(const Site& site) {
    site.good(
        "mkdir -p tree/inner && head -c 300000 /dev/urandom > tree/large && "
        "echo a few words > tree/inner/small && head -c 500000 /dev/urandom > more");
}

}  // namespace

TEST_CASE("2-1: hosts write at the same time, and the data lies in files of two folders") {
    Site site;
    make_files(site);
    Host one(site, 1), two(site, 2);
    one.write('a');
    two.write('x');
    // Two more over rmt, all four to the same drive.
    site.good(tar + "-cf 127.0.0.1:0 tree & first=$!; " + tar +
              "-cf 127.0.0.1:0 more & second=$!; wait $first && wait $second");
    one.write('b');
    two.write('y');
    one.filemark();
    two.filemark();
    const auto sessions = site.list();
    CHECK(sessions.size() == 4);
    for (const auto& session : sessions) {
        REQUIRE(session.files.size() == 2);
        CHECK(fs::path(session.files[0]).parent_path() != fs::path(session.files[1]).parent_path());
        CHECK(site.run("cmp " + session.files[0] + " " + session.files[1]).status == 0);
    }
    site.good("mkdir out && " + tar + "-xf 127.0.0.1:0 -C out && ls out");
}

TEST_CASE("2-1: spread over the folders, each host writes to one and both are used") {
    Site site(cartridge::Placement::single);
    make_files(site);
    Host one(site, 1), two(site, 2);
    one.write('a');
    two.write('x');
    one.filemark();
    two.filemark();
    const auto sessions = site.list();
    REQUIRE(sessions.size() == 2);
    for (const auto& session : sessions) {
        CHECK(session.files.size() == 1);
        CHECK(session.durable_objects == session.objects);
    }
    CHECK(fs::path(sessions[0].files[0]).parent_path() !=
          fs::path(sessions[1].files[0]).parent_path());
    // Both become part of the volume, as ever.
    site.good(tar + "-cf 127.0.0.1:0/VOL002L8 tree && " + tar + "-cf 127.0.0.1:0/VOL002L8 more");
    site.good("mkdir out && " + tar + "-xf 127.0.0.1:0/VOL002L8 -C out && diff -r tree out/tree");
}

TEST_CASE("2-2: a write request carries a drive and a volume") {
    Site site;
    make_files(site);
    CHECK(site.run(tar + "-cf 127.0.0.1:9/VOL001L8 tree").output.find("No such device") !=
          std::string::npos);
    CHECK(site.run(tar + "-cf 127.0.0.1:0/NOTHERE tree").output.find("No such file") !=
          std::string::npos);
    site.good(tar + "-cf 127.0.0.1:0/VOL003L8 tree");
    const auto sessions = site.list();
    REQUIRE(sessions.size() == 1);
    CHECK(sessions[0].drive == parallel_drive);
    CHECK(sessions[0].volume == "VOL003L8");
    CHECK(sessions[0].host.starts_with("rmt:"));
}

TEST_CASE("2-3: a host gets an identifier before its data is acknowledged, and each time another") {
    Site site;
    const auto rmt_says = [&](const std::string& requests) {
        return site.good("printf \"" + requests + "\" | $RSH localhost rmt");
    };
    const auto first = rmt_says("O0/VOL003L8\\n1\\nW3\\nabcC\\n");
    const auto second = rmt_says("O0/VOL003L8\\n1\\nW3\\ndefC\\n");
    CHECK(first == "A1\nA3\nA0\n");
    CHECK(second == "A2\nA3\nA0\n");
    Host host(site, 1);
    CHECK(host.session() == 0);
    host.write('a');
    const auto before = host.session();
    CHECK(before == 3);
    host.filemark();
    host.rewind();
    host.write('b');
    CHECK(host.session() == 4);
}

TEST_CASE("2-4: the same volume through different drives is different sessions") {
    Site site;
    make_files(site);
    Host one(site, 1, parallel_drive);
    one.write('a');
    site.good(tar + "-cf 127.0.0.1:1/VOL001L8 tree");
    const auto sessions = site.list();
    REQUIRE(sessions.size() == 2);
    CHECK(sessions[0].identifier != sessions[1].identifier);
    CHECK(sessions[0].drive == parallel_drive);
    CHECK(sessions[1].drive == other_parallel_drive);
    CHECK(sessions[0].volume == sessions[1].volume);
}

TEST_CASE("2-5: the same drive is different sessions, with the same volume and with others") {
    Site site;
    make_files(site);
    Host one(site, 1), two(site, 2);
    one.write('a');
    two.write('x');
    site.good(tar + "-cf 127.0.0.1:0/VOL003L8 tree");
    const auto sessions = site.list();
    REQUIRE(sessions.size() == 3);
    CHECK(sessions[0].identifier != sessions[1].identifier);
    CHECK(sessions[1].identifier != sessions[2].identifier);
    CHECK(sessions[0].volume == "VOL001L8");
    CHECK(sessions[1].volume == "VOL001L8");
    CHECK(sessions[2].volume == "VOL003L8");
}

TEST_CASE("2-6: the tracking structure shows every session and record, also after a restart") {
    Site site;
    std::uint32_t identifier = 0;
    {
        Host one(site, 1);
        one.write('a', 2000);
        one.write('b', 3000);
        one.filemark();  // everything acknowledged is durable now
        identifier = one.session();
        const auto records =
            site.call([&] { return site.store->records(identifier, 0, 10).value(); });
        REQUIRE(records.size() == 3);
        CHECK(records[0].length == 2000);
        CHECK(records[1].length == 3000);
        CHECK(records[1].offsets.size() == 2);
        CHECK(records[2].durable);
        CHECK(site.show(identifier).state == SessionState::active);
        one.forget();  // the process ends before the host does
        site.stop();
        site.start();
    }
    const auto session = site.show(identifier);
    CHECK(session.state == SessionState::incomplete);
    CHECK(session.objects == 3);
    CHECK(site.call([&] { return site.store->records(identifier, 0, 10).value(); }).size() == 3);
}

TEST_CASE("2-7: a record is on both devices before it counts as durable") {
    Site site;
    Host one(site, 1), two(site, 2);
    one.write('a', 5000);
    const auto identifier = one.session();
    one.filemark();
    CHECK(site.show(identifier).durable_objects == 2);
    const auto records = site.call([&] { return site.store->records(identifier, 0, 1).value(); });
    const auto files = site.show(identifier).files;
    REQUIRE(files.size() == 2);
    for (std::size_t copy = 0; copy < 2; ++copy) {
        std::ifstream data(files[copy], std::ios::binary);
        data.seekg(static_cast<std::streamoff>(records[0].offsets[copy]) + 4);
        std::string bytes(5000, '\0');
        data.read(bytes.data(), 5000);
        CHECK(bytes == std::string(5000, 'a'));
    }
    two.write('x');
    two.filemark();
}

TEST_CASE("2-8: completion is told per session, and streams become tape files in that order") {
    Site site;
    std::uint32_t first = 0, second = 0;
    {
        Host one(site, 1), two(site, 2);
        one.write('a');
        two.write('x');
        one.write('b');
        two.write('y');
        one.filemark();
        two.filemark();
        second = one.session();
        first = two.session();
        two.rewind();
        CHECK(site.show(first).state != SessionState::active);
        CHECK(site.show(second).state == SessionState::active);
        one.rewind();
        CHECK(one.read_all() == "xy|ab|");
        CHECK(site.has_state(first, SessionState::merged));
        CHECK(site.has_state(second, SessionState::merged));
    }
    CHECK(site.show(first).completion < site.show(second).completion);
    // The rmt handle of a closed tape is worth nothing any more.
    CHECK(site.good("printf \"O0\\n1\\nW1\\nzC\\nW1\\nz\" | $RSH localhost rmt").find("A0\nE9\n") !=
          std::string::npos);
}

TEST_CASE("2-8: a logout completes a session, and the next host sees what it wrote") {
    Site site;
    Host one(site, 1), gone(site, 2);
    one.write('a', 200'000);
    one.write('b');
    gone.write('x');
    const auto completed = one.session(), lost = gone.session();
    gone.leave();
    one.log_out();  // nothing was synchronised before it
    {
        Host next(site, 3);
        CHECK(next.read_all() == "ab|");
    }
    CHECK(site.has_state(completed, SessionState::merged));
    CHECK(site.has_state(lost, SessionState::incomplete));
    // So does one on an ordinary drive, however soon it comes.
    Host again(site, 1);
    again.write('c');
    again.log_out();
    const auto listed =
        site.run("printf \"On2/VOL001L8\\n0\\nI1\\n1\\nR1000\\nC\\n\" | $RSH localhost rmt");
    INFO(listed.output << site.log);
    CHECK(listed.output.find("A1000\nccc") != std::string::npos);
}

TEST_CASE("2-8: every stream is restored byte by byte") {
    Site site;
    make_files(site);
    site.good(tar + "-cf 127.0.0.1:0/VOL003L8 tree");
    site.good(tar + "-cf 127.0.0.1:0/VOL003L8 more");
    site.good("mkdir out && printf \"O0/VOL003L8\\n0\\nI1\\n1\\nC\\n\" | $RSH localhost rmt");
    site.good(tar + "-xf 127.0.0.1:0/VOL003L8 -C out && cmp tree/large out/tree/large");
    // The second one, on the ordinary drive once nobody writes to the volume any more.
    site.good("printf \"On2/VOL003L8\\n0\\nI1\\n1\\nC\\n\" | $RSH localhost rmt");
    site.good(tar + "-xf 127.0.0.1:n2 -C out && cmp more out/more");
}

TEST_CASE("2-9, 2-10: a listener hears every change, and the data of each session can be opened") {
    Site site;
    Host one(site, 1);
    one.write('a');
    one.filemark();
    one.rewind();
    const auto identifier = site.list().at(0).identifier;
    const auto opens = [&] {
        return site.call([&] {
            auto opened = site.store->open(identifier);
            return opened && opened->ok() && opened->value()->end_of_data() == 2;
        });
    };
    CHECK(site.becomes(opens));
    const auto before = site.call([&] { return site.store->revision(); });
    one.write('b');
    CHECK(site.call([&] { return site.store->revision(); }) > before);
}

TEST_CASE("2-11: a reserved drive refuses the second host, parallel or not") {
    Site site;
    Host one(site, 1), two(site, 2);
    one.write('a');
    two.write('x');
    one.insist({0x16, 0, 0, 0, 0, 0});
    CHECK(is_conflict(two.command({0x0a, 0, 0, 0, 1, 0}, {'y'})));
    CHECK(site.run("printf \"O0\\n1\\n\" | $RSH localhost rmt").output.starts_with("E16\n"));
    one.write('b');
    one.insist({0x17, 0, 0, 0, 0, 0});
    two.write('y');
}

TEST_CASE("2-11: an ordinary drive never interleaves, and has one rmt client at a time") {
    Site site;
    make_files(site);
    site.good(tar + "-cf 127.0.0.1:n2/VOL003L8 tree");
    CHECK(site.list().empty());
    const auto both = site.good(
        "(printf \"O2\\n1\\n\"; sleep 1) | $RSH localhost rmt & sleep 0.3; "
        "printf \"O2\\n1\\n\" | $RSH localhost rmt; wait");
    CHECK(both.find("E16\n") != std::string::npos);
    CHECK(both.find("A0\n") != std::string::npos);
}

TEST_CASE("2-11: killing one host does not harm the other") {
    Site site;
    make_files(site);
    Host one(site, 1);
    one.write('a');
    site.run("printf \"O0\\n1\\nW3\\nabc\" | $RSH localhost rmt");  // goes without C
    Host two(site, 2);
    two.write('x');
    const auto lost = two.session();
    two.leave();
    CHECK(site.has_state(lost, SessionState::incomplete));
    one.write('b');
    one.filemark();
    one.rewind();
    CHECK(one.read_all() == "ab|");
    std::size_t incomplete = 0;
    for (const auto& session : site.list())
        incomplete += session.state == SessionState::incomplete ? 1 : 0;
    CHECK(incomplete == 2);
}

TEST_CASE("an ordinary drive that nobody uses changes its volume for the next client") {
    Site site;
    make_files(site);
    site.good(tar + "-cf 127.0.0.1:2/VOL003L8 tree");
    // VOL003L8 goes back to its slot, and the robot is free for others.
    CHECK(site.call([&] {
        for (const auto& element : site.bay->library().elements()) {
            if (element.place == std::string("drive ") + ordinary_drive) return element.barcode;
        }
        return std::string();
    }) == "VOL003L8");
    const auto created = site.call([&] {
        const auto made = site.shelf->create({.barcode = "VOL004L8", .capacity = 64 << 20});
        site.bay->library().take_inventory();
        return made.ok();
    });
    REQUIRE(created);
    site.good(tar + "-cf 127.0.0.1:2/VOL004L8 more");
    CHECK(site.good(tar + "-tf 127.0.0.1:2/VOL003L8").find("tree/large") != std::string::npos);
    CHECK(site.good(tar + "-tf 127.0.0.1:2/VOL004L8") == "more\n");
}
