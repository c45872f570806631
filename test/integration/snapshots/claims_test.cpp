// US 8,706,976: claims 2-9 and 2-10 of docs/PARALLEL.md and docs/SNAPSHOTS.md, as an operator and
// his hosts see them: GNU tar over rmt against a running vtld.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>

#include "agent/runtime/control_protocol.hpp"
#include "test/integration/vtld/vtld_process.hpp"
#include "test/support/catch.hpp"

using namespace vtld_test;
namespace fs = std::filesystem;

namespace {

const std::string tar = "tar --rsh-command=$RSH --rmt-command=rmt -b 64 ";

struct Folder {
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "lra-snapshots-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string path;
};

std::string whole(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    REQUIRE(in);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Drive 0 is parallel, drive 1 is not; each has a cartridge.
class Site {
  public:
    explicit Site(const json& snapshots = json::object())
        : vtld(json::object(),
               {{"drives",
                 {{{"serial", "VT00000001"}, {"parallel", true}}, {{"serial", "VT00000002"}}}},
                {"rmt", {{"listen", "unix:" + folder.path + "/rmt.sock"}}},
                {"snapshots", snapshots}}) {
        for (const auto& element : vtld.call("library.inventory")) {
            if (element["place"] == "drive VT00000001") volume = element["barcode"];
        }
        REQUIRE_FALSE(volume.empty());
        good("head -c 300000 /dev/urandom > first && head -c 200000 /dev/urandom > second");
    }

    std::string environment() const {
        return "cd " + folder.path + " && export VTL_RMT=unix:" + folder.path +
               "/rmt.sock RSH=" VTL_RSH_PROGRAM " LC_ALL=C && ";
    }
    ProgramRun run(const std::string& command) const {
        return run_program(environment() + "timeout 60 sh -c '" + command + "' 2>&1");
    }
    std::string good(const std::string& command) const {
        const auto done = run(command);
        INFO(command + "\n" + done.output);
        REQUIRE(done.status == 0);
        return done.output;
    }
    std::string error(const std::string& method, const json& params) const {
        const auto answer = vtld.ask(method, params);
        const auto* refused = std::get_if<agent::runtime::ControlError>(&answer);
        REQUIRE(refused != nullptr);
        return refused->message;
    }
    bool becomes(const std::function<bool()>& condition) const {
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > latest) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    }
    json session(int id) const {
        for (const auto& one : vtld.call("session.writes")) {
            if (one["id"] == id) return one;
        }
        return nullptr;
    }
    void wait_for(int id, const std::string& state) const {
        REQUIRE(becomes([&] {
            const auto found = session(id);
            return found.is_object() && found["state"] == state;
        }));
    }
    json take() const { return vtld.call("snapshot.take", {{"reason", "a test"}}); }
    // "2: begun, grown by 1 record (3 bytes)" of each session.
    std::string diff(const json& from, const json& to) const {
        std::string text;
        const auto told =
            vtld.call("snapshot.diff", {{"from", from["number"]}, {"to", to["number"]}});
        for (const auto& one : told["sessions"])
            text += one["id"].dump() + ": " + one["what"].get<std::string>() + "\n";
        return text;
    }

    Folder folder;
    VtldProcess vtld;
    std::string volume;
};

// A host that writes record by record.
class SlowHost {
  public:
    explicit SlowHost(const Site& site)
        : pipe_(::popen((site.environment() + "$RSH localhost rmt > /dev/null").c_str(), "w")) {
        REQUIRE(pipe_ != nullptr);
        say("O0\n1\n");
    }
    ~SlowHost() { ::pclose(pipe_); }
    SlowHost(const SlowHost&) = delete;
    SlowHost& operator=(const SlowHost&) = delete;
    void say(const std::string& text) {
        REQUIRE(std::fwrite(text.data(), 1, text.size(), pipe_) == text.size());
        REQUIRE(std::fflush(pipe_) == 0);
    }

  private:
    std::FILE* pipe_;
};

}  // namespace

