#include "snmp_mib/usm_users.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/key_file.hpp"

namespace snmp_mib {

namespace {

std::span<oid> oid_of(AuthenticationProtocol protocol) {
    switch (protocol) {
        case AuthenticationProtocol::sha256:
            return usmHMAC192SHA256AuthProtocol;
        case AuthenticationProtocol::sha384:
            return usmHMAC256SHA384AuthProtocol;
        case AuthenticationProtocol::sha512:
            return usmHMAC384SHA512AuthProtocol;
    }
    return {};
}

std::size_t hash_length(AuthenticationProtocol protocol) {
    switch (protocol) {
        case AuthenticationProtocol::sha256:
            return 32;
        case AuthenticationProtocol::sha384:
            return 48;
        case AuthenticationProtocol::sha512:
            return 64;
    }
    return 0;
}

std::span<oid> oid_of(PrivacyProtocol protocol) {
    switch (protocol) {
        case PrivacyProtocol::aes128:
            return {usmAESPrivProtocol, OID_LENGTH(usmAESPrivProtocol)};
        case PrivacyProtocol::aes256:
            return usmAES256PrivProtocol;
    }
    return {};
}

std::size_t key_length(PrivacyProtocol protocol) {
    switch (protocol) {
        case PrivacyProtocol::aes128:
            return 16;
        case PrivacyProtocol::aes256:
            return 32;
    }
    return 0;
}

const u_char* bytes_of(const std::string& text) {
    return reinterpret_cast<const u_char*>(text.data());
}

void wipe(std::string& text) {
    explicit_bzero(text.data(), text.size());
}

// A password becomes a key by hashing a megabyte (RFC 3414 A.2); agents that share one share the
// work.
agent::core::Result<std::string> derive(AuthenticationProtocol protocol,
                                        const std::string& passphrase) {
    static std::map<std::pair<AuthenticationProtocol, std::string>, std::string> derived;
    const auto key = std::make_pair(protocol, passphrase);
    if (const auto known = derived.find(key); known != derived.end()) return known->second;
    const std::span<oid> hash = oid_of(protocol);
    std::array<u_char, USM_LENGTH_KU_HASHBLOCK> master{};
    std::size_t length = master.size();
    if (generate_Ku(hash.data(), static_cast<u_int>(hash.size()), bytes_of(passphrase),
                    passphrase.size(), master.data(), &length) != SNMPERR_SUCCESS ||
        length != hash_length(protocol)) {
        return agent::core::Error{"the SNMP library could not derive a key from the passphrase"};
    }
    std::string result(master.begin(), master.begin() + static_cast<std::ptrdiff_t>(length));
    explicit_bzero(master.data(), master.size());
    derived[key] = result;
    return result;
}

agent::core::Result<std::string> load_master(const std::string& path,
                                             AuthenticationProtocol protocol) {
    agent::core::Result<KeyFileContent> content = read_key_file(path);
    if (!content) return content.error();
    if (const auto* passphrase = std::get_if<Passphrase>(&*content)) {
        return derive(protocol, passphrase->text);
    }
    const std::string& master = std::get<MasterKey>(*content).bytes;
    if (master.size() != hash_length(protocol)) {
        return agent::core::Error{path + ": a master key for this hash has " +
                                  std::to_string(hash_length(protocol)) + " bytes, not " +
                                  std::to_string(master.size())};
    }
    return master;
}

void* duplicate(const void* bytes, std::size_t size) {
    void* copy = std::malloc(size);
    if (copy != nullptr) std::memcpy(copy, bytes, size);
    return copy;
}

// Kul = hash(Ku, engine ID, Ku) (RFC 3414 A.2), in a buffer that the library will own.
bool localize(const UsmUserKeys& user, const std::string& master, const std::string& engine_id,
              u_char** key, std::size_t* length) {
    const std::span<oid> hash = oid_of(user.authentication);
    *length = USM_LENGTH_KU_HASHBLOCK;
    *key = static_cast<u_char*>(std::calloc(1, USM_LENGTH_KU_HASHBLOCK));
    return *key != nullptr && generate_kul(hash.data(), static_cast<u_int>(hash.size()),
                                           bytes_of(engine_id), engine_id.size(), bytes_of(master),
                                           master.size(), *key, length) == SNMPERR_SUCCESS;
}

// Engine ID and name as one text; an engine ID has at most 32 bytes.
std::string user_on_engine(const std::string& engine_id, const std::string& name) {
    std::string key;
    key.reserve(1 + engine_id.size() + name.size());
    key += static_cast<char>(engine_id.size());
    return key.append(engine_id).append(name);
}

struct KnownUser {
    usmUser* library;
    AuthenticationProtocol authentication;
    PrivacyProtocol privacy;
    std::unique_ptr<UserAtEngine> ready;  // made when it is first asked for
};

struct UserBook {
    std::unordered_map<std::string, KnownUser> users;  // ours, in the library's list or not
    usmUser* shown = nullptr;                          // the one that is
    bool all_shown = false;
};

UserBook& user_book() {
    // Never destroyed: the library's list points to the users, and OpenSSL may have ended before.
    static UserBook& book = *new UserBook;
    return book;
}

void hide_shown_user(UserBook& book) {
    if (book.shown != nullptr) usm_remove_user(book.shown);
    book.shown = nullptr;
}

}  // namespace

UsmUserKeys::~UsmUserKeys() {
    wipe(authentication_master);
    wipe(privacy_master);
}

agent::core::Result<UsmUserKeys> load_user(const UsmUserConfiguration& user) {
    const std::string context = "SNMP user \"" + user.name + "\"";
    if (user.name.empty() || user.name.size() > 32) {
        return agent::core::Error{context + ": a user name has 1 to 32 bytes"};
    }
    UsmUserKeys keys;
    keys.name = user.name;
    keys.authentication = user.authentication;
    keys.privacy = user.privacy;
    agent::core::Result<std::string> authentication =
        load_master(user.authentication_key_file, user.authentication);
    if (!authentication) return authentication.error().within(context);
    agent::core::Result<std::string> privacy =
        load_master(user.privacy_key_file, user.authentication);
    if (!privacy) return privacy.error().within(context);
    keys.authentication_master = std::move(authentication).value();
    keys.privacy_master = std::move(privacy).value();
    return keys;
}

agent::core::Outcome add_user(const UsmUserKeys& keys, const std::string& engine_id) {
    const agent::core::Error failure{"SNMP user \"" + keys.name +
                                     "\" could not be set up for engine " +
                                     to_hexadecimal(engine_id)};
    const std::span<oid> authentication = oid_of(keys.authentication);
    const std::span<oid> privacy = oid_of(keys.privacy);
    usmUser* user = usm_create_user();
    if (user == nullptr) return failure;
    std::free(user->authProtocol);
    std::free(user->privProtocol);
    user->name = ::strdup(keys.name.c_str());
    user->secName = ::strdup(keys.name.c_str());
    user->engineID = static_cast<u_char*>(duplicate(engine_id.data(), engine_id.size()));
    user->engineIDLen = engine_id.size();
    user->authProtocol =
        static_cast<oid*>(duplicate(authentication.data(), authentication.size_bytes()));
    user->authProtocolLen = authentication.size();
    user->privProtocol = static_cast<oid*>(duplicate(privacy.data(), privacy.size_bytes()));
    user->privProtocolLen = privacy.size();
    user->userStatus = SNMP_ROW_ACTIVE;
    user->userStorageType = SNMP_STORAGE_READONLY;
    const bool complete =
        user->name != nullptr && user->secName != nullptr && user->engineID != nullptr &&
        user->authProtocol != nullptr && user->privProtocol != nullptr &&
        localize(keys, keys.authentication_master, engine_id, &user->authKey, &user->authKeyLen) &&
        localize(keys, keys.privacy_master, engine_id, &user->privKey, &user->privKeyLen) &&
        usm_extend_user_kul(user, USM_LENGTH_KU_HASHBLOCK) == SNMPERR_SUCCESS &&
        user->privKeyLen >= key_length(keys.privacy);
    if (!complete) {
        usm_free_user(user);
        return failure;
    }
    remove_user(keys.name, engine_id);
    UserBook& book = user_book();
    book.users.emplace(user_on_engine(engine_id, keys.name),
                       KnownUser{user, keys.authentication, keys.privacy, nullptr});
    if (book.all_shown) usm_add_user(user);
    return agent::core::Nothing{};
}

bool is_authentic(const UsmUserKeys& user, const V3Envelope& envelope,
                  std::span<const std::uint8_t> datagram) {
    const std::size_t end = envelope.authentication_at + envelope.authentication_length;
    if (!envelope.authenticated || envelope.authentication_length == 0 || end > datagram.size())
        return false;
    const std::span<oid> hash = oid_of(user.authentication);
    std::array<u_char, USM_LENGTH_KU_HASHBLOCK> key{};
    std::size_t length = key.size();
    const std::string& engine = envelope.authoritative_engine_id;
    if (generate_kul(hash.data(), static_cast<u_int>(hash.size()), bytes_of(engine), engine.size(),
                     bytes_of(user.authentication_master), user.authentication_master.size(),
                     key.data(), &length) != SNMPERR_SUCCESS)
        return false;
    // The digest is that of the message with zeros in its place.
    std::vector<u_char> message(datagram.begin(), datagram.end());
    const auto place = message.begin() + static_cast<std::ptrdiff_t>(envelope.authentication_at);
    const std::vector<u_char> digest(
        place, place + static_cast<std::ptrdiff_t>(envelope.authentication_length));
    std::fill_n(place, digest.size(), u_char{0});
    const int verdict = sc_check_keyed_hash(
        hash.data(), hash.size(), key.data(), static_cast<u_int>(length), message.data(),
        static_cast<u_int>(message.size()), digest.data(), static_cast<u_int>(digest.size()));
    explicit_bzero(key.data(), key.size());
    return verdict == SNMPERR_SUCCESS;
}

void remove_user(const std::string& name, const std::string& engine_id) {
    UserBook& book = user_book();
    const auto found = book.users.find(user_on_engine(engine_id, name));
    if (found == book.users.end()) return;
    usmUser* user = found->second.library;
    if (book.all_shown) usm_remove_user(user);
    if (book.shown == user) hide_shown_user(book);
    book.users.erase(found);
    usm_free_user(user);
}

UserAtEngine* find_user(const std::string& name, const std::string& engine_id) {
    UserBook& book = user_book();
    const auto found = book.users.find(user_on_engine(engine_id, name));
    if (found == book.users.end()) return nullptr;
    KnownUser& user = found->second;
    if (user.ready == nullptr) {
        auto seal = MessageSeal::with(
            user.authentication, ber::Bytes(user.library->authKey, user.library->authKeyLen),
            user.privacy, ber::Bytes(user.library->privKey, user.library->privKeyLen));
        if (seal == nullptr) return nullptr;
        user.ready =
            std::make_unique<UserAtEngine>(UserAtEngine{std::move(seal), EngineClock(engine_id)});
    }
    return user.ready.get();
}

void show_user(const std::string& name, const std::string& engine_id) {
    UserBook& book = user_book();
    if (book.all_shown) return;
    const auto found = book.users.find(user_on_engine(engine_id, name));
    usmUser* wanted = found == book.users.end() ? nullptr : found->second.library;
    if (wanted == book.shown) return;
    hide_shown_user(book);
    if (wanted != nullptr) usm_add_user(wanted);
    book.shown = wanted;
}

void show_all_users() {
    UserBook& book = user_book();
    if (std::exchange(book.all_shown, true)) return;
    hide_shown_user(book);
    for (const auto& [name, user] : book.users)
        usm_add_user(user.library);
}

}  // namespace snmp_mib
