#include "ipc/endpoint_table.h"

#include <algorithm>
#include <cstring>

namespace roundhouse::ipc {
namespace {

void fill(EndpointRow& row, std::uint32_t upstream, const WantedEndpoint& wanted) {
  row = EndpointRow{};
  row.used = 1;
  row.upstream = upstream;
  row.weight = wanted.weight;
  row.in_use = 1;
  row.healthy = 1;
  row.address_size = static_cast<std::uint16_t>(wanted.address.size());
  std::memcpy(row.address_bytes, wanted.address.data(), wanted.address.size());
  wanted.name.copy(row.name_text, kEndpointName - 1);
}

}  // namespace

std::optional<Address> EndpointRow::address() const {
  if (address_size > sizeof address_bytes) return std::nullopt;
  Address address(reinterpret_cast<const sockaddr*>(address_bytes), address_size);
  const bool whole = (address.family() == AF_INET && address_size == sizeof(sockaddr_in)) ||
                     (address.family() == AF_INET6 && address_size == sizeof(sockaddr_in6)) ||
                     (address.is_unix() && address_size > sizeof(sa_family_t));
  if (!whole) return std::nullopt;
  return address;
}

std::string_view EndpointRow::name() const {
  return {name_text, ::strnlen(name_text, kEndpointName)};
}

EndpointRow* EndpointTable::find(std::uint32_t upstream, const Address& address) {
  const auto found = std::ranges::find_if(rows, [&](const EndpointRow& row) {
    return row.used != 0 && row.upstream == upstream && row.address() == address;
  });
  return found == std::end(rows) ? nullptr : found;
}

EndpointRow* EndpointTable::claim() {
  EndpointRow* oldest = nullptr;
  for (EndpointRow& row : rows) {
    if (row.used == 0) return &row;
    if (row.in_use == 0 && (oldest == nullptr || row.left_ns < oldest->left_ns)) oldest = &row;
  }
  return oldest;
}

bool EndpointTable::configure(std::uint32_t upstream, const WantedEndpoint& wanted) {
  if (EndpointRow* const known = find(upstream, wanted.address)) {
    if (known->configured != 0) return true;  // written twice
    known->weight = wanted.weight;
    known->configured = known->in_use = 1;
    return true;
  }
  EndpointRow* const row = claim();
  if (row == nullptr) return false;
  fill(*row, upstream, wanted);
  row->configured = 1;
  return true;
}

void EndpointTable::reserve(std::size_t row, std::uint32_t upstream, std::string_view name) {
  fill(rows[row], upstream, {.address = {}, .name = std::string(name)});
  rows[row].address_size = 0;
  rows[row].configured = 1;
}

EndpointTable::Outcome EndpointTable::assign(std::uint32_t upstream,
                                             std::span<const WantedEndpoint> wanted, Time now) {
  Outcome outcome;
  for (EndpointRow& row : rows) {
    if (row.in_use == 0 || row.upstream != upstream || row.configured != 0) continue;
    const auto address = row.address();
    if (address && std::ranges::find(wanted, *address, &WantedEndpoint::address) != wanted.end())
      continue;
    row.in_use = 0;
    row.left_ns = nanoseconds(now);
    outcome.changed = true;
  }
  for (const WantedEndpoint& endpoint : wanted) {
    EndpointRow* row = find(upstream, endpoint.address);
    if (row != nullptr && row->configured != 0) continue;
    if (row != nullptr && row->in_use != 0 && row->weight == endpoint.weight) continue;
    if (row != nullptr && row->in_use != 0) {
      row->weight = endpoint.weight;
    } else {
      if (row == nullptr) row = claim();
      if (row == nullptr) {
        ++outcome.left_out;
        continue;
      }
      fill(*row, upstream, endpoint);
    }
    outcome.changed = true;
  }
  return outcome;
}

bool EndpointTable::set_healthy(std::size_t row, bool healthy) {
  const std::uint16_t value = healthy ? 1 : 0;
  if (rows[row].healthy == value) return false;
  rows[row].healthy = value;
  return true;
}

bool EndpointTable::serves(std::uint32_t upstream) const {
  return std::ranges::any_of(rows, [&](const EndpointRow& row) {
    return row.in_use != 0 && row.healthy != 0 && row.upstream == upstream;
  });
}

}  // namespace roundhouse::ipc
