#include "upstream/endpoint_source.h"

#include <memory>
#include <utility>

namespace roundhouse::upstream {

EndpointSource::EndpointSource(Parts parts, Change change)
    : parts_(parts), change_(std::move(change)), specs_(parts.upstreams) {}

void EndpointSource::start() {
  if (specs_.empty()) return;
  refresh();
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].empty()) change_(i, {});  // the others were told of by refresh()
  }
  expired();
}

void EndpointSource::expired() {
  if (parts_.board.epoch() != epoch_) refresh();
  parts_.deadlines.set(*this, parts_.loop.now() + DeadlineQueue::kResolution);
}

void EndpointSource::refresh() {
  const auto table = std::make_unique<ipc::EndpointTable>();
  const std::uint64_t epoch = parts_.board.read(*table);
  if (epoch == 0) return;  // at the next tick
  epoch_ = epoch;
  std::vector<std::vector<EndpointSpec>> specs(specs_.size());
  for (std::size_t i = 0; i < ipc::kMaxEndpoints; ++i) {
    const ipc::EndpointRow& row = table->rows[i];
    if (row.used == 0 || row.in_use == 0 || row.upstream >= specs.size()) continue;
    const auto address = row.address();
    if (!address) continue;
    specs[row.upstream].push_back({.address = *address,
                                   .name = std::string(row.name()),
                                   .weight = row.weight,
                                   .healthy = row.healthy != 0,
                                   .row = static_cast<std::uint32_t>(i)});
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i] == specs_[i]) continue;
    specs_[i] = std::move(specs[i]);
    change_(i, specs_[i]);
  }
}

}  // namespace roundhouse::upstream