TEST_CASE("2-9: three snapshots at different times differ exactly by what happened between") {
    Site site;
    site.good(tar + "-cf 127.0.0.1:0 first");
    site.wait_for(1, "merged");
    const auto before = site.take();
    CHECK(before["by"].is_string());
    json during, after;
    {
        SlowHost host(site);
        host.say("W3\nabc");
        REQUIRE(site.becomes([&] {
            const auto session = site.session(2);
            return session.is_object() && session["objects"] == 1;
        }));
        during = site.take();
        CHECK(during["active"] == 1);
        host.say("W3\ndefW3\nghiC\n");
    }
    site.wait_for(2, "merged");
    after = site.take();
    CHECK(site.diff(before, during) == "2: begun, grown by 1 record (3 bytes)\n");
    CHECK(site.diff(during, after) == "2: grown by 3 records (6 bytes), completed, merged\n");
    CHECK(site.diff(before, after) ==
          "2: begun, grown by 4 records (9 bytes), completed, merged\n");
    CHECK(site.diff(after, before) == site.diff(before, after));
    CHECK(site.diff(after, after).empty());
    // Each completion is a snapshot of its own, of the moment of completion.
    const auto all = site.vtld.call("snapshot.list");
    REQUIRE(all.size() == 5);
    CHECK(all[0]["cause"] == "completion");
    CHECK(all[0]["completed"] == 1);
    CHECK(all[3]["cause"] == "completion");
    CHECK(site.diff(all[3], after) == "2: merged\n");
    const auto shown = site.vtld.call("snapshot.show", {{"number", during["number"]}});
    REQUIRE(shown["sessions"].size() == 2);
    CHECK(shown["sessions"][1]["state"] == "active");
    CHECK(shown["sessions"][1]["objects"] == 1);
}

