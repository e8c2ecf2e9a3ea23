// The endpoints of all upstreams as rows: what the endpoint board holds.
//
// Pure. A row keeps its address for as long as possible, since the workers count by row: an address
// that comes back gets the row that it had, and only when all rows have been taken the one that is
// unused for longest is given to another address.
#pragma once

#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/clock.h"
#include "ipc/traffic.h"

namespace roundhouse::ipc {

inline constexpr std::size_t kEndpointName = 128;  // bytes, with the NUL behind it

// Trivial, as it lies in shared memory. A reader believes nothing of it: see address() and name().
struct EndpointRow {
  std::uint32_t used;      // 0: never
  std::uint32_t upstream;  // index in the configuration
  std::uint32_t weight;
  std::uint16_t configured;  // one of `servers`: it stays whatever a resolver says
  std::uint16_t in_use;      // 0: its requests in flight finish, and it gets no more
  std::uint16_t healthy;     // by the active probes; 1 until they say otherwise
  std::uint16_t address_size;
  std::uint8_t address_bytes[sizeof(sockaddr_un)];
  char name_text[kEndpointName];
  std::int64_t left_ns;  // CLOCK_MONOTONIC; when it went out of use

  // Nothing if what it holds is no address that one can connect to.
  std::optional<Address> address() const;
  // As it was written: "10.0.0.1:80".
  std::string_view name() const;
};

// One endpoint that there is to be.
struct WantedEndpoint {
  Address address;
  std::string name;
  std::uint32_t weight = 1;
};

struct EndpointTable {
  EndpointRow rows[kMaxEndpoints]{};

  // What became of the wishes.
  struct Outcome {
    bool changed = false;
    std::size_t left_out = 0;  // there was no row for so many
  };
  // One of the configuration's `servers`. False if there is no row.
  bool configure(std::uint32_t upstream, const WantedEndpoint& wanted);
  // For a worker of a pool, whose address is not told here: nobody else gets the row.
  void reserve(std::size_t row, std::uint32_t upstream, std::string_view name);
  // From now on these are the endpoints of `upstream`, beside those that the configuration gives.
  Outcome assign(std::uint32_t upstream, std::span<const WantedEndpoint> wanted, Time now);
  // True if that is news.
  bool set_healthy(std::size_t row, bool healthy);
  // Whether a row of this upstream gets requests.
  bool serves(std::uint32_t upstream) const;

 private:
  EndpointRow* find(std::uint32_t upstream, const Address& address);
  EndpointRow* claim();
};

}  // namespace roundhouse::ipc
