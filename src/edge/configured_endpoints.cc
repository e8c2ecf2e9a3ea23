#include "edge/configured_endpoints.h"

#include <cstdint>
#include <memory>

#include "base/address.h"

namespace roundhouse::edge {

Result<ipc::EndpointBoard> create_endpoint_board(const config::Configuration& configuration) {
  if (configuration.upstreams.empty()) return ipc::EndpointBoard();
  auto board = TRY(ipc::EndpointBoard::create());
  const auto table = std::make_unique<ipc::EndpointTable>();
  for (std::uint32_t i = 0; i < configuration.upstreams.size(); ++i) {
    for (const config::Server& server : configuration.upstreams[i].servers) {
      const Address address = TRY(Address::parse(server.address));
      if (!table->configure(i, {address, server.address, server.weight}))
        return fail("there are more servers than endpoints can be", ExitCode::kConfiguration);
    }
  }
  board.publish(*table);
  return board;
}

}  // namespace roundhouse::edge
