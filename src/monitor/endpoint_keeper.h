// The monitor's hand on the endpoint board, whose only writer it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/endpoint_board.h"

namespace roundhouse::monitor {

// Begins with what the board says, whoever wrote that; each change is published at once.
class EndpointKeeper {
 public:
  static Result<EndpointKeeper> create(UniqueFd board);

  const ipc::EndpointTable& table() const { return *table_; }
  const ipc::EndpointBoard& board() const { return board_; }

  // Those of an upstream that were found by name.
  std::vector<ipc::WantedEndpoint> found(std::uint32_t upstream) const;
  ipc::EndpointTable::Outcome assign(std::uint32_t upstream,
                                     std::span<const ipc::WantedEndpoint> wanted, Time now);
  void set_healthy(std::size_t row, bool healthy);
  void count_probe(std::size_t row, bool well);
  void count_resolution(std::uint32_t upstream, ipc::Resolution resolution);

 private:
  explicit EndpointKeeper(ipc::EndpointBoard board);

  ipc::EndpointBoard board_;
  std::unique_ptr<ipc::EndpointTable> table_;
};

}  // namespace roundhouse::monitor
