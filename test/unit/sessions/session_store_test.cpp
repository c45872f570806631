#include "drive_iface/sessions/session_store.hpp"

#include <fstream>

#include "test/unit/sessions/session_rig.hpp"

using namespace sessions_test;
namespace fs = std::filesystem;

TEST_CASE("two hosts write at once, each sees its own, and both streams become tape files") {
    Rig rig;
    Host one(rig, 1, "VOL001L8"), two(rig, 2, "VOL001L8");
    one.write('a');
    two.write('x');
    one.write('b');
    two.write('y');
    CHECK(one.identifier() != two.identifier());
    CHECK(one.content() == "ab");
    CHECK(two.content() == "xy");
    // In the order of completion, each with a filemark behind it.
    const auto second = two.complete();
    const auto first = one.complete();
    CHECK(one.content() == "ab");
    CHECK(rig.has_state(first, SessionState::merged));
    CHECK(rig.has_state(second, SessionState::merged));
    one.leave();
    two.leave();
    CHECK(rig.volume_content("VOL001L8") == "xy|ab|");
    CHECK(rig.store->show(second)->volume_object == 0);
    CHECK(rig.store->show(first)->volume_object == 3);
    CHECK(rig.store->show(second)->completion == 1);
}

TEST_CASE(
    "the same volume on two drives, and the same drive with two volumes, are sessions apart") {
    Rig rig;
    Host one(rig, 1, "VOL001L8", "VT00000001"), two(rig, 2, "VOL001L8", "VT00000002"),
        three(rig, 3, "VOL002L8", "VT00000001");
    for (auto* each : {&one, &two, &three})
        each->write('a');
    const auto sessions = rig.store->list();
    REQUIRE(sessions.size() == 3);
    CHECK(sessions[0].drive == "VT00000001");
    CHECK(sessions[1].drive == "VT00000002");
    CHECK(sessions[2].volume == "VOL002L8");
    CHECK(sessions[0].host == "iscsi:iqn.2026-01.example:host1,i,0x00023d000001");
    CHECK(sessions[0].address == "192.0.2.1");
    for (const auto& session : sessions) {
        CHECK(session.state == SessionState::active);
        CHECK(session.objects == 1);
        CHECK(session.bytes == 1000);
    }
}

TEST_CASE("every record lies in files of two folders, with its checksum") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    one.write('a', 3000);
    one.write('b', 500);
    one.filemark();
    one.synchronise();
    const auto session = rig.store->show(one.identifier());
    REQUIRE(session->files.size() == 2);
    CHECK(fs::path(session->files[0]).parent_path() != fs::path(session->files[1]).parent_path());
    CHECK(session->durable_objects == 3);
    const auto records = rig.store->records(one.identifier(), 0, 100);
    REQUIRE(records.ok());
    REQUIRE(records->size() == 3);
    CHECK(records.value()[0].length == 3000);
    CHECK(records.value()[1].length == 500);
    CHECK(records.value()[2].kind == virtual_library::LogicalObject::Kind::filemark);
    CHECK(records.value()[0].crc32c != 0);
    for (const auto& record : records.value()) {
        CHECK(record.offsets.size() == 2);
        CHECK(record.durable);
    }
    for (const auto& file : session->files) {
        std::ifstream data(file, std::ios::binary);
        data.seekg(static_cast<std::streamoff>(records.value()[0].offsets[0]) + 4);
        std::string bytes(3000, '\0');
        data.read(bytes.data(), 3000);
        CHECK(bytes == std::string(3000, 'a'));
    }
    CHECK(rig.store->records(one.identifier(), 3, 100).value().empty());
    CHECK_FALSE(rig.store->records(99, 0, 1).ok());
}

TEST_CASE("a host sees what was committed when it opened, and its own writes behind it") {
    Rig rig;
    Host early(rig, 1, "VOL001L8");
    early.write('a');
    early.complete();
    Host late(rig, 2, "VOL001L8");
    CHECK(late.content() == "a|");
    late.write('b');
    late.write('c');
    CHECK(late.content() == "a|bc");
    CHECK(late.view->filemarks_before(4) == 1);
    CHECK(late.view->nth_filemark(0) == 1);
    CHECK_FALSE(late.view->nth_filemark(1));
    CHECK(late.view->used() == 3000);
    CHECK(early.content() == "a");
    // A record back, and written anew.
    late.view->erase(3);
    late.write('d');
    CHECK(late.content() == "a|bd");
    late.complete();
    late.leave();
    early.leave();
    CHECK(rig.volume_content("VOL001L8") == "a|bd|");
}

