#include "snmp_mib/mib_tables.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "snmp_mib/mib_changes.hpp"

namespace snmp_mib {

namespace {

// The container orders rows by the index that a row begins with.
struct ServedRow {
    netsnmp_index index{};
    std::vector<oid> subidentifiers;
    std::vector<VarbindValue> columns;
};

// What a registration keeps a pointer to.
struct ServedTable {
    const MibTableShape* shape = nullptr;
    MibTables* tables = nullptr;
};
ServedTable& served_table(std::size_t which) {
    static std::array<ServedTable, mib_table_count> all;
    return all.at(which);
}

std::uint64_t comparisons_made = 0;

int count_and_compare(const void* left, const void* right) noexcept {
    ++comparisons_made;
    return netsnmp_compare_netsnmp_index(left, right);
}

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

void answer_cell(const MibTableShape& shape, netsnmp_agent_request_info* info,
                 netsnmp_request_info* request) {
    const auto* row = static_cast<const ServedRow*>(netsnmp_container_table_row_extract(request));
    const netsnmp_table_request_info* table = netsnmp_extract_table_info(request);
    if (row == nullptr || table == nullptr || table->colnum < shape.first_column ||
        table->colnum > shape.last_column) {
        netsnmp_set_request_error(info, request, SNMP_NOSUCHINSTANCE);
        return;
    }
    set_value(request->requestvb, row->columns[table->colnum - shape.first_column]);
}

int answer_table(netsnmp_mib_handler* /*handler*/, netsnmp_handler_registration* registration,
                 netsnmp_agent_request_info* info, netsnmp_request_info* requests) noexcept {
    const auto* table = static_cast<const ServedTable*>(registration->my_reg_void);
    if (info->mode != MODE_GET) {
        take_change(*table->tables, info, requests);
        return SNMP_ERR_NOERROR;
    }
    for (netsnmp_request_info* request = requests; request != nullptr; request = request->next)
        answer_cell(*table->shape, info, request);
    return SNMP_ERR_NOERROR;
}

int answer_scalar(netsnmp_mib_handler* /*handler*/, netsnmp_handler_registration* registration,
                  netsnmp_agent_request_info* info, netsnmp_request_info* requests) noexcept {
    if (info->mode != MODE_GET) return SNMP_ERR_NOERROR;
    set_value(requests->requestvb, (*static_cast<const ScalarValue*>(registration->my_reg_void))());
    return SNMP_ERR_NOERROR;
}

std::vector<oid> library_oid(const Oid& value) {
    return {value.begin(), value.end()};
}

TimeTicks ticks_since(std::chrono::steady_clock::time_point at) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - at);
    return {static_cast<std::uint32_t>(passed.count() / 10)};
}

}  // namespace

bool MibTables::register_table(std::size_t which) {
    const MibTableShape& shape = mib_tables().at(which);
    const bool writable = change_drive_ && shape.table == oids::Table::drive;
    const std::vector<oid> root = library_oid(oids::of(shape.table));
    netsnmp_handler_registration* registration =
        netsnmp_create_handler_registration(shape.name, &answer_table, root.data(), root.size(),
                                            writable ? HANDLER_CAN_RWRITE : HANDLER_CAN_RONLY);
    auto* table = SNMP_MALLOC_TYPEDEF(netsnmp_table_registration_info);
    netsnmp_container* container = netsnmp_container_find("table_container");
    containers_.at(which) = container;
    if (registration == nullptr || table == nullptr || container == nullptr) return false;
    container->compare = &count_and_compare;
    served_table(which) = {&shape, this};
    registration->my_reg_void = &served_table(which);
    for (const bool text : shape.text_index) {
        snmp_varlist_add_variable(&table->indexes, nullptr, 0, text ? ASN_OCTET_STR : ASN_UNSIGNED,
                                  nullptr, 0);
    }
    table->min_column = shape.first_column;
    table->max_column = shape.last_column;
    return netsnmp_container_table_register(registration, table, container,
                                            TABLE_CONTAINER_KEY_NETSNMP_INDEX) == SNMPERR_SUCCESS;
}

bool MibTables::register_scalar(const Oid& name, ScalarValue value) {
    values_.push_back(std::make_unique<ScalarValue>(std::move(value)));
    const std::vector<oid> where = library_oid(name);
    netsnmp_handler_registration* registration = netsnmp_create_handler_registration(
        "scalar", &answer_scalar, where.data(), where.size(), HANDLER_CAN_RONLY);
    if (registration == nullptr) return false;
    registration->my_reg_void = values_.back().get();
    return netsnmp_register_scalar(registration) == SNMPERR_SUCCESS;
}

// What managers ask everybody (SNMPv2-MIB, system): the library's own system group is left out.
bool MibTables::register_system() {
    const Oid system{1, 3, 6, 1, 2, 1, 1};
    return register_scalar(oids::below(system, {1}),
                           [this] {
                               const auto* version = scalars_.size() < 2
                                                         ? nullptr
                                                         : std::get_if<OctetString>(&scalars_[1]);
                               return OctetString{"library reservation agent" +
                                                  (version ? " " + version->bytes : "")};
                           }) &&
           register_scalar(oids::below(system, {2}), [] { return oids::module_root; }) &&
           register_scalar(oids::below(system, {3}), [this] { return ticks_since(started_at_); }) &&
           register_scalar(oids::below(system, {5}),
                           [this] { return scalars_.empty() ? OctetString{} : scalars_[0]; });
}

bool MibTables::register_all(bool with_system, DriveChangeDoor change_drive) {
    change_drive_ = std::move(change_drive);
    bool good = true;
    for (std::size_t i = 0; i < mib_table_count; ++i)
        good = good && register_table(i);
    for (std::size_t i = 0; i < fed_scalars().size(); ++i) {
        good = good && register_scalar(oids::of(fed_scalars()[i]), [this, i] {
                   return i < scalars_.size() ? scalars_[i] : OctetString{};
               });
    }
    good = good && register_scalar(oids::of(oids::Scalar::snapshot_age),
                                   [this] { return Unsigned32{ticks_since(fed_at_).value * 10}; });
    return good && (!with_system || register_system());
}

void MibTables::serve(const MibRows& rows) {
    scalars_ = rows.scalars;
    fed_at_ = Clock::now();
    for (std::size_t i = 0; i < mib_table_count; ++i) {
        netsnmp_container* container = containers_.at(i);
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

std::uint64_t MibTables::comparisons() {
    return comparisons_made;
}

}  // namespace snmp_mib
