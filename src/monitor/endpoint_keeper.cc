#include "monitor/endpoint_keeper.h"

#include <string>
#include <utility>

namespace roundhouse::monitor {

Result<EndpointKeeper> EndpointKeeper::create(UniqueFd board) {
  EndpointKeeper keeper(TRY(ipc::EndpointBoard::open(std::move(board), ipc::Access::kReadWrite)));
  if (keeper.board_.read(*keeper.table_) == 0)
    return fail("somebody else writes the endpoint board", ExitCode::kSystem);
  return keeper;
}

EndpointKeeper::EndpointKeeper(ipc::EndpointBoard board)
    : board_(std::move(board)), table_(std::make_unique<ipc::EndpointTable>()) {}

std::vector<ipc::WantedEndpoint> EndpointKeeper::found(std::uint32_t upstream) const {
  std::vector<ipc::WantedEndpoint> endpoints;
  for (const ipc::EndpointRow& row : table_->rows) {
    if (row.in_use == 0 || row.configured != 0 || row.upstream != upstream) continue;
    if (const auto address = row.address())
      endpoints.push_back({*address, std::string(row.name()), row.weight});
  }
  return endpoints;
}

ipc::EndpointTable::Outcome EndpointKeeper::assign(std::uint32_t upstream,
                                                   std::span<const ipc::WantedEndpoint> wanted,
                                                   Time now) {
  const auto outcome = table_->assign(upstream, wanted, now);
  if (outcome.changed) board_.publish(*table_);
  return outcome;
}

void EndpointKeeper::set_healthy(std::size_t row, bool healthy) {
  if (table_->set_healthy(row, healthy)) board_.publish(*table_);
}

void EndpointKeeper::count_probe(std::size_t row, bool well) {
  ipc::ProbeCounts& counts = board_.probes(row);
  ipc::add(well ? counts.well : counts.failed);
}

void EndpointKeeper::count_resolution(std::uint32_t upstream, ipc::Resolution resolution) {
  ipc::add(board_.resolutions(upstream, resolution));
}

}  // namespace roundhouse::monitor