TEST_CASE("wherever a host begins to write, what others wrote stays on the volume") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    one.complete();
    one.open();
    one.view->erase(0);
    one.write('b', 1000, 0);
    CHECK(one.content() == "b");
    CHECK(rig.store->show(one.identifier())->start_object == 0);
    one.complete();
    one.leave();
    CHECK(rig.volume_content("VOL001L8") == "a|b|");
}

TEST_CASE("a write after completion begins a new session") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    const auto first = one.complete();
    one.write('b');
    CHECK(one.identifier() == first + 1);
    CHECK(one.content() == "ab");
    one.complete();
    one.leave();
    CHECK(rig.volume_content("VOL001L8") == "a|b|");
}

TEST_CASE("a host that goes away leaves an incomplete session, which is kept and not merged") {
    Rig rig;
    Host one(rig, 1, "VOL001L8"), two(rig, 2, "VOL001L8");
    one.write('a');
    two.write('x');
    const auto lost = one.identifier();
    one.leave();
    CHECK(rig.has_state(lost, SessionState::incomplete));
    two.write('y');
    const auto good = two.complete();
    CHECK(rig.has_state(good, SessionState::merged));
    two.leave();
    CHECK(rig.volume_content("VOL001L8") == "xy|");
    std::unique_ptr<virtual_library::Cartridge> kept;
    REQUIRE(rig.becomes([&] {
        auto opened = rig.store->open(lost);
        if (!opened) return false;
        REQUIRE(opened->ok());
        kept = std::move(*opened).value();
        return true;
    }));
    CHECK(kept->facts().write_protected);
    CHECK(rig.content(*kept) == "a");
}

TEST_CASE("a drive that loses power leaves what was synchronised of a session, and no more") {
    Rig rig;
    Host one(rig, 1, "VOL001L8"), other(rig, 2, "VOL001L8");
    one.write('a');
    one.synchronise();
    one.write('b');
    other.write('x');
    const auto identifier = one.identifier();
    one.view->lose_power();
    one.leave();
    CHECK(rig.has_state(identifier, SessionState::incomplete));
    CHECK(rig.store->show(identifier)->objects == 1);
    CHECK(rig.store->show(identifier)->reason == "the drive lost power");
    CHECK(rig.has_state(other.complete(), SessionState::merged));
}

TEST_CASE(
    "a session that lost all it wrote is not forgotten, and the log names who wrote what where") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    REQUIRE(rig.becomes(
        [&] { return one.view->room_for(1000) == virtual_library::Cartridge::Room::now; }));
    const auto identifier = one.identifier();
    one.view->fail_storing(true);
    one.write('a');
    SECTION("completed by its host, which is told") {
        one.view->complete();
        REQUIRE(rig.becomes([&] { return one.view->synchronised(); }));
        CHECK(one.view->take_fault());
    }
    SECTION("broken off") {
        one.leave();
    }
    CHECK(rig.has_state(identifier, SessionState::incomplete));
    rig.loop.restart();
    rig.loop.run_for(std::chrono::milliseconds(20));
    const auto session = rig.store->show(identifier);
    REQUIRE(session);
    CHECK(session->objects == 0);
    CHECK(session->reason != "nothing was written");
    CHECK_THAT(rig.log, ContainsSubstring("write session 1 of " + session->host +
                                          " on drive VT00000001 to volume VOL001L8 has lost"));
    one.leave();
    rig.store->allow_deletion();
    CHECK(rig.becomes([&] { return !rig.store->show(identifier)->kept; }));
    CHECK(rig.store->show(identifier)->files.empty());
    rig.restart();
    CHECK(rig.store->show(identifier));
}

TEST_CASE("sessions that lost all they wrote do not push out an incomplete one that holds data") {
    Rig rig;
    rig.options.incomplete_kept = 2;
    rig.restart();
    rig.store->allow_deletion();
    Host good(rig, 1, "VOL001L8");
    good.write('a');
    good.synchronise();
    const auto with_data = good.identifier();
    good.leave();
    REQUIRE(rig.has_state(with_data, SessionState::incomplete));
    for (int number = 0; number < 4; ++number) {
        Host poor(rig, 2, "VOL001L8");
        REQUIRE(rig.becomes(
            [&] { return poor.view->room_for(1000) == virtual_library::Cartridge::Room::now; }));
        const auto lost = poor.identifier();
        poor.view->fail_storing(true);
        poor.write('b');
        poor.leave();
        REQUIRE(rig.has_state(lost, SessionState::incomplete));
        CHECK(rig.becomes([&] { return !rig.store->show(lost)->kept; }));
    }
    CHECK(rig.store->show(with_data)->kept);
    CHECK(rig.store->list().size() == 5);
}

