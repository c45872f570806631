#pragma once

// A virtual drive that a controller and two hosts reach, and transports that spoil what passes
// through them.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/virtual_transport.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/virtual/library.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"
#include "test/unit/device/recorded_transport.hpp"

namespace drive_iface {

inline constexpr agent::core::Duration fence_bench_timeout{1'000};
inline const std::uint64_t fence_bench_key = fence_key("library-1");
inline constexpr std::array<std::uint8_t, 6> rewind_cdb{0x01, 0, 0, 0, 0, 0};

struct FenceBench {
    virtual_library::MemoryShelf shelf = one_cartridge();
    virtual_library::Library library{{.vendor = "LRA",
                                      .product = "CHANGER",
                                      .serial = "CH00000001",
                                      .drives = {{.serial = "VT00000001",
                                                  .product = "VIRTUAL-LTO",
                                                  .element_address = 256,
                                                  .cartridge = "VT0001L8"}}},
                                     shelf};
    std::unique_ptr<Transport> controller = path("controller", "00023d000001");
    std::unique_ptr<Transport> a = path("a", "00023d000001");
    std::unique_ptr<Transport> b = path("b", "00023d000001");

    static virtual_library::MemoryShelf one_cartridge() {
        virtual_library::MemoryShelf shelf;
        shelf.add({.barcode = "VT0001L8", .capacity = 1'000'000'000});
        return shelf;
    }
    std::unique_ptr<Transport> path(const std::string& name, const std::string& isid) {
        return make_virtual_transport(
            library, "VT00000001",
            {agent::core::Transport::iscsi, "iqn.2026-01.org.example:" + name, isid, "192.0.2.7"});
    }
    void controller_returns() {
        controller.reset();
        controller = path("controller", "00023d000001");
    }
    void everybody_returns() {
        controller_returns();
        a.reset();
        b.reset();
        a = path("a", "00023d000001");
        b = path("b", "00023d000001");
    }

    // Past unit attentions.
    static ScsiReply ask(Transport& from, std::span<const std::uint8_t> cdb,
                         scsi::ByteView data = {}, std::size_t data_in_max = 0) {
        for (;;) {
            const auto reply = from.execute({cdb, data, data_in_max}, fence_bench_timeout);
            REQUIRE(reply.ok());
            const bool unit_attention =
                reply->status == scsi::status::check_condition && (reply->sense.at(2) & 0xf) == 6;
            if (!unit_attention) return *reply;
        }
    }
    static std::uint8_t send(Transport& from, std::span<const std::uint8_t> cdb) {
        return ask(from, cdb).status;
    }
    static std::uint8_t out(Transport& from, scsi::PrOutAction action, std::uint8_t type,
                            const scsi::PrOutParameters& parameters) {
        const auto list = scsi::encode_pr_out_parameters(parameters);
        REQUIRE(list.ok());
        return ask(from,
                   scsi::persistent_reserve_out_cdb(action, type,
                                                    static_cast<std::uint32_t>(list->size())),
                   *list)
            .status;
    }
    static std::uint8_t out(Transport& from, scsi::PrOutAction action, std::uint8_t type,
                            std::uint64_t key, std::uint64_t service_action_key) {
        scsi::PrOutParameters parameters;
        parameters.reservation_key = key;
        parameters.service_action_reservation_key = service_action_key;
        return out(from, action, type, parameters);
    }

    void reserve_by_a(std::uint8_t type) {
        REQUIRE(out(*a, scsi::PrOutAction::register_key, 0, 0, 0xabc) == scsi::status::good);
        REQUIRE(out(*a, scsi::PrOutAction::reserve, type, 0xabc, 0) == scsi::status::good);
    }
    // As host b sees it.
    std::optional<scsi::ReadReservationData::Held> held() {
        const auto reply = ask(
            *b, scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_reservation, 24), {}, 24);
        REQUIRE(reply.status == scsi::status::good);
        return scsi::decode_read_reservation(reply.data_in)->held;
    }
    std::vector<std::uint64_t> keys() {
        const auto reply =
            ask(*b, scsi::persistent_reserve_in_cdb(scsi::PrInAction::read_keys, 1024), {}, 1024);
        REQUIRE(reply.status == scsi::status::good);
        return scsi::decode_read_keys(reply.data_in)->keys;
    }
    std::size_t keys_of_controller() {
        std::size_t count = 0;
        for (const auto key : keys())
            count += key == fence_bench_key ? 1 : 0;
        return count;
    }
};

// The connection is lost at the command with this number, before or after the drive has it.
class CutTransport : public Transport {
  public:
    CutTransport(Transport& inner, int at, bool carried_out)
        : inner_(inner), left_(at), carried_out_(carried_out) {}
    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration timeout) override {
        if (left_-- > 0) return inner_.execute(command, timeout);
        if (left_ == -1 && carried_out_) static_cast<void>(inner_.execute(command, timeout));
        return agent::core::Error{"connection lost"};
    }

  private:
    Transport& inner_;
    int left_;
    bool carried_out_;
};

// The command with this number is answered so, and not carried out.
class RefusingTransport : public Transport {
  public:
    RefusingTransport(Transport& inner, int at, ScsiReply reply)
        : inner_(inner), left_(at), reply_(std::move(reply)) {}
    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration timeout) override {
        if (left_-- == 0) return reply_;
        return inner_.execute(command, timeout);
    }

  private:
    Transport& inner_;
    int left_;
    ScsiReply reply_;
};

// A drive that does not know some service actions of PERSISTENT RESERVE OUT (tgt: PREEMPT AND
// ABORT).
class WithoutAction : public Transport {
  public:
    WithoutAction(Transport& inner, std::vector<scsi::PrOutAction> missing)
        : inner_(inner), missing_(std::move(missing)) {}
    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration timeout) override {
        for (const auto action : missing_) {
            if (command.cdb[0] == scsi::opcode::persistent_reserve_out &&
                (command.cdb[1] & 0x1f) == static_cast<std::uint8_t>(action))
                return check(5, 0x24, 0);
        }
        return inner_.execute(command, timeout);
    }

  private:
    Transport& inner_;
    std::vector<scsi::PrOutAction> missing_;
};

// APTPL of a REGISTER is answered INVALID FIELD IN PARAMETER LIST.
class WithoutPersistence : public Transport {
  public:
    explicit WithoutPersistence(Transport& inner) : inner_(inner) {}
    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration timeout) override {
        if (command.cdb[0] == scsi::opcode::persistent_reserve_out &&
            (command.data_out[20] & 1) != 0)
            return check(5, 0x26, 0);
        return inner_.execute(command, timeout);
    }

  private:
    Transport& inner_;
};

// A host does something after every such PERSISTENT RESERVE OUT of the controller.
class DoneAfter : public Transport {
  public:
    DoneAfter(Transport& inner, scsi::PrOutAction action, std::function<void()> after)
        : inner_(inner), action_(action), after_(std::move(after)) {}
    agent::core::Result<ScsiReply> execute(const ScsiCommand& command,
                                           agent::core::Duration timeout) override {
        auto reply = inner_.execute(command, timeout);
        const bool it_is = command.cdb[0] == scsi::opcode::persistent_reserve_out &&
                           (command.cdb[1] & 0x1f) == static_cast<std::uint8_t>(action_);
        if (it_is) after_();
        return reply;
    }

  private:
    Transport& inner_;
    scsi::PrOutAction action_;
    std::function<void()> after_;
};

}  // namespace drive_iface
