// Real programs on a real vtld: tar, cpio, mt-gnu, dump and restore through vtl-rsh, and lractl.

#include <algorithm>
#include <fstream>

#include "test/integration/parallel/daemon_site.hpp"
#include "test/integration/vtld/libiscsi_host.hpp"
#include "test/support/catch.hpp"

using namespace library_test;
using vtld_test::LibiscsiHost;

namespace {

const std::string mt = "mt-gnu --rsh-command=\"$RSH\" -f 127.0.0.1:";

void make_tree(const DaemonSite& site) {
    site.good(
        "mkdir -p tree/inner && head -c 300000 /dev/urandom > tree/large && "
        "echo a few words > tree/inner/small && head -c 500000 /dev/urandom > more");
}

// dump reads a file system from an unmounted image once no table of mounted ones says that the
// image is a file of another one: in a mount namespace of its own, /etc has empty tables.
const std::string dump_of_an_image =
    "mkdir -p etc && : > etc/mtab && : > etc/fstab && "
    "for f in group hosts nsswitch.conf passwd ld.so.cache; do "
    "[ -e /etc/$f ] && cp -L /etc/$f etc/; done; "
    "unshare -rm sh -c \"mount --bind etc /etc && exec dump -0 -f 127.0.0.1:1/VOL002L8 image\"";

}  // namespace

TEST_CASE("tar, cpio and mt-gnu write, find and restore archives on a drive of vtld") {
    const DaemonSite site;
    make_tree(site);
    site.good(tar + "-cf 127.0.0.1:n1/VOL002L8 tree");
    site.good(tar + "-cf 127.0.0.1:n1/VOL002L8 more");
    site.good("find tree | cpio -o --rsh-command=$RSH -O 127.0.0.1:n1/VOL002L8");
    site.good(mt + "n1/VOL002L8 rewind");
    site.good(mt + "n1/VOL002L8 fsf 1");
    CHECK(site.good(tar + "-tf 127.0.0.1:n1/VOL002L8") == "more\n");
    site.good(mt + "n1/VOL002L8 asf 2");
    site.good(
        "mkdir cpio && cd cpio && cpio -id --rsh-command=$RSH -I 127.0.0.1:n1/VOL002L8 && "
        "diff -r ../tree tree");
    site.good(mt + "n1/VOL002L8 rewind");
    site.good("mkdir tar && " + tar + "-xf 127.0.0.1:1/VOL002L8 -C tar && diff -r tree tar/tree");
    site.good(tar + "-rf 127.0.0.1:1/VOL002L8 more");
    CHECK(site.good(tar + "-tf 127.0.0.1:1/VOL002L8").find("more\n") != std::string::npos);
}

TEST_CASE("dump writes a file system to a drive of vtld, and restore brings it back") {
    const DaemonSite site;
    if (!DaemonSite::small_folder_possible()) {
        WARN("not allowed to mount here: skipped");
        return;
    }
    make_tree(site);
    site.good("mke2fs -q -t ext2 -d tree image 4M");
    const auto dumped = site.good(dump_of_an_image);
    CHECK(dumped.find("DUMP IS DONE") != std::string::npos);
    CHECK(site.good("restore -tf 127.0.0.1:1/VOL002L8").find("./inner/small") != std::string::npos);
    site.good(
        "mkdir out && cd out && restore -rf 127.0.0.1:1/VOL002L8 && cmp large ../tree/large "
        "&& cmp inner/small ../tree/inner/small");
}

TEST_CASE("two tars write to one volume at once, and each is restored from its own tape file") {
    const DaemonSite site;
    make_tree(site);
    site.good(tar + "-cf 127.0.0.1:0/VOL002L8 tree & first=$!; " + tar +
              "-cf 127.0.0.1:0/VOL002L8 more & second=$!; wait $first && wait $second");
    REQUIRE(site.becomes([&] {
        const auto merged = site.lractl("session writes --state merged");
        return merged.size() == 2;
    }));
    for (const auto& session : site.lractl("session writes")) {
        CHECK(session["volume"] == "VOL002L8");
        CHECK(session["files"].size() == 2);
        CHECK(session["durable_objects"] == session["objects"]);
    }
    // In the order of completion, whichever that was.
    const bool tree_first =
        site.good(tar + "-tf 127.0.0.1:1/VOL002L8").find("tree/large") != std::string::npos;
    const auto fetch = [&](const std::string& file, const std::string& into) {
        site.good("mkdir " + into + " && " + mt + "n1/VOL002L8 rewind && " + mt +
                  "n1/VOL002L8 fsf " + file + " && " + tar + "-xf 127.0.0.1:n1/VOL002L8 -C " +
                  into);
    };
    fetch(tree_first ? "0" : "1", "one");
    fetch(tree_first ? "1" : "0", "two");
    site.good("diff -r tree one/tree && cmp more two/more");
}