TEST_CASE(
    "the data of a session that vtld's end broke off is as long as the session is said to be") {
    Rig rig;
    const auto as_killed = rig.folder + "-as-killed";
    std::uint32_t identifier = 0;
    {
        Host one(rig, 1, "VOL001L8");
        one.write('a');
        one.synchronise();
        identifier = one.identifier();
        const auto file = fs::path(rig.store->show(identifier)->files.at(0));
        one.write('b');
        // It has reached the files, and no commit tells of it. As a killed process leaves them:
        REQUIRE(rig.becomes([&] { return fs::file_size(file) > 2000; }));
        fs::copy(rig.folder, as_killed, fs::copy_options::recursive);
        one.leave();
    }
    rig.stop();
    fs::remove_all(rig.folder);
    fs::rename(as_killed, rig.folder);
    rig.start();
    const auto session = rig.store->show(identifier);
    REQUIRE(session);
    std::unique_ptr<virtual_library::Cartridge> data;
    REQUIRE(rig.becomes([&] {
        auto opened = rig.store->open(identifier);
        if (!opened) return false;
        REQUIRE(opened->ok());
        data = std::move(*opened).value();
        return true;
    }));
    CHECK(data->end_of_data() == session->objects);
    CHECK(data->used() == session->bytes);
    CHECK(rig.content(*data) == "a");
}

TEST_CASE("a restart keeps what was acknowledged as durable, and merges what was complete") {
    Rig rig;
    std::uint32_t complete = 0, lost = 0;
    {
        Host one(rig, 1, "VOL001L8"), two(rig, 2, "VOL001L8");
        one.write('a');
        two.write('x');
        two.write('y');
        two.synchronise();
        lost = two.identifier();
        one.view->complete();
        REQUIRE(rig.becomes([&] { return one.view->synchronised(); }));
        complete = one.identifier();
        rig.store.reset();
    }
    rig.restart();
    CHECK(rig.has_state(complete, SessionState::merged));
    const auto session = rig.store->show(lost);
    REQUIRE(session);
    CHECK(session->state == SessionState::incomplete);
    CHECK(session->reason == "vtld ended before the session was completed");
    CHECK(session->objects == 2);
    CHECK(rig.volume_content("VOL001L8") == "a|");
    // Identifiers go on where they were.
    Host next(rig, 3, "VOL002L8");
    next.write('z');
    CHECK(next.identifier() > std::max(complete, lost));
}

TEST_CASE("a drive that is not parallel gets the volume when nobody writes to it any more") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    CHECK_FALSE(rig.store->shelf_for_drives().open("VOL001L8"));
    one.complete();
    CHECK_FALSE(rig.store->shelf_for_drives().open("VOL001L8"));
    one.leave();
    CHECK(rig.volume_content("VOL001L8") == "a|");
}

TEST_CASE("a host can be told its identifier before it writes, and asking twice gives two") {
    Rig rig;
    CHECK_FALSE(rig.store->prepare("VT00000001", host(1), "NOTHERE").ok());
    const auto first = rig.store->prepare("VT00000001", host(1), "VOL002L8");
    const auto second = rig.store->prepare("VT00000001", host(1), "VOL002L8");
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(*first != *second);
    // Its choice counts, whatever is loaded.
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    CHECK(one.identifier() == *second);
    CHECK(rig.store->show(*second)->volume == "VOL002L8");
    one.complete();
    one.leave();
    CHECK(rig.volume_content("VOL002L8") == "a|");
    // What nobody wrote to is forgotten.
    CHECK(rig.becomes([&] { return !rig.store->show(*first); }));
}

