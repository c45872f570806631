// What the control socket of a real vtld does: virtual host ports, faults, bad input, and what
// survives an end.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "test/integration/vtld/libiscsi_host.hpp"
#include "test/integration/vtld/vtld_process.hpp"
#include "test/support/catch.hpp"

using namespace vtld_test;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;

namespace {

const json fc_port = {{"transport", "fc"}, {"name", "2100000e1e09a1b1"}};

}  // namespace

TEST_CASE("a virtual fibre channel port reserves a drive that others then can not use") {
    VtldProcess vtld;
    const auto kind =
        GENERATE(std::string("reserve6"), std::string("reserve10"), std::string("pr"));
    vtld.call("port.reserve", {{"serial", first_drive}, {"port", "host1"}, {"kind", kind}});
    const auto reservation = vtld.call("drive.show", {{"serial", first_drive}})["reservation"];
    CHECK(reservation["state"] == "reserved");
    CHECK(reservation["kind"] == kind);
    CHECK(reservation["holders"][0]["transport"] == "fc");
    CHECK(reservation["holders"][0]["name"] == "2100000e1e09a1b0");

    const auto other = vtld.ask("port.reserve",
                                {{"serial", first_drive}, {"port", fc_port}, {"kind", "reserve6"}});
    REQUIRE(std::holds_alternative<ControlError>(other));
    CHECK(std::get<ControlError>(other).code == ControlErrorCode::state_differs);
    CHECK_THAT(std::get<ControlError>(other).message, ContainsSubstring("RESERVATION CONFLICT"));

    vtld.call("port.release", {{"serial", first_drive}, {"port", "host1"}, {"kind", kind}});
    CHECK(vtld.reservation_state(first_drive) == "free");
}

TEST_CASE("a virtual port sends any command, sees its unit attention, and logs out") {
    VtldProcess vtld;
    const json tur = {{"drive", first_drive}, {"port", fc_port}, {"cdb", "000000000000"}};
    const auto attention = vtld.call("port.command", tur);
    CHECK(attention["status"] == 2);
    CHECK_THAT(attention["sense_text"].get<std::string>(), ContainsSubstring("UNIT ATTENTION"));
    const auto inquiry = vtld.call(
        "port.command", {{"drive", first_drive}, {"port", fc_port}, {"cdb", "12 00 00 00 24 00"}});
    CHECK(inquiry["status"] == 0);
    CHECK(inquiry["data_in"].get<std::string>().substr(0, 2) == "01");
    CHECK(vtld.call("port.list")["logins"].size() == 1);
    vtld.call("port.logout", {{"drive", first_drive}, {"port", fc_port}});
    CHECK(vtld.call("port.list")["logins"].empty());
}

TEST_CASE("faults meet the commands they were made for") {
    VtldProcess vtld;
    LibiscsiHost host("iqn.2026-01.example:host1");
    REQUIRE(host.log_in(vtld.portal(), vtld.target(first_drive)));
    host.settle();
    const std::vector<std::uint8_t> inquiry{0x12, 0, 0, 0, 36, 0};
    SECTION("busy, twice") {
        vtld.call("fault.inject", {{"serial", first_drive}, {"fault", "busy"}, {"count", 2}});
        CHECK(host.run(inquiry, 36).status == 0x08);
        CHECK(host.run(inquiry, 36).status == 0x08);
        CHECK(host.run(inquiry, 36).status == 0);
        CHECK(vtld.call("fault.list")["faults"].empty());
    }
    SECTION("sense, for one operation code") {
        vtld.call(
            "fault.inject",
            {{"serial", first_drive}, {"fault", "sense"}, {"sense", "04/44/00"}, {"opcode", "00"}});
        CHECK(host.run(inquiry, 36).status == 0);
        const auto failed = host.run({0, 0, 0, 0, 0, 0});
        CHECK(failed.sense_key == 4);
        CHECK(failed.asc_ascq == 0x4400);
        CHECK(vtld.call("fault.clear", {{"serial", first_drive}})["cleared"] == 1);
    }
    SECTION("slow") {
        vtld.call("fault.inject",
                  {{"serial", first_drive}, {"fault", "slow"}, {"delay_ms", 300}, {"count", 1}});
        const auto began = std::chrono::steady_clock::now();
        CHECK(host.run(inquiry, 36).status == 0);
        CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(300));
    }
}

