// Certificates, keys and ticket keys on their way from the edge to the workers of a pool: in a
// sealed memfd at their start, and again when they are renewed. Not configuration: a worker that
// runs gets others.
//
// The edge has read files and looked at nothing in them; whoever gets this does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/tls_ticket_key.h"
#include "base/unique_fd.h"

namespace roundhouse::ipc {

struct TlsMaterial {
  static constexpr std::uint32_t kVersion = 2;

  struct Certificate {  // contents of files, in the order of the configuration
    std::string cert;
    std::string key;  // empty for who needs none: the monitor
    bool operator==(const Certificate&) const = default;
  };
  struct Listener {
    std::uint32_t index;  // in the configuration
    std::vector<Certificate> certificates;
    std::string client_ca;
    bool operator==(const Listener&) const = default;
  };
  struct Upstream {
    std::uint32_t index;      // in the configuration
    std::string ca;           // empty: the roots of the system
    Certificate certificate;  // ours; empty: none is shown
    bool operator==(const Upstream&) const = default;
  };
  std::vector<Listener> listeners;
  std::vector<Upstream> upstreams;
  TlsTicketKeys tickets{};

  bool operator==(const TlsMaterial&) const = default;
  TlsMaterial() = default;
  TlsMaterial(TlsMaterial&&) = default;
  TlsMaterial& operator=(TlsMaterial&&) = default;
  TlsMaterial(const TlsMaterial&) = default;
  TlsMaterial& operator=(const TlsMaterial&) = default;
  // Leaves no key in memory that is used again.
  ~TlsMaterial();
};

Result<UniqueFd> seal(const TlsMaterial& material);
// Into a file of create_unsealed_file().
Result<void> seal_into(int fd, const TlsMaterial& material);
Result<TlsMaterial> open_tls_material(int fd);

}  // namespace roundhouse::ipc