TEST_CASE("segments are deleted when nobody refers to them, and not before") {
    Rig rig;
    rig.stop();
    rig.options.merged_kept = 1;
    rig.start();
    std::vector<std::uint32_t> sessions;
    for (const char letter : {'a', 'b', 'c'}) {
        Host one(rig, 1, "VOL001L8");
        one.write(letter);
        sessions.push_back(one.complete());
        one.leave();
        REQUIRE(rig.has_state(sessions.back(), SessionState::merged));
    }
    REQUIRE(rig.store->hold(sessions[0]));
    const auto kept = [&](std::size_t at) { return rig.store->show(sessions[at])->kept; };
    CHECK((kept(0) && kept(1) && kept(2)));
    rig.store->allow_deletion();
    CHECK(rig.becomes([&] { return !kept(1); }));
    CHECK(kept(0));
    CHECK(kept(2));
    CHECK_FALSE(rig.store->hold(sessions[1]));
    const auto files = rig.store->show(sessions[0])->files;
    REQUIRE(fs::exists(files.at(0)));
    rig.store->release(sessions[0]);
    CHECK(rig.becomes([&] { return !kept(0); }));
    CHECK_FALSE(fs::exists(files[0]));
    CHECK(rig.store->show(sessions[0])->state == SessionState::merged);
}

TEST_CASE("changes of sessions are told to everyone who listens") {
    Rig rig;
    std::string told;
    auto token = rig.store->listen(
        [&told](const Session& session) { told += std::string(to_text(session.state)) + " "; });
    const auto before = rig.store->revision();
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    const auto identifier = one.complete();
    REQUIRE(rig.has_state(identifier, SessionState::merged));
    CHECK(told.find("active") == 0);
    CHECK(told.find("complete") != std::string::npos);
    CHECK(told.find("merged") != std::string::npos);
    CHECK(rig.store->revision() > before);
    token.reset();
    const auto length = told.size();
    one.write('b');
    CHECK(told.size() == length);
}

TEST_CASE("all sessions of a volume share the space that is left on it") {
    Rig rig;
    Host one(rig, 1, "VOL001L8"), two(rig, 2, "VOL001L8");
    const auto all = one.view->end_of_medium_at();
    one.write('a', 1'000'000);
    two.write('x', 1'000'000);
    CHECK(one.view->end_of_medium_at() <= all - 1'000'000);
    CHECK(two.view->end_of_medium_at() <= all - 1'000'000);
    CHECK(one.view->early_warning_at() <= one.view->end_of_medium_at());
}

TEST_CASE("a stream longer than any buffer is merged byte by byte") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    std::string letters;
    for (int number = 0; number < 120; ++number) {
        const auto letter = static_cast<char>('A' + number % 26);
        letters += letter;
        one.write(letter, 256 * 1024);
    }
    const auto identifier = one.complete();
    CHECK(rig.has_state(identifier, SessionState::merged));
    one.leave();
    CHECK(rig.volume_content("VOL001L8") == letters + "|");
}

TEST_CASE("a session that can not be copied keeps its data and says so to who wants the volume") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    const auto identifier = one.identifier();
    one.synchronise();
    // Both copies lose their data behind the program's back.
    const auto files = rig.store->show(identifier)->files;
    for (const auto& file : files)
        std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).write("damaged!", 8);
    one.complete();
    REQUIRE(rig.becomes([&] { return !rig.log.empty(); }));
    CHECK(rig.log.find("can not be copied into volume VOL001L8") != std::string::npos);
    CHECK(rig.store->show(identifier)->state == SessionState::complete);
    CHECK(rig.store->show(identifier)->reason.find("what helps") != std::string::npos);
    const auto refused = rig.store->shelf_for_drives().open("VOL001L8");
    REQUIRE(refused);
    CHECK_FALSE(refused->ok());
    one.leave();

    // Tried again in vain: the reason is the same, and is not told again. Then it can be read.
    const auto told = rig.log;
    for (int second = 0; second < 5; ++second) {
        rig.clock += 1'000;
        rig.store->retry_copies();
        rig.loop.restart();
        rig.loop.run_for(std::chrono::milliseconds(5));
    }
    CHECK(rig.log == told);
    for (const auto& file : files) {
        std::fstream data(file, std::ios::in | std::ios::out | std::ios::binary);
        data.seekp(4);
        data.write(std::string(8, 'a').data(), 8);
        data.seekp(0);
        const std::uint32_t length = 1000;
        data.write(reinterpret_cast<const char*>(&length), 4);
    }
    rig.clock += 300'000;
    rig.store->retry_copies();
    CHECK(rig.has_state(identifier, SessionState::merged));
    CHECK(rig.log.find("after all") != std::string::npos);
    CHECK(rig.store->show(identifier)->reason.empty());
    CHECK(rig.volume_content("VOL001L8") == "a|");
}