TEST_CASE("an export of damaged data ends with 3 and says that it is not sound") {
    Site site;
    site.good(tar + "-cf 127.0.0.1:0 first");
    site.wait_for(1, "merged");
    const auto snapshot = site.take();
    std::size_t spoilt = 0;
    for (const auto& entry : fs::recursive_directory_iterator(site.vtld.folder() + "/state")) {
        const bool of_a_session = entry.path().parent_path().filename() == "sessions";
        if (!of_a_session || entry.path().extension() != ".tap") continue;
        std::fstream data(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        data.seekp(100'000);
        data.write("spoilt", 6);
        ++spoilt;
    }
    REQUIRE(spoilt > 0);
    const auto number = snapshot["number"].dump();
    const auto lractl = [&](const std::string& words) {
        return run_program(std::string(LRA_BIN_DIR) + "/lractl --socket " + site.vtld.folder() +
                           "/vtld.sock " + words);
    };
    const auto into = [&](const char* name) {
        fs::create_directory(site.folder.path + name);
        return " --to " + site.folder.path + name;
    };
    const auto told = lractl("snapshot export " + number + into("/words"));
    CHECK(told.status == 3);
    INFO(told.output);
    CHECK(told.output.find("sound") != std::string::npos);
    const auto exported = lractl("--json snapshot export " + number + into("/json"));
    CHECK(exported.status == 3);
    const auto answer = json::parse(exported.output);
    CHECK(answer["sound"] == false);
    CHECK(answer["files"][0]["damaged_blocks"] == 1);
}

TEST_CASE("2-10: the data of a session is exported, also when its volume was overwritten since") {
    Site site;
    site.good(tar + "-cf 127.0.0.1:0 first");
    site.wait_for(1, "merged");
    const auto snapshot = site.take();
    // The volume is written anew from its beginning, on the ordinary drive.
    site.good("printf \"O0/" + site.volume + "\\n0\\nC\\n\" | $RSH localhost rmt");
    site.good(tar + "-cf 127.0.0.1:1/" + site.volume + " second");
    CHECK(site.good(tar + "-tf 127.0.0.1:1/" + site.volume) == "second\n");

    fs::create_directory(site.folder.path + "/out");
    json wanted{{"number", snapshot["number"]}, {"session", 1}, {"to", site.folder.path + "/out"}};
    const auto name =
        site.folder.path + "/out/snapshot-" + snapshot["number"].dump() + "-session-1";
    const auto exported = site.vtld.call("snapshot.export", wanted);
    REQUIRE(exported["files"].size() == 1);
    CHECK(exported["files"][0]["file"] == name + ".tap");
    CHECK(exported["files"][0]["damaged_blocks"] == 0);
    const auto described = json::parse(whole(name + ".json"));
    CHECK(described["number"] == snapshot["number"]);
    CHECK(described["sessions"][0]["id"] == 1);
    // Nothing is overwritten, and nothing else is touched.
    const auto tape = whole(name + ".tap");
    CHECK(site.error("snapshot.export", wanted).find("nothing is overwritten") !=
          std::string::npos);
    CHECK(whole(name + ".tap") == tape);

    CHECK(exported["sound"] == true);
    fs::create_directory(site.folder.path + "/plain");
    wanted["to"] = site.folder.path + "/plain";
    wanted["format"] = "blocks";
    static_cast<void>(site.vtld.call("snapshot.export", wanted));
    site.good("mkdir back && tar -xf plain/snapshot-" + snapshot["number"].dump() +
              "-session-1.data -C back && cmp first back/first");
    // The same data lies in the .tap, between lengths.
    const auto plain = whole(site.folder.path + "/plain/snapshot-" + snapshot["number"].dump() +
                             "-session-1.data");
    std::string joined;
    for (std::size_t at = 0; at + 4 <= tape.size();) {
        const auto byte = [&](std::size_t i) {
            return static_cast<std::size_t>(static_cast<unsigned char>(tape[at + i]));
        };
        const auto length = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
        if (length == 0xffffffff) break;
        joined += tape.substr(at + 4, length);
        at += length == 0 ? 4 : 8 + length + (length & 1);
    }
    CHECK(joined == plain);
}

TEST_CASE("2-10: a snapshot is mounted as a write-protected volume, over a killed process too") {
    Site site;
    site.good(tar + "-cf 127.0.0.1:0 first");
    site.good(tar + "-cf 127.0.0.1:0 second");
    site.wait_for(1, "merged");
    site.wait_for(2, "merged");
    const auto snapshot = site.take();
    const auto number = snapshot["number"].get<int>();
    const auto all = site.vtld.call("snapshot.mount", {{"number", number}});
    const auto one = site.vtld.call("snapshot.mount", {{"number", number}, {"session", 2}});
    CHECK(all["volume"] == "SN000" + std::to_string(number) + "L8");
    CHECK(one["volume"] == "SN000" + std::to_string(number) + "S2L8");
    CHECK(all["place"] != one["place"]);
    site.vtld.kill();
    site.vtld.start();

    const std::string volume = all["volume"];
    site.good("mkdir out && " + tar + "-xf 127.0.0.1:1/" + volume +
              " -C out && cmp first out/first");
    // The second session is the next tape file.
    site.good("printf \"On1/" + volume + "\\n0\\nI1\\n1\\nC\\n\" | $RSH localhost rmt && " + tar +
              "-xf 127.0.0.1:n1/" + volume + " -C out && cmp second out/second");
    CHECK(site.run(tar + "-cf 127.0.0.1:1/" + volume + " second").output.find("Read-only") !=
          std::string::npos);
    CHECK(site.error("snapshot.unmount", {{"volume", volume}}).find("is in a drive") !=
          std::string::npos);
    CHECK(site.error("snapshot.remove", {{"number", number}, {"reason", "x"}}).find("mounted") !=
          std::string::npos);
    static_cast<void>(
        site.vtld.call("cartridge.move", {{"barcode", volume}, {"to", all["place"]}}));
    for (const auto& mounted : {all, one})
        static_cast<void>(site.vtld.call("snapshot.unmount", {{"volume", mounted["volume"]}}));
    for (const auto& element : site.vtld.call("library.inventory"))
        CHECK(element["barcode"] != volume);
    CHECK(site.run(tar + "-tf 127.0.0.1:1/" + volume).output.find("No such file") !=
          std::string::npos);
}

TEST_CASE("2-10: snapshots are kept, listed with time and reason, and removed") {
    Site site(json{{"keep", 2}, {"on_completion", false}});
    site.good(tar + "-cf 127.0.0.1:0 first");
    CHECK(site.vtld.call("snapshot.list").empty());
    const auto first = site.take();
    const auto kept =
        site.vtld.call("snapshot.keep", {{"number", first["number"]}, {"reason", "audit"}});
    CHECK(kept["kept"] == true);
    CHECK(kept["kept_reason"] == "audit");
    for (int i = 0; i < 4; ++i)
        static_cast<void>(site.take());
    site.vtld.kill();
    site.vtld.start();
    const auto all = site.vtld.call("snapshot.list");
    REQUIRE(all.size() == 3);
    CHECK(all[0]["number"] == 1);
    CHECK(all[0]["reason"] == "a test");
    CHECK(all[0]["taken"] == first["taken"]);
    CHECK(all[1]["number"] == 4);
    CHECK(site.error("snapshot.keep", {{"number", 4}}).find("reason") != std::string::npos);
    CHECK(site.error("snapshot.show", {{"number", 99}}).find("no snapshot 99") !=
          std::string::npos);
    CHECK(site.error("snapshot.export", {{"number", 1}, {"to", "here"}}).find("must be a folder") !=
          std::string::npos);
    CHECK(site.error("snapshot.export", {{"number", 1}, {"to", "/nowhere/at/all"}})
              .find("the folder must be there") != std::string::npos);
    CHECK(site.error("cartridge.create", {{"barcode", "SN0001L8"}}).find("snapshots") !=
          std::string::npos);
    site.vtld.call("snapshot.remove", {{"number", 1}, {"reason", "audited"}});
    CHECK(site.vtld.call("snapshot.list").size() == 2);
}