TEST_CASE("bad input on the control socket is answered with what would be right") {
    VtldProcess vtld;
    const auto refused = [&](const std::string& method, const json& params,
                             const std::string& word) {
        const auto answer = vtld.ask(method, params);
        REQUIRE(std::holds_alternative<ControlError>(answer));
        const auto& error = std::get<ControlError>(answer);
        CHECK(error.code == ControlErrorCode::invalid_params);
        CHECK_THAT(error.message, ContainsSubstring(word));
    };
    refused("drive.show", {{"serial", "X"}}, "serial");
    refused("drive.show", json::object(), "serial");
    refused("drive.list", {{"all", true}}, "all");
    refused("session.drop", {{"id", -1}}, "id");
    refused("session.drop", {{"id", 1.5}}, "id");
    refused("fault.inject", {{"serial", first_drive}, {"fault", "flood"}}, "busy");
    refused("fault.inject", {{"serial", first_drive}, {"fault", "slow"}}, "delay_ms");
    refused("fault.inject", {{"serial", first_drive}, {"fault", "sense"}, {"sense", "4444"}},
            "KEY/ASC/ASCQ");
    refused("fault.inject", {{"serial", first_drive}, {"fault", "busy"}, {"count", 0}}, "count");
    refused("port.command", {{"serial", first_drive}, {"port", "nobody"}, {"cdb", "000000000000"}},
            "virtual_ports");
    refused(
        "port.command",
        {{"serial", first_drive}, {"port", "iscsi:iqn.2026-01.example:a"}, {"cdb", "000000000000"}},
        "fibre channel");
    refused("port.command", {{"serial", first_drive}, {"port", "host1"}, {"cdb", "0000"}}, "cdb");
    refused("port.command", {{"serial", first_drive}, {"port", "host1"}, {"cdb", "00000000000g"}},
            "cdb");
    refused("port.command",
            {{"serial", first_drive},
             {"port", "host1"},
             {"cdb", "010000000000"},
             {"data", "00"},
             {"data_out", 5}},
            "data_out");
    refused("port.reserve",
            {{"serial", first_drive}, {"port", "host1"}, {"kind", "pr"}, {"type", 2}}, "type");
    refused("port.reserve",
            {{"serial", first_drive}, {"port", "host1"}, {"kind", "reserve6"}, {"key", "1"}}, "pr");
    refused("port.reserve", {{"serial", first_drive}, {"port", {{"name", 5}}}}, "port");
    refused("fault.inject", {{"serial", "VTL0000001"}, {"fault", "storage_error"}},
            "VTL0000001 is the changer");
    // Taken for no, this would be a cartridge that can be overwritten.
    refused("cartridge.create", {{"barcode", "VT0900L8"}, {"worm", "yes"}}, "worm: must be true");
    refused("cartridge.check", {{"barcode", "VT0900L8"}, {"repair", 1}}, "repair: must be true");
    refused("cartridge.create", {{"barcode", "VT0900L8"}, {"capacity_mb", 134'217'729}},
            "capacity_mb");
    // The folder that vtld runs in is not the operator's.
    refused("cartridge.import", {{"barcode", "VT0900L8"}, {"file", "old.tap"}}, "from \"/\" on");
    refused("cartridge.export", {{"barcode", "VT0900L8"}, {"file", "new.tap"}}, "from \"/\" on");
}

TEST_CASE("the log says what was changed and who asked, and nothing of what was refused") {
    VtldProcess vtld;
    vtld.call("cartridge.create", {{"barcode", "VT0900L8"}});
    vtld.call("cartridge.remove", {{"barcode", "VT0900L8"}});
    vtld.call("port.reserve", {{"serial", first_drive}, {"port", "host1"}});
    static_cast<void>(vtld.ask("cartridge.remove", {{"barcode", "VT0901L8"}}));
    static_cast<void>(vtld.ask("fault.inject", {{"serial", first_drive}, {"fault", "flood"}}));
    const auto log = vtld.log();
    for (const char* done : {R"(cartridge.create {"barcode":"VT0900L8"} done for )",
                             R"(cartridge.remove {"barcode":"VT0900L8"} done for )",
                             R"(port.reserve {"port":"host1","serial":"VT00000001"} done for )"})
        CHECK_THAT(log, ContainsSubstring(done));
    CHECK_THAT(log, ContainsSubstring("(uid " + std::to_string(::getuid())));
    CHECK_THAT(log, !ContainsSubstring("VT0901L8") && !ContainsSubstring("flood"));
}