TEST_CASE("a session that waited for another host to write is copied when that is safe") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    Host two(rig, 2, "VOL001L8");
    one.write('a');
    two.write('b');
    const auto identifier = two.complete();
    CHECK(rig.store->show(identifier)->state == SessionState::complete);
    // Seen at once all the same.
    two.leave();
    two.open();
    CHECK(two.content() == "b|");
    CHECK(rig.store->show(identifier)->state == SessionState::complete);
    one.synchronise();
    CHECK(rig.has_state(identifier, SessionState::merged));
}

TEST_CASE("of a session whose files were being made when vtld ended nothing is left") {
    const bool any_file = GENERATE(true, false);
    Rig rig;
    const auto identifier = rig.store->prepare("VT00000001", host(1), "VOL001L8").value();
    rig.stop();
    const auto of_it = [&rig] {
        std::vector<std::filesystem::path> files;
        for (const auto* folder : {"/a/sessions", "/b/sessions"}) {
            for (const auto& file : std::filesystem::directory_iterator(rig.folder + folder))
                files.push_back(file.path());
        }
        return files;
    };
    for (const auto& file : of_it()) {
        if (!any_file || file.extension() == ".json") std::filesystem::remove(file);
    }
    rig.start();
    CHECK(rig.becomes([&] { return of_it().empty() && !rig.store->show(identifier); }));
}

TEST_CASE("of a session whose files can not be looked at nothing is deleted") {
    Rig rig;
    Host one(rig, 1, "VOL001L8");
    one.write('a');
    one.synchronise();
    const auto identifier = one.identifier();
    one.leave();
    REQUIRE(rig.has_state(identifier, SessionState::incomplete));
    const auto name = fs::path(rig.store->show(identifier)->files.at(0)).stem().string();
    rig.stop();
    const auto stem = rig.folder + "/a/sessions/" + name;
    for (const auto* ending : {"/a/sessions/", "/b/sessions/"}) {
        for (const auto& file : fs::directory_iterator(rig.folder + ending))
            fs::remove(file.path());
    }
    // A link to itself answers ELOOP, which is neither there nor not there.
    fs::create_symlink(stem + ".json", stem + ".json");
    rig.options.incomplete_kept = 0;
    rig.start();
    rig.store->allow_deletion();
    rig.loop.restart();
    rig.loop.run_for(std::chrono::milliseconds(20));
    CHECK(rig.store->show(identifier)->kept);
    CHECK(fs::is_symlink(stem + ".json"));
}

TEST_CASE("a session whose storage folders are away at a start is kept until they are back") {
    Rig rig;
    std::uint32_t identifier = 0;
    {
        Host one(rig, 1, "VOL001L8");
        one.write('a');
        one.synchronise();
        identifier = one.identifier();
        rig.store.reset();
    }
    rig.stop();
    const auto move = [&rig](const std::string& from, const std::string& to) {
        for (const std::string folder : {"/a", "/b"}) {
            fs::remove_all(rig.folder + folder + to);
            fs::rename(rig.folder + folder + from, rig.folder + folder + to);
        }
    };
    move("/sessions", "/away");
    rig.options.incomplete_kept = 0;
    for (int time = 0; time < 2; ++time) {
        rig.start();
        rig.store->allow_deletion();
        rig.loop.restart();
        rig.loop.run_for(std::chrono::milliseconds(20));
        const auto session = rig.store->show(identifier);
        REQUIRE(session);
        CHECK(session->state == SessionState::incomplete);
        CHECK(session->kept);
        CHECK(session->reason.find("not in the storage folders") != std::string::npos);
        rig.stop();
    }
    move("/away", "/sessions");
    rig.start();
    CHECK(rig.store->show(identifier)->state == SessionState::incomplete);
    CHECK(rig.store->show(identifier)->objects == 1);
}

TEST_CASE("a host whose session can not be made is told so, and its next write begins anew") {
    Rig rig;
    // Found by the thread that makes the files.
    for (const auto* name : {"S0000000001", "S0000000002"})
        std::ofstream(rig.folder + "/a/sessions/" + name + ".tap") << "in the way";
    Host one(rig, 1, "VOL001L8");
    for (const std::string name : {"S0000000001", "S0000000002"}) {
        std::optional<agent::core::Error> fault;
        REQUIRE(rig.becomes([&] {
            static_cast<void>(one.view->room_for(1000));
            fault = one.view->take_fault();
            return fault.has_value();
        }));
        CHECK(fault->message.find(name) != std::string::npos);
    }
    one.write('a');
    CHECK(one.identifier() == 3);
    one.complete();
    one.leave();
    CHECK(rig.volume_content("VOL001L8") == "a|");
    CHECK(rig.becomes([&] { return rig.store->list().size() == 1; }));
}
