#include "agent/pair/pair_message.hpp"

#include <algorithm>
#include <optional>

namespace agent::pair {
namespace {

// 2: heartbeats, leases and keys are bound to a life of the node's program.
constexpr std::string_view message_version = "2";
constexpr std::string_view kept_version = "1";
// Far more than any configuration may say.
constexpr std::uint64_t dead_after_ms_max = 86'400'000;
constexpr std::string_view hexadecimal = "0123456789ABCDEF";

bool stands_for_itself(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.' ||
           letter == ':' || letter == '/' || letter == ',';
}

// ---- writing

class WordWriter {
  public:
    explicit WordWriter(std::string_view kind, std::string_view version = message_version)
        : line_(version) {
        word(kind);
    }

    void word(std::string_view text) {
        line_ += ' ';
        line_ += text;
    }
    void number(std::uint64_t value) { word(std::to_string(value)); }
    void flag(bool value) { word(value ? "yes" : "no"); }
    void text(std::string_view value) {
        line_ += " =";
        for (const char letter : value) {
            if (stands_for_itself(letter)) {
                line_ += letter;
                continue;
            }
            const auto byte = static_cast<unsigned char>(letter);
            line_ += '%';
            line_ += hexadecimal[byte >> 4U];
            line_ += hexadecimal[byte & 15U];
        }
    }
    [[nodiscard]] std::string line() && { return std::move(line_); }

  private:
    std::string line_;
};

// ---- reading: after the first fault nothing is read any more

class WordReader {
  public:
    explicit WordReader(std::string_view line) : rest_(line) {
        if (line.size() > pair_message_bytes_max) fail("the line", "is too long");
    }

    std::string_view word(std::string_view what) {
        if (error_) return {};
        if (ended_) {
            fail(what, "is missing");
            return {};
        }
        const auto space = rest_.find(' ');
        const auto found = rest_.substr(0, space);
        if (space == std::string_view::npos) {
            ended_ = true;
            rest_ = {};
        } else {
            rest_.remove_prefix(space + 1);
        }
        if (found.empty()) fail(what, "is empty");
        return found;
    }
    std::uint64_t number(std::string_view what, std::uint64_t at_most = UINT64_MAX) {
        const auto digits = word(what);
        if (error_) return 0;
        std::uint64_t value = 0;
        const bool leading_zero = digits.size() > 1 && digits.front() == '0';
        for (const char digit : digits) {
            if (digit < '0' || digit > '9' || leading_zero) {
                fail(what, "is no whole number");
                return 0;
            }
            const auto unit = static_cast<std::uint64_t>(digit - '0');
            if (value > (UINT64_MAX - unit) / 10) {
                fail(what, "is too large");
                return 0;
            }
            value = value * 10 + unit;
        }
        if (value > at_most) fail(what, "is too large");
        return error_ ? 0 : value;
    }
    bool flag(std::string_view what) {
        const auto found = word(what);
        if (!error_ && found != "yes" && found != "no") fail(what, "is neither yes nor no");
        return found == "yes";
    }
    std::string text(std::string_view what, std::size_t bytes_max) {
        auto encoded = word(what);
        if (error_) return {};
        if (encoded.front() != '=') {
            fail(what, "is no text");
            return {};
        }
        encoded.remove_prefix(1);
        std::string value;
        for (std::size_t at = 0; at < encoded.size(); ++at) {
            if (stands_for_itself(encoded[at])) {
                value += encoded[at];
                continue;
            }
            const auto high = at + 2 < encoded.size() ? hexadecimal.find(encoded[at + 1])
                                                      : std::string_view::npos;
            const auto low = high != std::string_view::npos ? hexadecimal.find(encoded[at + 2])
                                                            : std::string_view::npos;
            if (encoded[at] != '%' || low == std::string_view::npos) {
                fail(what, "is not encoded as a text has to be");
                return {};
            }
            const char letter = static_cast<char>(high * 16 + low);
            if (stands_for_itself(letter)) {
                fail(what, "encodes a letter that stands for itself");
                return {};
            }
            value += letter;
            at += 2;
        }
        if (value.size() > bytes_max) fail(what, "is too long");
        return error_ ? std::string{} : value;
    }
    template <typename Enumeration>
    Enumeration one_of(std::string_view what, std::uint64_t count) {
        const auto value = number(what, count - 1);
        return static_cast<Enumeration>(value);
    }
    void end() {
        if (!error_ && !ended_) fail("the end", "is followed by something");
    }
    void fail(std::string_view what, std::string_view why) {
        if (!error_) error_ = std::string(what) + ' ' + std::string(why);
    }
    [[nodiscard]] const std::optional<std::string>& error() const { return error_; }