TEST_CASE("the log tells of commands through a virtual port that change something, without data") {
    VtldProcess vtld;
    const auto send = [&vtld](const std::string& cdb, const std::string& data = "") {
        json params{{"drive", first_drive}, {"port", "host1"}, {"cdb", cdb}};
        if (!data.empty()) params["data_out"] = data;
        return vtld.call("port.command", params)["status"];
    };
    for (int i = 0; i < 100 && send("00 00 00 00 00 00") != 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(send("0a 00 00 00 04 00", "c0ffee99") == 0);
    REQUIRE(send("01 00 00 00 00 00") == 0);
    for (int i = 0; i < 3; ++i)
        static_cast<void>(send("08 00 00 00 04 00"));
    const auto lines = [log = vtld.log()](const std::string& word) {
        std::size_t count = 0;
        for (auto at = log.find(word); at != std::string::npos; at = log.find(word, at + 1))
            ++count;
        return count;
    };
    CHECK(lines(R"|("command":"WRITE(6)","data_out":"4 bytes","drive":"VT00000001")|") == 1);
    CHECK(lines(R"("status":"GOOD"} done for )") == 3);
    CHECK(lines(R"("command":"REWIND")") == 1);
    // One that read something, and one that met the end.
    CHECK(lines(R"|("command":"READ(6)")|") == 2);
    CHECK(lines("TEST UNIT READY") == 0);
    CHECK(lines("c0ffee") == 0);
}

TEST_CASE("an inventory is told in the log when something is elsewhere by it") {
    VtldProcess vtld;
    vtld.call("library.inventory");
    CHECK_THAT(vtld.log(), !ContainsSubstring("library.inventory"));
    vtld.call("cartridge.create", {{"barcode", "VT0900L8"}});
    const auto folder =
        vtld.call("cartridge.show", {{"barcode", "VT0900L8"}})["folders"][0].get<std::string>();
    for (const char* file : {"/VT0900L8.json", "/VT0900L8.tap", "/VT0900L8.tix"})
        std::filesystem::rename(folder + file, vtld.folder() + file);
    vtld.call("library.inventory");
    CHECK_THAT(vtld.log(), ContainsSubstring("library.inventory {} done for "));
    // It is known all the same, and can be forgotten.
    const auto gone = vtld.call("cartridge.remove", {{"barcode", "VT0900L8"}});
    CHECK(gone["forgotten"] == true);
    CHECK(gone["removed"] == false);
    CHECK(gone["made_anew_at_start"] == false);
    const auto again = vtld.ask("cartridge.remove", {{"barcode", "VT0900L8"}});
    REQUIRE(std::holds_alternative<ControlError>(again));
    CHECK(std::get<ControlError>(again).message == "there is no cartridge VT0900L8");
}

TEST_CASE("cleaning cartridges are made by an operator and by the configuration") {
    VtldProcess vtld(
        json::object(),
        {{"drives", {{{"serial", first_drive}}, {{"serial", "VT00000002"}, {"parallel", true}}}},
         {"cartridges",
          {{"folders", {"tape-a", "tape-b"}}, {"barcodes", {"VT0001L8", "CLN001L8"}}}}});
    const auto configured = vtld.call("cartridge.show", {{"barcode", "CLN001L8"}});
    CHECK(configured["cleaning"] == true);
    CHECK(configured["cleanings_done"] == 0);
    CHECK(configured["cleanings_max"] == 50);
    CHECK_FALSE(vtld.call("cartridge.show", {{"barcode", "VT0001L8"}}).contains("cleanings_max"));
    const auto made = vtld.call("cartridge.create",
                                {{"barcode", "CLN002L8"}, {"cleaning", true}, {"cleanings", 1}});
    CHECK(made["cleanings_max"] == 1);
    const auto place = made["place"].get<std::string>();
    // A parallel drive, where hosts have streams of their own, is cleaned as any other.
    for (const std::string& to : {std::string("drive VT00000002"), place})
        vtld.call("cartridge.move", {{"barcode", "CLN002L8"}, {"to", to}});
    const auto used = vtld.call("cartridge.show", {{"barcode", "CLN002L8"}});
    CHECK(used["cleanings_done"] == 1);
    CHECK_THAT(used["troubles"].dump(), ContainsSubstring("used up"));
    for (const auto& cartridge : vtld.call("cartridge.list")) {
        if (cartridge["barcode"] == "CLN002L8") CHECK(cartridge["state"] == "trouble");
    }
    CHECK(vtld.stop() == 0);
    vtld.start();
    CHECK(vtld.call("cartridge.show", {{"barcode", "CLN002L8"}})["cleanings_done"] == 1);

    const auto refused = [&vtld](const std::string& method, const json& params,
                                 const std::string& word) {
        const auto answer = vtld.ask(method, params);
        REQUIRE(std::holds_alternative<ControlError>(answer));
        CHECK_THAT(std::get<ControlError>(answer).message, ContainsSubstring(word));
    };
    refused("cartridge.create", {{"barcode", "VT0009L8"}, {"cleaning", true}}, "begins with CLN");
    refused("cartridge.create", {{"barcode", "VT0009L8"}, {"cleanings", 9}}, "cleanings: goes");
    refused("cartridge.create", {{"barcode", "CLN009L8"}, {"worm", true}}, "hold no data");
    refused("cartridge.create", {{"barcode", "CLN009L8"}, {"capacity_mb", 9}}, "hold no data");
    refused("cartridge.create", {{"barcode", "CLN009L8"}, {"cleanings", 0}}, "cleanings");
    refused("cartridge.import", {{"barcode", "CLN009L8"}, {"file", "/dev/null"}}, "hold no data");
    refused("cartridge.protect", {{"barcode", "CLN001L8"}, {"state", "on"}}, "cleaning cartridge");
}

TEST_CASE("a cartridge of the configuration whose folder is away is not made anew as a blank one") {
    VtldProcess vtld;
    const auto barcodes = [&vtld] {
        std::vector<std::string> all;
        for (const auto& cartridge : vtld.call("cartridge.list"))
            all.push_back(cartridge["barcode"]);
        return all;
    };
    const auto both = barcodes();
    REQUIRE(both.size() == 2);
    vtld.call("cartridge.move", {{"barcode", both[0]}, {"to", "slot 4"}});
    const auto files = std::filesystem::path(
        vtld.call("cartridge.show", {{"barcode", both[0]}}).at("folders").at(0).get<std::string>());
    CHECK(vtld.stop() == 0);
    const auto away = vtld.folder() + "/away";
    std::filesystem::rename(files, away);
    const std::string away_line =
        "cartridge " + both[0] + " was there and is in none of the storage folders now";
    for (int start = 0; start < 2; ++start) {
        const auto before = vtld.log().size();
        vtld.start();
        CHECK(barcodes() == std::vector<std::string>{both[1]});
        CHECK_THAT(vtld.log().substr(before), ContainsSubstring(away_line));
        CHECK_THAT(vtld.log().substr(before),
                   ContainsSubstring("cartridge " + both[0] + ", last in slot 4,"));
        // What is saved now has the place of the one that is away, too.
        vtld.call("cartridge.move",
                  {{"barcode", both[1]}, {"to", "slot " + std::to_string(5 + start)}});
        CHECK(vtld.stop() == 0);
    }
    std::filesystem::remove_all(files);
    std::filesystem::rename(away, files);
    vtld.start();
    CHECK(barcodes() == both);
    // An operator who removes one has it made anew, as the configuration wants it.
    if (const auto place =
            vtld.call("cartridge.show", {{"barcode", both[1]}})["place"].get<std::string>();
        place.starts_with("drive"))
        vtld.call("cartridge.move", {{"barcode", both[1]}, {"to", "slot 5"}});
    vtld.call("cartridge.remove", {{"barcode", both[1]}});
    CHECK(vtld.stop() == 0);
    vtld.start();
    CHECK(barcodes() == both);
}

TEST_CASE("a cartridge that an operator made anew is not made a second time when it is away") {
    VtldProcess vtld;
    const std::string barcode = vtld.call("cartridge.list").at(0)["barcode"];
    vtld.call("cartridge.move", {{"barcode", barcode}, {"to", "slot 5"}});
    const auto file = vtld.folder() + "/kept.tap";
    vtld.call("cartridge.export", {{"barcode", barcode}, {"file", file}});
    vtld.call("cartridge.remove", {{"barcode", barcode}});
    SECTION("by create") {
        vtld.call("cartridge.create", {{"barcode", barcode}});
    }
    SECTION("by import") {
        vtld.call("cartridge.import", {{"barcode", barcode}, {"file", file}});
    }
    const auto files = std::filesystem::path(
        vtld.call("cartridge.show", {{"barcode", barcode}}).at("folders").at(0).get<std::string>());
    CHECK(vtld.stop() == 0);
    std::filesystem::rename(files, vtld.folder() + "/away");
    const auto before = vtld.log().size();
    vtld.start();
    for (const auto& cartridge : vtld.call("cartridge.list"))
        CHECK(cartridge["barcode"] != barcode);
    CHECK_THAT(vtld.log().substr(before),
               ContainsSubstring("cartridge " + barcode + " was there and is in none of"));
}

TEST_CASE(
    "the first start after an update knows from the saved places which cartridges there were") {
    VtldProcess vtld;
    const std::string barcode = vtld.call("cartridge.list").at(0)["barcode"];
    vtld.call("cartridge.move", {{"barcode", barcode}, {"to", "slot 5"}});
    const auto files = std::filesystem::path(
        vtld.call("cartridge.show", {{"barcode", barcode}}).at("folders").at(0).get<std::string>());
    CHECK(vtld.stop() == 0);
    REQUIRE(std::filesystem::remove(vtld.folder() + "/state/cartridges.made"));
    std::filesystem::rename(files, vtld.folder() + "/away");
    const auto before = vtld.log().size();
    vtld.start();
    for (const auto& cartridge : vtld.call("cartridge.list"))
        CHECK(cartridge["barcode"] != barcode);
    CHECK_THAT(vtld.log().substr(before),
               ContainsSubstring("cartridge " + barcode + " was there and is in none of"));
    // An operator knows that it is gone for good.
    const auto gone = vtld.call("cartridge.remove", {{"barcode", barcode}});
    CHECK(gone["forgotten"] == true);
    CHECK(gone["last_in"] == "slot 5");
    CHECK(gone["made_anew_at_start"] == true);
    CHECK_THAT(vtld.log(),
               ContainsSubstring(R"(cartridge.remove {"barcode":")" + barcode + R"("} done for )"));
    CHECK(vtld.stop() == 0);
    const auto forgotten = vtld.log().size();
    vtld.start();
    CHECK_THAT(vtld.log().substr(forgotten), !ContainsSubstring("last in slot 5"));
    CHECK(vtld.call("cartridge.list").size() == 2);
}

TEST_CASE("a missing cartridge that came back unnoticed is whole, and remove does not delete it") {
    VtldProcess vtld;
    const std::string barcode = vtld.call("cartridge.list").at(0)["barcode"];
    vtld.call("cartridge.move", {{"barcode", barcode}, {"to", "slot 5"}});
    const auto files = std::filesystem::path(
        vtld.call("cartridge.show", {{"barcode", barcode}}).at("folders").at(0).get<std::string>());
    CHECK(vtld.stop() == 0);
    std::filesystem::rename(files, vtld.folder() + "/away");
    vtld.start();
    std::filesystem::remove_all(files);
    std::filesystem::rename(vtld.folder() + "/away", files);
    for (const char* method : {"cartridge.show", "cartridge.remove"}) {
        const auto answer = vtld.ask(method, {{"barcode", barcode}});
        REQUIRE(std::holds_alternative<ControlError>(answer));
        CHECK_THAT(std::get<ControlError>(answer).message,
                   ContainsSubstring("library inventory takes it up"));
    }
    vtld.call("library.inventory");
    CHECK(vtld.call("cartridge.show", {{"barcode", barcode}})["place"] == "slot 5");
    CHECK(vtld.call("cartridge.remove", {{"barcode", barcode}})["removed"] == true);
}

TEST_CASE("a cartridge whose description is spoilt is told as that, and the command that helps") {
    VtldProcess vtld;
    const std::string barcode = vtld.call("cartridge.list").at(0)["barcode"];
    vtld.call("cartridge.move", {{"barcode", barcode}, {"to", "slot 5"}});
    const auto stem =
        vtld.call("cartridge.show", {{"barcode", barcode}}).at("folders").at(0).get<std::string>() +
        "/" + barcode;
    CHECK(vtld.stop() == 0);
    std::filesystem::resize_file(stem + ".json", 3);
    for (const bool first_after_update : {false, true}) {
        for (const char* known : {"/state/state.json", "/state/cartridges.made"}) {
            if (first_after_update) std::filesystem::remove(vtld.folder() + known);
        }
        const auto before = vtld.log().size();
        vtld.start();
        const auto log = vtld.log().substr(before);
        CHECK_THAT(
            log, ContainsSubstring(stem + ".json") &&
                     ContainsSubstring("lractl cartridge import " + barcode + " " + stem + ".tap"));
        CHECK_THAT(log,
                   !ContainsSubstring("disk not mounted") && !ContainsSubstring("none of the"));
        CHECK(vtld.call("cartridge.list").size() == 1);
        CHECK(vtld.stop() == 0);
    }
    vtld.start();
    CHECK(vtld.call("cartridge.import", {{"barcode", barcode}, {"file", stem + ".tap"}})["sound"] ==
          true);
    CHECK(vtld.call("cartridge.list").size() == 2);
}

TEST_CASE("an operator hears what a name stands for that is no cartridge on the shelf") {
    VtldProcess vtld;
    const auto refusal = [&](const std::string& method, const json& params) {
        const auto answer = vtld.ask(method, params);
        REQUIRE(std::holds_alternative<ControlError>(answer));
        CHECK(std::get<ControlError>(answer).code == ControlErrorCode::failed);
        return std::get<ControlError>(answer).message;
    };
    const json volume = {{"barcode", "ADMDRVL8"}};
    for (const char* method : {"cartridge.show", "cartridge.check", "cartridge.remove"})
        CHECK_THAT(refusal(method, volume), ContainsSubstring("library's own"));
    CHECK_THAT(refusal("cartridge.protect", {{"barcode", "ADMDRVL8"}, {"state", "on"}}),
               ContainsSubstring("library's own"));
    CHECK_THAT(refusal("cartridge.show", {{"barcode", "ADMXYZL8"}}),
               ContainsSubstring("there is no cartridge ADMXYZL8"));
    // That it is in a drive is not why: asking again later would not help.
    const auto cartridges = vtld.call("cartridge.list");
    REQUIRE_FALSE(cartridges.empty());
    CHECK(cartridges[0]["place"].get<std::string>().starts_with("drive "));
    CHECK_THAT(
        refusal("cartridge.import", {{"barcode", cartridges[0]["barcode"]}, {"file", "/dev/null"}}),
        ContainsSubstring("already"));
}

TEST_CASE("an orderly stop ends with 0, and a killed vtld keeps reservations with APTPL") {
    VtldProcess vtld;
    LibiscsiHost host("iqn.2026-01.example:host1");
    REQUIRE(host.log_in(vtld.portal(), vtld.target(first_drive)));
    // REGISTER with APTPL, then RESERVE exclusive access.
    const std::string key = "00000000abcdef01";
    const auto pr_out = [&](const std::string& action, const std::string& type,
                            const std::string& parameters) {
        // Unit attentions: of a new nexus, and of the cartridge that is being loaded meanwhile.
        json reply;
        for (int i = 0; i < 3 && (reply.is_null() || reply["status"] == 2); ++i) {
            reply = vtld.call("port.command", {{"serial", first_drive},
                                               {"port", "host1"},
                                               {"cdb", "5f" + action + type + "00000000001800"},
                                               {"data_out", parameters}});
        }
        return reply;
    };
    CHECK(pr_out("00", "00", std::string(16, '0') + key + "00000000" + "01" + "000000")["status"] ==
          0);
    CHECK(pr_out("01", "03", key + std::string(32, '0'))["status"] == 0);
    vtld.kill();
    vtld.start();
    const auto reservation = vtld.call("drive.show", {{"serial", first_drive}})["reservation"];
    CHECK(reservation["state"] == "reserved");
    CHECK(reservation["kind"] == "pr");
    vtld.signal(SIGHUP);
    CHECK(vtld.call("drive.list").size() == 2);
    CHECK(vtld.stop() == 0);
}

TEST_CASE("the command line answers as every program of the project does") {
    const std::string program = VTLD_PROGRAM;
    CHECK(run_program(program + " --version").status == 0);
    CHECK_THAT(run_program(program + " --help").output, ContainsSubstring("--check-config"));
    const auto schema = run_program(program + " --print-schema");
    CHECK(json::parse(schema.output)["properties"].contains("drives"));
    CHECK(run_program(program + " --nonsense").status == 2);
    VtldProcess vtld;
    CHECK(run_program(program + " --check-config --config " + vtld.configuration_file()).status ==
          0);
    const auto second = run_program(program + " --config " + vtld.configuration_file());
    CHECK(second.status == 1);
    CHECK_THAT(second.output, ContainsSubstring("in use by another vtld"));
    const auto broken = vtld.folder() + "/broken.json";
    const auto wrong = run_program("echo '{\"drives\":[{\"serial\":\"A B\"}],\"shelves\":5}' > " +
                                   broken + "; " + program + " --check-config --config " + broken);
    CHECK(wrong.status == 42);
    CHECK_THAT(wrong.output, ContainsSubstring("broken.json:1: "));
    CHECK_THAT(wrong.output, ContainsSubstring("drives[0].serial"));
    CHECK_THAT(wrong.output, ContainsSubstring("shelves"));
}
