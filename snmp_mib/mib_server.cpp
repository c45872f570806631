#include "snmp_mib/mib_server.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/udp_address.hpp"
#include "snmp_mib/usm_users.hpp"

// Exported by the agent library, in none of its installed headers: makes it understand "rouser".
extern "C" void init_vacm_conf(void);

namespace snmp_mib {

namespace {

using Clock = std::chrono::steady_clock;

// The container orders rows by the index that a row begins with.
struct ServedRow {
    netsnmp_index index{};
    std::vector<oid> subidentifiers;
    std::vector<VarbindValue> columns;
};

void free_row(void* row, void* /*context*/) {
    delete static_cast<ServedRow*>(row);
}

void set_value(netsnmp_variable_list* variable, const VarbindValue& value) {
    const auto set = [&](u_char type, const void* bytes, std::size_t size) {
        snmp_set_var_typed_value(variable, type, bytes, size);
    };
    if (const auto* integer = std::get_if<Integer32>(&value)) {
        const long number = integer->value;
        set(ASN_INTEGER, &number, sizeof number);
    } else if (const auto* natural = std::get_if<Unsigned32>(&value)) {
        const u_long number = natural->value;
        set(ASN_UNSIGNED, &number, sizeof number);
    } else if (const auto* ticks = std::get_if<TimeTicks>(&value)) {
        const u_long number = ticks->value;
        set(ASN_TIMETICKS, &number, sizeof number);
    } else if (const auto* big = std::get_if<Counter64>(&value)) {
        counter64 number{};
        number.high = static_cast<u_long>(big->value >> 32U);
        number.low = static_cast<u_long>(big->value & 0xffff'ffffU);
        set(ASN_COUNTER64, &number, sizeof number);
    } else if (const auto* octets = std::get_if<OctetString>(&value)) {
        set(ASN_OCTET_STR, octets->bytes.data(), octets->bytes.size());
    } else if (const auto* object = std::get_if<Oid>(&value)) {
        const std::vector<oid> subidentifiers(object->begin(), object->end());
        set(ASN_OBJECT_ID, subidentifiers.data(), subidentifiers.size() * sizeof(oid));
    }
}

int answer_table(netsnmp_mib_handler* /*handler*/, netsnmp_handler_registration* registration,
                 netsnmp_agent_request_info* info, netsnmp_request_info* requests) noexcept {
    if (info->mode != MODE_GET) return SNMP_ERR_NOERROR;
    const auto* shape = static_cast<const MibTableShape*>(registration->my_reg_void);
    for (netsnmp_request_info* request = requests; request != nullptr; request = request->next) {
        const auto* row =
            static_cast<const ServedRow*>(netsnmp_container_table_row_extract(request));
        const netsnmp_table_request_info* table = netsnmp_extract_table_info(request);
        if (row == nullptr || table == nullptr || table->colnum < shape->first_column ||
            table->colnum > shape->last_column) {
            netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
            continue;
        }
        set_value(request->requestvb, row->columns[table->colnum - shape->first_column]);
    }
    return SNMP_ERR_NOERROR;
}

// A scalar's value is asked for when it is read: some of them are ages.
using ScalarValue = std::function<VarbindValue()>;

int answer_scalar(netsnmp_mib_handler* /*handler*/, netsnmp_handler_registration* registration,
                  netsnmp_agent_request_info* info, netsnmp_request_info* requests) noexcept {
    if (info->mode != MODE_GET) return SNMP_ERR_NOERROR;
    set_value(requests->requestvb, (*static_cast<const ScalarValue*>(registration->my_reg_void))());
    return SNMP_ERR_NOERROR;
}

std::vector<oid> library_oid(const Oid& value) {
    return {value.begin(), value.end()};
}

void remember(std::string line) {
    netsnmp_config_remember(line.data());
}

TimeTicks ticks_since(Clock::time_point at) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - at);
    return {static_cast<std::uint32_t>(passed.count() / 10)};
}

}  // namespace

