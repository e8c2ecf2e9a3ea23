#include "monitor/discovery.h"

#include <algorithm>
#include <tuple>

namespace roundhouse::monitor {
namespace {

constexpr Duration kRetryLeast = std::chrono::seconds(1);
constexpr Duration kRetryMost = std::chrono::seconds(30);

template <typename T>
void cut(std::vector<T>& items) {
  if (items.size() > kAddressesMax) items.resize(kAddressesMax);
}

bool is_multicast(const Address& address) {
  const auto bytes = address.host_bytes();
  return bytes.size() == 4 ? bytes[0] >= 224 : bytes[0] == 0xFF;  // and what is reserved in IPv4
}

}  // namespace

Duration clamp_ttl(Duration ttl) { return std::clamp(ttl, kTtlLeast, kTtlMost); }

std::vector<ServiceRecord> usable(std::vector<ServiceRecord> records) {
  std::erase_if(records, [](const ServiceRecord& record) {
    return record.port == 0 || record.target.empty() || record.target == ".";
  });
  const auto best = std::ranges::min_element(records, {}, &ServiceRecord::priority);
  if (best == records.end()) return records;
  const std::uint16_t priority = best->priority;
  std::erase_if(records, [&](const ServiceRecord& r) { return r.priority != priority; });
  std::ranges::sort(records, {}, [](const ServiceRecord& record) {
    return std::tie(record.target, record.port, record.weight);
  });
  cut(records);
  return records;
}

std::vector<ipc::WantedEndpoint> endpoints_of(const std::vector<Address>& addresses,
                                              std::uint16_t port, std::uint32_t weight) {
  std::vector<ipc::WantedEndpoint> endpoints;
  for (const Address& bare : addresses) {
    if (bare.is_unix() || bare.is_any() || is_multicast(bare)) continue;
    const Address address = bare.with_port(port);
    endpoints.push_back({address, address.to_string(), std::max(weight, 1U)});
  }
  std::ranges::sort(endpoints, {}, &ipc::WantedEndpoint::name);
  const auto again = std::ranges::unique(endpoints, {}, &ipc::WantedEndpoint::name);
  endpoints.erase(again.begin(), again.end());
  cut(endpoints);
  return endpoints;
}

Duration LookupSchedule::after_answer(Duration ttl) {
  failures_ = 0;
  return clamp_ttl(ttl);
}

Duration LookupSchedule::after_failure(double dice) {
  constexpr std::uint32_t kDoublings = 5;
  const Duration pause = kRetryLeast * (1 << std::min(failures_, kDoublings));
  ++failures_;
  return std::chrono::duration_cast<Duration>(std::min(pause, kRetryMost) * (0.8 + 0.4 * dice));
}

}  // namespace roundhouse::monitor