TEST_CASE("a libiscsi host that logs out completes its session, one that breaks off does not") {
    const DaemonSite site;
    LibiscsiHost good("iqn.2026-01.example:good"), broken("iqn.2026-01.example:broken");
    for (auto* host : {&good, &broken}) {
        REQUIRE(host->log_in(site.portal(), site.target(parallel_drive)));
        host->settle();
        // Buffered, and nothing said about it being safe.
        for (int block = 0; block < 20; ++block) {
            REQUIRE(host->send({0x0a, 0, 0, 0x27, 0x10, 0}, std::vector<std::uint8_t>(10'000, 'x'))
                        .status == 0);
        }
    }
    CHECK(site.lractl("session writes --state active").size() == 2);
    broken.break_connection();
    good.log_out();
    // Who comes next sees all of it.
    CHECK(site.good(mt + "0 eom && " + mt + "0 rewind").empty());
    REQUIRE(site.becomes([&] { return site.write_session(1)["state"] == "merged"; }));
    CHECK(site.write_session(1)["objects"] == 21);
    REQUIRE(site.becomes([&] { return site.write_session(2)["state"] == "incomplete"; }));
    CHECK(site.write_session(2)["host"].get<std::string>().find("broken") != std::string::npos);
}

TEST_CASE("lractl tells of write sessions while they go on, and traces what a host sent") {
    const DaemonSite site;
    LibiscsiHost host("iqn.2026-01.example:one");
    REQUIRE(host.log_in(site.portal(), site.target(parallel_drive)));
    host.settle();
    REQUIRE(host.send({0x0a, 0, 0, 0, 100, 0}, std::vector<std::uint8_t>(100, 'x')).status == 0);
    CHECK(host.run({0x08, 0, 0, 0, 100, 0}, 100).status != 0);  // nothing behind it
    const auto id = site.lractl("session list")[0]["id"].get<int>();
    const auto trace = site.lractl("session trace " + std::to_string(id));
    REQUIRE(trace.size() >= 3);
    CHECK(trace[trace.size() - 2]["command"] == "WRITE(6)");
    CHECK(trace[trace.size() - 2]["status_text"] == "GOOD");
    CHECK(trace.back()["status_text"] == "CHECK CONDITION");
    CHECK_FALSE(trace.back()["sense"].get<std::string>().empty());
    const auto people = site.good("$LRACTL session trace " + std::to_string(id));
    CHECK(people.find("WRITE(6)") != std::string::npos);

    const auto records = site.lractl("session records 1 --from 0 --count 5");
    REQUIRE(records.size() == 1);
    CHECK(records[0]["length"] == 100);
    CHECK(site.run("$LRACTL session write 99").status == 1);
    const auto followed = site.run(
        "{ timeout 20 $LRACTL --json session follow & echo $! > follower; wait; } | "
        "{ IFS= read -r line && echo \"$line\"; kill -TERM $(cat follower); }");
    CHECK(followed.output.find("\"state\":\"active\"") != std::string::npos);
}

TEST_CASE("lractl fetches an administrative volume by mount, read and unmount, in both ways") {
    const DaemonSite site;
    for (const std::string way : {"rmt", "control"}) {
        const auto fetched = site.lractl("library fetch ADMDRV --via " + way);
        CHECK(fetched["header"]["type"] == "ADMDRV");
        REQUIRE(fetched["records"].size() == 2);
        CHECK(fetched["records"][0]["serial"] == parallel_drive);
        // Of that moment: the drive it is read in has it.
        CHECK(fetched["records"][1]["volume"] == "ADMDRVL8");
        CHECK(site.becomes([&] {
            for (const auto& place : site.lractl("library inventory")) {
                if (place["place"] == std::string("drive ") + ordinary_drive)
                    return place["barcode"].is_null();
            }
            return false;
        }));
    }
    const auto again = site.lractl("library fetch ADMVOL")["header"]["generation"];
    CHECK(site.lractl("library fetch ADMVOL")["header"]["generation"] > again);
    CHECK(site.run("$LRACTL library fetch ADMXYZ").status == 1);
    CHECK(site.run("$LRACTL library fetch ADMALL").status == 1);
}

TEST_CASE("an import that is given up by Ctrl-C leaves nothing behind") {
    const DaemonSite site;
    make_tree(site);
    // An archive that takes a moment to copy.
    site.good("head -c 150000000 /dev/zero > large && " + tar +
              "-b 128 -cf 127.0.0.1:1/VOL002L8 large");
    site.good(
        "$LRACTL cartridge move VOL002L8 \"slot 2\" && $LRACTL cartridge export VOL002L8 "
        "$PWD/all.tap");
    CHECK(site.run("$LRACTL cartridge export VOL002L8 $PWD/all.tap").status == 1);
    const auto quiet = site.lractl("cartridge check VOL002L8");
    CHECK(quiet["sound"] == true);
    // However far it came: it was given up without a trace, or it was done before.
    const auto given_up = site.run(
        "timeout -s INT 0.1 $LRACTL cartridge import VOL003L8 $PWD/all.tap; "
        "ls a b a/importing b/importing 2>/dev/null | grep VOL003L8.tap");
    INFO(given_up.output);
    const auto cartridges = site.lractl("cartridge list");
    const bool there = std::any_of(cartridges.begin(), cartridges.end(), [](const auto& cartridge) {
        return cartridge["barcode"] == "VOL003L8";
    });
    if (there) {
        CHECK(site.lractl("cartridge check VOL003L8")["sound"] == true);
    } else {
        CHECK(given_up.output.find("cancelled") != std::string::npos);
        CHECK(given_up.status != 0);  // grep found nothing
    }
}