struct MibServer::Tables {
    std::array<netsnmp_container*, mib_table_count> containers{};
    std::vector<VarbindValue> scalars;
    std::vector<std::unique_ptr<ScalarValue>>
        scalar_values;  // at addresses that registrations keep
    Clock::time_point started_at = Clock::now();
    Clock::time_point fed_at = Clock::now();

    bool register_table(std::size_t which);
    bool register_scalar(const Oid& name, ScalarValue value);
    bool register_all();
};

bool MibServer::Tables::register_table(std::size_t which) {
    const MibTableShape& shape = mib_tables().at(which);
    const std::vector<oid> root = library_oid(oids::of(shape.table));
    netsnmp_handler_registration* registration = netsnmp_create_handler_registration(
        shape.name, &answer_table, root.data(), root.size(), HANDLER_CAN_RONLY);
    auto* table = SNMP_MALLOC_TYPEDEF(netsnmp_table_registration_info);
    containers.at(which) = netsnmp_container_find("table_container");
    if (registration == nullptr || table == nullptr || containers.at(which) == nullptr)
        return false;
    registration->my_reg_void = const_cast<MibTableShape*>(&shape);
    for (const bool text : shape.text_index) {
        snmp_varlist_add_variable(&table->indexes, nullptr, 0, text ? ASN_OCTET_STR : ASN_UNSIGNED,
                                  nullptr, 0);
    }
    table->min_column = shape.first_column;
    table->max_column = shape.last_column;
    return netsnmp_container_table_register(registration, table, containers.at(which),
                                            TABLE_CONTAINER_KEY_NETSNMP_INDEX) == SNMPERR_SUCCESS;
}

bool MibServer::Tables::register_scalar(const Oid& name, ScalarValue value) {
    scalar_values.push_back(std::make_unique<ScalarValue>(std::move(value)));
    const std::vector<oid> where = library_oid(name);
    netsnmp_handler_registration* registration = netsnmp_create_handler_registration(
        "scalar", &answer_scalar, where.data(), where.size(), HANDLER_CAN_RONLY);
    if (registration == nullptr) return false;
    registration->my_reg_void = scalar_values.back().get();
    return netsnmp_register_scalar(registration) == SNMPERR_SUCCESS;
}

bool MibServer::Tables::register_all() {
    bool good = true;
    for (std::size_t i = 0; i < mib_table_count; ++i)
        good = good && register_table(i);
    constexpr auto last_fed = static_cast<std::uint32_t>(oids::Scalar::messages_refused);
    for (std::uint32_t i = 1; i <= last_fed; ++i) {
        good = good && register_scalar(oids::of(static_cast<oids::Scalar>(i)), [this, i] {
                   return i <= scalars.size() ? scalars[i - 1] : OctetString{};
               });
    }
    good = good && register_scalar(oids::of(oids::Scalar::snapshot_age),
                                   [this] { return Unsigned32{ticks_since(fed_at).value * 10}; });
    // What managers ask everybody (SNMPv2-MIB, system): the library's own system group is left out.
    const Oid system{1, 3, 6, 1, 2, 1, 1};
    good = good && register_scalar(oids::below(system, {1}),
                                   [] { return OctetString{"library reservation agent"}; });
    good = good && register_scalar(oids::below(system, {2}), [] { return oids::module_root; });
    good = good &&
           register_scalar(oids::below(system, {3}), [this] { return ticks_since(started_at); });
    good = good && register_scalar(oids::below(system, {5}),
                                   [this] { return scalars.empty() ? OctetString{} : scalars[0]; });
    return good;
}

MibServer::MibServer() : tables_(std::make_unique<Tables>()) {}
MibServer::~MibServer() = default;

