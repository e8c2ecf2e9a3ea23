// What is made of the answers of name servers: which records count, for how long, and when they are
// asked again. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "ipc/endpoint_table.h"

namespace roundhouse::monitor {

// An answer is used for its time to live, but at least and at most for so long.
inline constexpr Duration kTtlLeast = std::chrono::seconds(1);
inline constexpr Duration kTtlMost = std::chrono::minutes(5);
Duration clamp_ttl(Duration ttl);

// Of one answer; the others are left out.
inline constexpr std::size_t kAddressesMax = 100;

// One SRV record (RFC 2782).
struct ServiceRecord {
  std::string target;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  bool operator==(const ServiceRecord&) const = default;
};

// Those that may be used: of the lowest priority alone, with a port, and not "." which says that
// there is no such service. In an order of its own, so that the same records are the same endpoints
// whatever their order in the answer; at most kAddressesMax.
std::vector<ServiceRecord> usable(std::vector<ServiceRecord> records);

// Each address with this port and weight, those left out that nobody can connect to; 0 is the
// smallest weight, 1. In an order of their own; at most kAddressesMax.
std::vector<ipc::WantedEndpoint> endpoints_of(const std::vector<Address>& addresses,
                                              std::uint16_t port, std::uint32_t weight);

// When a name is asked for again.
class LookupSchedule {
 public:
  Duration after_answer(Duration ttl);
  // 1 s, then twice as long each time up to 30 s, 20 % more or less. `dice`: from 0 to 1.
  Duration after_failure(double dice);
  // The last one did.
  bool failing() const { return failures_ > 0; }

 private:
  std::uint32_t failures_ = 0;  // in a row
};

}  // namespace roundhouse::monitor
