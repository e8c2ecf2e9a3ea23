#include "ipc/private_address.h"

#include <cstring>

namespace roundhouse::ipc {

std::string private_path(const BoardHeader& header, std::string_view pool, std::uint32_t worker) {
  const std::size_t size = ::strnlen(header.sockets, sizeof header.sockets);
  return std::string(header.sockets, size) + "/" + std::string(pool) + "/" +
         std::to_string(worker) + ".sock";
}

Address private_address(const BoardHeader& header, const WorkerRow& row, std::string_view pool,
                        std::uint32_t worker) {
  if (const std::uint32_t port = row.port.load(std::memory_order_acquire); port != 0)
    return Address::loopback(static_cast<std::uint16_t>(port));
  return Address::parse("unix:" + private_path(header, pool, worker)).value_or(Address());
}

}  // namespace roundhouse::ipc