  private:
    std::string_view rest_;
    bool ended_ = false;
    std::optional<std::string> error_;
};

template <typename Enumeration>
std::uint64_t number_on_wire(Enumeration value) {
    return static_cast<std::uint64_t>(value);
}

// ---- the parts, each written and read in the same order

void write(WordWriter& to, const Ballot& ballot) {
    to.number(ballot.counter);
    to.number(index_of(ballot.node));
}
Ballot read_ballot(WordReader& from) {
    Ballot ballot;
    ballot.counter = from.number("ballot counter");
    ballot.node = from.one_of<Node>("ballot node", 2);
    return ballot;
}

void write(WordWriter& to, const LogPosition& position) {
    to.number(position.timeline);
    to.number(position.lsn);
}
LogPosition read_position(WordReader& from) {
    LogPosition position;
    position.timeline = from.number("timeline");
    position.lsn = from.number("log position");
    return position;
}

void write(WordWriter& to, const std::vector<AgentName>& names) {
    to.number(names.size());
    for (const auto& name : names) {
        to.text(name);
    }
}
std::vector<AgentName> read_names(WordReader& from, std::string_view what) {
    std::vector<AgentName> names;
    const auto count = from.number(what, voters_max);
    for (std::uint64_t index = 0; index < count && !from.error(); ++index) {
        names.push_back(from.text(what, pair_name_bytes_max));
        const bool ascending = names.size() < 2 || names[names.size() - 2] < names.back();
        if (!ascending) from.fail(what, "are not in ascending order");
    }
    return names;
}

void write(WordWriter& to, const RegisterValue& value) {
    to.text(value.cluster);
    to.number(value.epoch);
    to.number(number_on_wire(value.relation));
    to.number(index_of(value.primary));
    to.number(value.least_epoch);
    write(to, value.voters);
    to.number(value.threshold);
}
RegisterValue read_value(WordReader& from) {
    RegisterValue value;
    value.cluster = from.text("cluster", pair_name_bytes_max);
    value.epoch = from.number("epoch");
    value.relation = from.one_of<Relation>("relation", 2);
    value.primary = from.one_of<Node>("primary", 2);
    value.least_epoch = from.number("least epoch");
    value.voters = read_names(from, "voters");
    value.threshold = static_cast<std::uint32_t>(from.number("threshold", voters_max));
    return value;
}

void write(WordWriter& to, const Register& value) {
    write(to, value.promised);
    write(to, value.accepted);
    write(to, value.value);
}
Register read_register(WordReader& from) {
    Register value;
    value.promised = read_ballot(from);
    value.accepted = read_ballot(from);
    value.value = read_value(from);
    return value;
}

void write(WordWriter& to, const KeyId& id) {
    to.number(id.epoch);
    to.number(id.counter);
    to.text(id.issuer);
}
KeyId read_key_id(WordReader& from) {
    KeyId id;
    id.epoch = from.number("key epoch");
    id.counter = from.number("key counter");
    id.issuer = from.text("key issuer", pair_name_bytes_max);
    return id;
}

void write(WordWriter& to, const ShutdownKey& key) {
    write(to, key.id);
    to.text(key.cluster);
    to.number(number_on_wire(key.subject));
    to.number(number_on_wire(key.mode));
    to.text(key.actor);
    to.text(key.reason);
    to.number(static_cast<std::uint64_t>(key.at.ms));
    to.number(key.remaining ? 1 + index_of(*key.remaining) : 0);
    write(to, key.register_value);
    for (const auto& departure : key.departures) {
        to.flag(departure.out);
        to.flag(departure.clean);
        write(to, departure.position);
        to.number(departure.open_claims);
    }
    write(to, key.stored_at);
}
ShutdownKey read_key(WordReader& from) {
    ShutdownKey key;
    key.id = read_key_id(from);
    key.cluster = from.text("cluster", pair_name_bytes_max);
    key.subject = from.one_of<Subject>("subject", 3);
    key.mode = from.one_of<ShutdownMode>("mode", shutdown_mode_count);
    key.actor = from.text("actor", key_text_bytes_max);
    key.reason = from.text("reason", key_text_bytes_max);
    key.at.ms = static_cast<std::int64_t>(from.number("time", INT64_MAX));
    const auto remaining = from.number("remaining", 2);
    if (remaining != 0) key.remaining = remaining == 1 ? Node::first : Node::second;
    key.register_value = read_value(from);
    for (auto& departure : key.departures) {
        departure.out = from.flag("out");
        departure.clean = from.flag("clean");
        departure.position = read_position(from);
        departure.open_claims = static_cast<std::uint32_t>(from.number("open claims", UINT32_MAX));
    }
    key.stored_at = read_names(from, "stored at");
    return key;
}

void write(WordWriter& to, const BallotAnswer& answer) {
    to.text(answer.agent);
    to.text(answer.instance);
    to.number(answer.changes);
    to.number(number_on_wire(answer.round));
    write(to, answer.ballot);
    to.flag(answer.granted);
    to.number(number_on_wire(answer.objection));
    write(to, answer.promised);
    write(to, answer.accepted);
    to.flag(answer.value.has_value());
    if (answer.value) write(to, *answer.value);
}
BallotAnswer read_answer(WordReader& from) {
    BallotAnswer answer;
    answer.agent = from.text("agent", pair_name_bytes_max);
    answer.instance = from.text("instance", pair_name_bytes_max);
    answer.changes = from.number("changes");
    answer.round = from.one_of<BallotAnswer::Round>("round", 2);
    answer.ballot = read_ballot(from);
    answer.granted = from.flag("granted");
    answer.objection = from.one_of<Objection>("objection", objection_count);
    answer.promised = read_ballot(from);
    answer.accepted = read_ballot(from);
    if (from.flag("has a value")) answer.value = read_value(from);
    return answer;
}

// ---- the messages

struct Writing {
    std::string operator()(const PromiseRequest& request) const {
        WordWriter to("promise");
        to.text(request.cluster);
        write(to, request.ballot);
        to.number(number_on_wire(request.wish));
        to.number(index_of(request.candidate.node));
        to.number(request.candidate.epoch);
        write(to, request.candidate.position);
        return std::move(to).line();
    }
    std::string operator()(const AcceptRequest& request) const {
        WordWriter to("accept");
        write(to, request.ballot);
        to.number(number_on_wire(request.wish));
        write(to, request.value);
        return std::move(to).line();
    }
    std::string operator()(const BallotAnswer& answer) const {
        WordWriter to("answer");
        write(to, answer);
        return std::move(to).line();
    }
    std::string operator()(const DecisionTold& told) const {
        WordWriter to("decision");
        to.number(index_of(told.candidate));
        write(to, told.decision);
        return std::move(to).line();
    }
    std::string operator()(const KeyPass& pass) const {
        WordWriter to("key");
        to.number(pass.life);
        to.number(pass.sequence);
        write(to, pass.key);
        return std::move(to).line();
    }
    std::string operator()(const CommandPass& pass) const {
        WordWriter to("command");
        write(to, pass.key);
        return std::move(to).line();
    }
    std::string operator()(const KeyKept& kept) const {
        WordWriter to("kept");
        write(to, kept.key);
        return std::move(to).line();
    }
    std::string operator()(const Heartbeat& heartbeat) const {
        WordWriter to("heartbeat");
        to.number(heartbeat.life);
        to.number(heartbeat.sequence);
        to.flag(heartbeat.serves);
        to.number(number_on_wire(heartbeat.state));
        to.number(heartbeat.data.epoch);
        to.number(number_on_wire(heartbeat.data.relation));
        to.number(index_of(heartbeat.data.primary));
        write(to, heartbeat.data.position);
        to.number(number_on_wire(heartbeat.data.standby));
        to.flag(heartbeat.data.receives);
        return std::move(to).line();
    }
    std::string operator()(const LeaseAnswer& lease) const {
        WordWriter to("lease");
        to.number(lease.life);
        to.number(lease.sequence);
        to.flag(lease.granted);
        to.number(static_cast<std::uint64_t>(lease.dead_after.ms));
        return std::move(to).line();
    }
    std::string operator()(const Enrolment& enrolment) const {
        WordWriter to("enrol");
        write(to, enrolment.beginning);
        return std::move(to).line();
    }
};

PairMessage read_message(std::string_view kind, WordReader& from) {
    if (kind == "promise") {
        PromiseRequest request;
        request.cluster = from.text("cluster", pair_name_bytes_max);
        request.ballot = read_ballot(from);
        request.wish = from.one_of<Wish>("wish", 4);
        request.candidate.node = from.one_of<Node>("candidate", 2);
        request.candidate.epoch = from.number("epoch");
        request.candidate.position = read_position(from);
        return request;
    }
    if (kind == "accept") {
        AcceptRequest request;
        request.ballot = read_ballot(from);
        request.wish = from.one_of<Wish>("wish", 4);
        request.value = read_value(from);
        return request;
    }
    if (kind == "answer") return read_answer(from);
    if (kind == "decision") {
        DecisionTold told;
        told.candidate = from.one_of<Node>("candidate", 2);
        told.decision = read_answer(from);
        return told;
    }
    if (kind == "key") {
        KeyPass pass;
        pass.life = from.number("life");
        pass.sequence = from.number("sequence");
        pass.key = read_key(from);
        return pass;
    }
    if (kind == "command") return CommandPass{read_key(from)};
    if (kind == "kept") return KeyKept{read_key_id(from)};
    if (kind == "heartbeat") {
        Heartbeat heartbeat;
        heartbeat.life = from.number("life");
        heartbeat.sequence = from.number("sequence");
        heartbeat.serves = from.flag("serves");
        heartbeat.state = from.one_of<NodeState>("state", node_state_count);
        heartbeat.data.epoch = from.number("epoch");
        heartbeat.data.relation = from.one_of<Relation>("relation", 2);
        heartbeat.data.primary = from.one_of<Node>("primary", 2);
        heartbeat.data.position = read_position(from);
        heartbeat.data.standby = from.one_of<DataSeen::Standby>("standby", 3);
        heartbeat.data.receives = from.flag("receives");
        return heartbeat;
    }
    if (kind == "lease") {
        LeaseAnswer lease;
        lease.life = from.number("life");
        lease.sequence = from.number("sequence");
        lease.granted = from.flag("granted");
        lease.dead_after.ms =
            static_cast<std::int64_t>(from.number("time until dead", dead_after_ms_max));
        return lease;
    }
    if (kind == "enrol") return Enrolment{read_register(from)};
    from.fail("the kind of message", "is none that is known");
    return LeaseAnswer{};
}

core::Error broken(const WordReader& reader) {
    return {"message of the pair: " + *reader.error()};
}

std::string_view read_beginning(WordReader& from) {
    if (from.word("version") != message_version) {
        from.fail(
            "the version",
            "is another one than this program's: all nodes and voting agents of a pair have to "
            "run the same release (docs/PAIR.md, Upgrades)");
    }
    return from.word("the kind of message");
}

std::string_view read_kept_beginning(WordReader& from) {
    if (from.word("version") != kept_version) from.fail("the version", "is not known");
    return from.word("the kind of record");
}

}  // namespace

std::string encode(const PairMessage& message) {
    return std::visit(Writing{}, message);
}

core::Result<PairMessage> decode(std::string_view line) {
    WordReader from(line);
    const auto kind = read_beginning(from);
    PairMessage message = read_message(kind, from);
    from.end();
    if (from.error()) return broken(from);
    return message;
}

std::string encode(const Register& value) {
    WordWriter to("register", kept_version);
    write(to, value);
    return std::move(to).line();
}

core::Result<Register> decode_register(std::string_view line) {
    WordReader from(line);
    if (read_kept_beginning(from) != "register") from.fail("the line", "is no register");
    Register value = read_register(from);
    from.end();
    if (from.error()) return broken(from);
    return value;
}

std::string encode(const ShutdownKey& key) {
    WordWriter to("key", kept_version);
    write(to, key);
    return std::move(to).line();
}

core::Result<ShutdownKey> decode_key(std::string_view line) {
    WordReader from(line);
    if (read_kept_beginning(from) != "key") from.fail("the line", "is no shutdown key");
    ShutdownKey key = read_key(from);
    from.end();
    if (from.error()) return broken(from);
    return key;
}

}  // namespace agent::pair