agent::core::Result<std::unique_ptr<MibServer>> MibServer::open(
    const MibServerConfiguration& configuration, std::function<void(const std::string&)> log) {
    const agent::core::Result<UdpAddress> listen = udp_address_from_text(configuration.listen);
    if (!listen) return listen.error().within("snmp.mib_listen");
    agent::core::Result<EngineIdentity> identity =
        next_engine_identity(configuration.state_dir, "");
    if (!identity) return identity.error();
    const auto prepared =
        prepare_snmp_library({"lra-mibd", configuration.state_dir, *identity, std::move(log)});
    if (!prepared) return prepared.error();

    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_PORTS,
                          configuration.listen.c_str());
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID,
                           NETSNMP_DS_AGENT_DONT_LOG_TCPWRAPPERS_CONNECTS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_V1, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_V2c, 1);
    // Debian's library would listen for SMUX on every interface, port 199 of TCP.
    std::string no_smux = "-smux";
    add_to_init_list(no_smux.data());
    init_agent("lra-mibd");

    std::unique_ptr<MibServer> agent(new MibServer());
    if (!agent->tables_->register_all())
        return agent::core::Error{"the SNMP agent library refused a table"};
    init_vacm_conf();
    for (const UsmUserConfiguration& user : configuration.users) {
        for (const char c : user.name) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
            if (!plain)
                return agent::core::Error{"SNMP user \"" + user.name +
                                          "\": only letters, digits and -_. may read the MIB"};
        }
        remember("rouser " + user.name + " authpriv");
    }
    if (const auto started = start_snmp_library(); !started) return started.error();
    for (const UsmUserConfiguration& user : configuration.users) {
        const agent::core::Result<UsmUserKeys> keys = load_user(user);
        if (!keys) return keys.error();
        if (const auto added = add_user(*keys, identity->engine_id); !added) return added.error();
    }
    if (init_master_agent() != 0 || agent->port() == 0) {
        return agent::core::Error{
            "can not listen on " + configuration.listen +
            "; another program may use the port, and ports below 1024 need a privilege"};
    }
    return agent;
}

void MibServer::serve(const MibRows& rows) {
    tables_->scalars = rows.scalars;
    tables_->fed_at = Clock::now();
    for (std::size_t i = 0; i < mib_table_count; ++i) {
        netsnmp_container* container = tables_->containers.at(i);
        CONTAINER_CLEAR(container, &free_row, nullptr);
        for (const MibRow& row : rows.tables.at(i)) {
            auto served = std::make_unique<ServedRow>();
            served->subidentifiers = library_oid(row.index);
            served->columns = row.columns;
            served->index.oids = served->subidentifiers.data();
            served->index.len = served->subidentifiers.size();
            if (CONTAINER_INSERT(container, served.get()) == 0) static_cast<void>(served.release());
        }
    }
}

std::uint16_t MibServer::port() const {
    int highest = 0;
    int block = 0;
    fd_set set;
    FD_ZERO(&set);
    timeval time{};
    snmp_select_info(&highest, &set, &time, &block);
    for (int fd = 0; fd < highest; ++fd) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        if (!FD_ISSET(fd, &set) ||
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
            continue;
        if (address.ss_family == AF_INET)
            return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
        if (address.ss_family == AF_INET6)
            return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    }
    return 0;
}

void MibServer::answer_until_readable(int descriptor) {
    for (;;) {
        int highest = descriptor + 1;
        int block = 1;
        fd_set set;
        FD_ZERO(&set);
        timeval time{};
        snmp_select_info(&highest, &set, &time, &block);
        FD_SET(descriptor, &set);
        const int ready = ::select(std::max(highest, descriptor + 1), &set, nullptr, nullptr,
                                   block != 0 ? nullptr : &time);
        if (ready < 0 && errno != EINTR) return;
        if (ready > 0) {
            const bool readable = FD_ISSET(descriptor, &set);
            FD_CLR(descriptor, &set);
            snmp_read(&set);
            if (readable) return;
        } else if (ready == 0) {
            snmp_timeout();
        }
        run_alarms();
        netsnmp_check_outstanding_agent_requests();
    }
}

}  // namespace snmp_mib
