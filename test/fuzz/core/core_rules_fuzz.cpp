// Bytes become inputs of either kind of agent, in any order, with time, restarts and nonsense in
// between. Checked at every step: records come first, wake-ups lie in the future, notices are
// numbered upwards and never twice, forced offline ends by an administrator's word alone, and
// nothing comes online that is not in the ledger.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "agent/core/assert.hpp"
#include "agent/core/drive_sharing_agent.hpp"
#include "agent/core/reservation_agent.hpp"

using namespace agent::core;

namespace {

class Stream {
  public:
    Stream(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool ended() const { return at_ >= size_; }
    std::uint8_t byte() { return ended() ? std::uint8_t{0} : data_[at_++]; }
    std::size_t below(std::size_t count) { return byte() % count; }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

const DriveSerial serials[] = {{"VT1"}, {"VT2"}, {"NOT-OURS"}};
const AgentName names[] = {"alpha", "beta", "nobody"};
const InitiatorPort ports[] = {
    {Transport::fc, "2100000e1e09a1b0", "", ""},
    {Transport::fc, "2100000e1e09a1b1", "", ""},
    {Transport::iscsi, "iqn.2001-04.com.example:c", "00023d000001", "::1"}};

Reservation reservation_from(Stream& in) {
    Reservation reservation;
    reservation.state = static_cast<ReservationState>(in.below(3));
    if (reservation.state != ReservationState::reserved) return reservation;
    reservation.kind = static_cast<ReservationKind>(1 + in.below(4));
    if (reservation.kind == ReservationKind::persistent) {
        reservation.persistent = PersistentReservation{in.byte(), in.below(3)};
    }
    const std::size_t holders = in.below(4);
    for (std::size_t holder = 0; holder < holders; ++holder) {
        reservation.holders.push_back(ports[holder % 3]);
    }
    return reservation;
}

SharingConfiguration sharing_from(Stream& in) {
    SharingConfiguration sharing;
    sharing.controller = "library-1";
    sharing.drives = {{serials[0], true}, {serials[1], in.below(8) != 0}};
    sharing.agents = {{names[0], "payroll"}, {names[1], ""}};
    sharing.domains = {{"payroll", {ports[0]}}, {"archive", {ports[2]}}};
    sharing.handshake_timeout = {in.byte() * 10};
    sharing.handshake_retries = static_cast<std::uint32_t>(in.below(3));
    sharing.debounce = {static_cast<std::int64_t>(in.below(3)) * 20};
    sharing.release_hold_down = {static_cast<std::int64_t>(in.below(3)) * 20};
    sharing.actuator_retry = {in.byte() * 4};
    sharing.unknown_holder = static_cast<SharingConfiguration::UnknownHolder>(in.below(3));
    sharing.on_missing = static_cast<SharingConfiguration::OnMissing>(in.below(2));
    sharing.holder_inquiry = {static_cast<std::int64_t>(in.below(3)) * 50};
    sharing.holder_inquiry_repeat = {in.byte() * 4};
    return sharing;
}

// ---- the controller
// -------------------------------------------------------------------------------------------------

class Controller {
  public:
    explicit Controller(Stream& in) : in_(in), sharing_(sharing_from(in)) { restart(); }

    void run() {
        while (!in_.ended()) {
            const std::size_t what = in_.below(16);
            if (what == 15) {
                restart();
            } else if (what == 14) {
                sharing_ = sharing_from(in_);
                check(agent_->reconfigure(sharing_, now()));
            } else {
                check(agent_->step(input(what), now()));
            }
        }
    }

  private:
    [[nodiscard]] Now now() const { return {{ms_}, {ms_}}; }

    NoticeId id() {
        if (in_.below(2) == 0 && last_.epoch != 0) return last_;
        return {in_.below(4), in_.byte()};
    }

    std::optional<AgentPresence> heard(const AgentName& agent) {
        if (in_.below(2) == 0) return std::nullopt;
        return AgentPresence{"library-1", agent, in_.below(5)};
    }

    ReservationAgentInput input(std::size_t what) {
        const DriveSerial drive = serials[in_.below(3)];
        const AgentName agent = names[in_.below(3)];
        switch (what) {
            case 0:
            case 1: {
                DriveObserved observed;
                observed.drive = drive;
                observed.reservation = reservation_from(in_);
                observed.evidence = static_cast<HolderEvidence>(in_.below(6));
                observed.source = static_cast<DriveObserved::Source>(in_.below(3));
                return observed;
            }
            case 2:
                return DriveUnreachable{drive, "silent"};
            case 3:
            case 4:
            case 5: {
                Confirmation confirmation{id(), "library-1", agent, drive, {}, "detail"};
                confirmation.result = static_cast<ConfirmationResult>(1 + in_.below(10));
                return NoticeConfirmed{confirmation};
            }
            case 6:
                return NoticeReceived{agent, drive, id()};
            case 7:
                return AgentStarted{{"library-1", agent, in_.below(5)}};
            case 8:
                return AgentStopping{{"library-1", agent, in_.below(5)}};
            case 9:
                return OfflineForced{
                    drive, in_.below(2) == 0 ? std::nullopt : std::optional<std::string>("no")};
            case 10:
                return OfflineLifted{
                    drive, in_.below(2) == 0 ? std::nullopt : std::optional<std::string>("no")};
            case 11:
                if (in_.below(2) == 0) return AdministratorForcedOffline{drive, "root", "x"};
                cleared_.insert(drive);
                return AdministratorCleared{drive, "root", "x"};
            case 12:
                if (in_.below(2) == 0) return AdministratorReconciledAgent{agent};
                if (in_.below(2) == 0) return ControllerTookOver{agent, heard(agent)};
                return AdministratorRetiredAgent{agent, "root", "x"};
            case 13: {
                HolderStatement statement;
                statement.id = in_.below(4) == 0 ? id() : asked_;
                statement.controller = "library-1";
                statement.agent = agent;
                statement.drive = in_.below(4) == 0 ? drive : asked_about_;
                statement.answer = static_cast<HolderAnswer>(1 + in_.below(3));
                statement.ports = {ports[in_.below(3)]};
                return HolderStated{statement};
            }
            default:
                ms_ += in_.byte() * 8;
                return TimePassed{};
        }
    }

    void restart() {
        ReservationAgentState state;
        for (const auto& [key, record] : drives_)
            state.drives.push_back(record);
        for (const auto& [key, record] : agents_)
            state.agents.push_back(record);
        for (const auto& [key, record] : debts_)
            state.debts.push_back(record);
        for (const auto& [key, alarm] : alarms_)
            state.active_alarms.push_back(alarm);
        agent_.emplace(sharing_, std::move(state), ++epoch_);
        last_ = {epoch_, 0};
        check(agent_->start(now()));
    }

    void check(const ReservationAgentEffects& effects) {
        bool acting = false;
        for (const auto& effect : effects) {
            if (const auto* ask = std::get_if<AskHolder>(&effect)) {
                AGENT_ASSERT(ask->inquiry.id.epoch == epoch_);
                asked_ = ask->inquiry.id;
                asked_about_ = ask->inquiry.drive;
            }
            const bool record = apply(effect);
            AGENT_ASSERT(!(record && acting));
            acting = acting || !record;
        }
        const auto wakeup = agent_->next_wakeup();
        AGENT_ASSERT(!wakeup || wakeup->ms > ms_);
        for (const auto& [key, debt] : debts_) {
            AGENT_ASSERT(debt.unconfirmed.size() <= 64);
        }
        (void)agent_->drives();
        (void)agent_->agents();
        (void)agent_->handshakes({ms_});
    }

    bool apply(const ReservationAgentEffect& effect) {
        if (const auto* drive = std::get_if<RecordDrive>(&effect)) {
            const DriveRecord& record = drive->record;
            const auto before = drives_.find(record.drive);
            const bool was_off = before != drives_.end() &&
                                 before->second.operational_state != OperationalState::online;
            if (record.operational_state == OperationalState::online) {
                AGENT_ASSERT(!was_off || cleared_.contains(record.drive));
            } else if (!was_off) {
                cleared_.erase(record.drive);
            }
            drives_[record.drive] = record;
            return true;
        }
        if (const auto* agent = std::get_if<RecordAgent>(&effect)) {
            agents_[agent->record.agent] = agent->record;
            return true;
        }
        if (const auto* debt = std::get_if<RecordDebt>(&effect)) {
            debts_[{debt->record.drive, debt->record.agent}] = debt->record;
            return true;
        }
        if (const auto* alarm = std::get_if<RecordAlarm>(&effect)) {
            AGENT_ASSERT(alarms_.contains(alarm->alarm.key) != alarm->active);
            alarms_.erase(alarm->alarm.key);
            if (alarm->active) alarms_.emplace(alarm->alarm.key, alarm->alarm);
            return true;
        }
        if (const auto* send = std::get_if<SendNotice>(&effect)) {
            const NoticeId id = send->notice.id;
            AGENT_ASSERT(id.epoch == epoch_);
            const auto [said, fresh] = said_.emplace(id, send->notice);
            AGENT_ASSERT(said->second == send->notice);
            if (fresh) last_ = id;
            const auto recorded = drives_.find(send->notice.drive);
            AGENT_ASSERT(recorded != drives_.end() && recorded->second.newest_notice >= id);
        }
        if (const auto* force = std::get_if<ForceDriveOffline>(&effect)) {
            AGENT_ASSERT(drives_.at(force->drive).operational_state != OperationalState::online);
        }
        return std::holds_alternative<RecordEvent>(effect);
    }

    Stream& in_;
    SharingConfiguration sharing_;
    std::optional<ReservationAgent> agent_;
    std::map<DriveSerial, DriveRecord> drives_;
    std::map<AgentName, AgentRecord> agents_;
    std::map<std::pair<DriveSerial, AgentName>, DebtRecord> debts_;
    std::map<AlarmKey, Alarm> alarms_;
    std::map<NoticeId, Notice> said_;
    std::set<DriveSerial> cleared_;
    NoticeId last_;
    NoticeId asked_;
    DriveSerial asked_about_;
    std::uint64_t epoch_ = 0;
    std::int64_t ms_ = 0;
};

// ---- the host
// -------------------------------------------------------------------------------------------------------

class Host {
  public:
    explicit Host(Stream& in) : in_(in) {
        host_.agent = "beta";
        host_.controllers = {"library-1", "library-2"};
        host_.drives = {serials[0], serials[1]};
        host_.ports = {ports[1]};
        host_.domain = in.below(2) == 0 ? "" : "archive";
        host_.observe_only = in.below(8) == 0;
        restart();
    }

    void run() {
        while (!in_.ended()) {
            const std::size_t what = in_.below(12);
            if (what == 11) {
                restart();
            } else if (what == 10) {
                host_.ports = {ports[in_.below(3)]};
                check(agent_->reconfigure(host_, now()));
            } else {
                check(agent_->step(input(what), now()));
            }
        }
    }

  private:
    [[nodiscard]] Now now() const { return {{ms_}, {ms_}}; }

    DriveSharingAgentInput input(std::size_t what) {
        const DriveSerial drive = serials[in_.below(3)];
        switch (what) {
            case 0:
            case 1:
            case 2: {
                Notice notice;
                notice.id = {in_.below(3), in_.below(32)};
                notice.controller = in_.below(4) == 0 ? "library-2" : "library-1";
                notice.drive = drive;
                notice.reservation = reservation_from(in_);
                notice.operational_state = static_cast<OperationalState>(in_.below(4));
                return NoticeArrived{notice};
            }
            case 3:
            case 4:
            case 5:
            case 6: {
                // Mostly the answer that is waited for.
                ApplicationAnswered answer{drive, {}, in_.below(4) != 0, {}, "detail"};
                answer.action = static_cast<ApplicationAction>(in_.below(3));
                const auto running = running_.find(drive);
                if (running != running_.end() && in_.below(8) != 0) answer.action = running->second;
                answer.state = static_cast<ApplicationDriveState>(in_.below(4));
                if (running != running_.end() && running->second == answer.action)
                    running_.erase(running);
                const bool cut_off = answer.action != ApplicationAction::query && in_.below(4) == 0;
                if (cut_off) answer.may_run_for = {static_cast<std::int64_t>(in_.below(40'000))};
                return answer;
            }
            case 7:
                if (in_.below(4) == 0) return ReconcileRequested{++life_};
                return PresenceAcknowledged{"library-1", in_.below(2) == 0};
            case 8:
                if (in_.below(8) == 0) return StopRequested{};
                wishes_.insert(drive);
                return OperatorSetDrive{drive, in_.below(2) == 0, "root"};
            default:
                ms_ += in_.byte() * 50;
                return AgentTimePassed{};
        }
    }

    void restart() {
        DriveSharingAgentState state;
        for (const auto& [key, entry] : ledger_)
            state.ledger.push_back(entry);
        for (const auto& [key, mark] : marks_)
            state.marks.push_back(mark);
        for (const auto& drive : online_may_come_)
            state.unseen.push_back({drive, ApplicationAction::set_online, {5'000}});
        running_.clear();
        stopped_ = false;
        agent_.emplace(host_, std::move(state), ++life_);
        check(agent_->start(now()));
    }

    void check(const DriveSharingAgentEffects& effects) {
        bool acting = false;
        for (const auto& effect : effects) {
            const bool record = apply(effect);
            AGENT_ASSERT(!(record && acting));
            acting = acting || !record;
        }
        const auto wakeup = agent_->next_wakeup();
        AGENT_ASSERT(!wakeup || wakeup->ms > ms_);
        (void)agent_->drives();
    }

    bool apply(const DriveSharingAgentEffect& effect) {
        if (const auto* entry = std::get_if<RecordLedgerEntry>(&effect)) {
            ledger_.erase(entry->entry.drive);
            if (entry->present) ledger_.emplace(entry->entry.drive, entry->entry);
            return true;
        }
        if (const auto* mark = std::get_if<RecordNoticeMark>(&effect)) {
            NoticeMark& newest = marks_[{mark->mark.controller, mark->mark.drive}];
            AGENT_ASSERT(!(mark->mark.id < newest.id));
            newest = mark->mark;
            return true;
        }
        if (const auto* online = std::get_if<RecordOnlineCommand>(&effect)) {
            online_may_come_.erase(online->drive);
            if (online->may_come) online_may_come_.insert(online->drive);
            return true;
        }
        if (const auto* run = std::get_if<RunApplication>(&effect)) {
            AGENT_ASSERT(running_.emplace(run->drive, run->action).second);  // one at a time
            if (run->action == ApplicationAction::set_online)
                AGENT_ASSERT(online_may_come_.contains(run->drive));
            const bool by_operator = wishes_.contains(run->drive);
            if (run->action != ApplicationAction::query && !by_operator) {
                AGENT_ASSERT(ledger_.contains(run->drive));
                AGENT_ASSERT(!host_.observe_only);
            }
        }
        if (const auto* send = std::get_if<SendConfirmation>(&effect)) {
            const Confirmation& confirmation = send->confirmation;
            if (confirmation.result != ConfirmationResult::not_connected) {
                const auto mark = marks_.find({confirmation.controller, confirmation.drive});
                AGENT_ASSERT(mark != marks_.end() && !(mark->second.id < confirmation.id));
            }
            AGENT_ASSERT(confirmation.detail.size() <= 200);
        }
        if (std::holds_alternative<StopNow>(effect)) AGENT_ASSERT(!std::exchange(stopped_, true));
        return std::holds_alternative<RecordAgentEvent>(effect);
    }

    Stream& in_;
    HostConfiguration host_;
    std::optional<DriveSharingAgent> agent_;
    std::map<DriveSerial, LedgerEntry> ledger_;
    std::map<std::pair<ControllerName, DriveSerial>, NoticeMark> marks_;
    std::map<DriveSerial, ApplicationAction> running_;
    std::set<DriveSerial> online_may_come_;
    std::set<DriveSerial> wishes_;
    bool stopped_ = false;
    std::uint64_t life_ = 0;
    std::int64_t ms_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Stream in(data, size);
    if (in.byte() % 2 == 0) {
        Controller(in).run();
    } else {
        Host(in).run();
    }
    return 0;
}
