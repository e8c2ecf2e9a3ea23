#include "monitor/worker_prober.h"

#include <cerrno>
#include <string>
#include <utility>

#include "base/log.h"
#include "config/pool_endpoints.h"
#include "config/program_probes.h"
#include "ipc/private_address.h"

namespace roundhouse::monitor {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(50);
// In flight at once; what is due beyond that waits its turn.
constexpr std::size_t kProbesMax = 64;

// As of a client on this machine: what looks at the host lets that in, if anything.
constexpr const char* kHost = "localhost";

}  // namespace

WorkerProber::WorkerProber(Parts parts)
    : parts_(std::move(parts)), timer_(parts_.loop, [this] { look(); }) {
  const auto upstreams = config::pool_upstreams(parts_.configuration);
  for (std::size_t pool = 0; pool < parts_.configuration.pools.size(); ++pool) {
    const config::Pool& options = parts_.configuration.pools[pool];
    for (std::uint32_t place = 0; place < options.rows.count(); ++place) {
      if (!config::asks(options)) continue;
      Target target{.pool = pool,
                    .id = options.rows.id_of(place),
                    .place = place,
                    .row = options.rows.first + place,
                    .endpoints = {},
                    .health = WorkerHealth(options)};
      for (const config::PoolUpstream& upstream : upstreams) {
        if (upstream.pool == pool) target.endpoints.push_back(upstream.first_endpoint + place);
      }
      targets_.push_back(std::move(target));
    }
  }
}

WorkerProber::~WorkerProber() = default;

void WorkerProber::start() {
  if (!idle()) timer_.start_periodic(kLookEvery);
}

void WorkerProber::look() {
  const Time now = parts_.loop.now();
  // Whoever had to wait for its turn is the first of the next.
  const std::size_t first = std::exchange(next_, 0);
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const std::size_t index = (first + i) % targets_.size();
    Target& target = targets_[index];
    if (!parts_.board.is_used(target.row)) continue;
    if (is_another_now(target) && target.probe != nullptr) {
      --probing_;
      target.probe.reset();
    }
    const auto due = target.health.due();
    if (!due || *due > now || target.probe != nullptr) continue;
    if (probing_ < kProbesMax)
      begin(target);
    else if (next_ == 0)
      next_ = index;
  }
}

// What is told below is of this process alone, in the state that it was asked in.
bool WorkerProber::is_another_now(Target& target) {
  const ipc::WorkerRow& row = parts_.board.worker(target.row);
  const auto pid = row.pid.load(std::memory_order_acquire);
  const ipc::WorkerState state = row.state.load(std::memory_order_acquire);
  if (!target.health.follow(pid, state, parts_.loop.now(), dice())) return false;
  target.told = false;
  target.seen = {};
  return true;
}

void WorkerProber::begin(Target& target) {
  const Time now = parts_.loop.now();
  const config::Pool& pool = pool_of(target);
  const ipc::WorkerRow& row = parts_.board.worker(target.row);
  const Address address =
      ipc::private_address(parts_.board.header(), row, pool.name, target.place + 1);
  // The port was written before the pid: if that is the same still, so is the port.
  if (row.pid.load(std::memory_order_acquire) != target.health.pid()) return;
  target.probe = std::make_unique<Probe>(
      parts_.loop,
      Probe::Question{.address = address,
                      .request = probe_request(target.health.path(), kHost),
                      .timeout = target.health.timeout()},
      [this, &target, now](const Probe::Outcome& outcome) { ended(target, now, outcome); });
  ++probing_;
  target.probe->start();
}

void WorkerProber::ended(Target& target, Time began, const Probe::Outcome& outcome) {
  parts_.loop.delete_later(std::move(target.probe));
  --probing_;
  if (is_another_now(target)) return;
  const Time now = parts_.loop.now();
  // Its socket does not let us in. While it starts the edge may open that still.
  const ipc::ProbeFinding not_let_in{ipc::ProbeEnd::kConnect, EACCES};
  const bool refused_to_us = outcome.finding == not_let_in && !target.health.starts();
  if (outcome.ours || refused_to_us) {
    tell_of_obstacle(target, outcome.why);
    return target.health.postpone(now);
  }
  const WorkerHealth::Verdict verdict = target.health.ended(outcome.well, began, now, dice());
  for (const std::size_t row : target.endpoints) parts_.keeper.count_probe(row, outcome.well);
  tell(target, verdict, outcome);
}

void WorkerProber::tell(Target& target, WorkerHealth::Verdict verdict,
                        const Probe::Outcome& outcome) {
  ipc::CommandMessage message{};
  switch (verdict) {
    case WorkerHealth::Verdict::kNone:
      return;
    case WorkerHealth::Verdict::kReady:
      message.command = ipc::Command::kWorkerReady;
      break;
    case WorkerHealth::Verdict::kNotYet:
      if (outcome.finding == target.seen) return;
      message.command = ipc::Command::kWorkerNotYet;
      message.last = target.seen = outcome.finding;
      break;
    case WorkerHealth::Verdict::kHangs:
      message.command = ipc::Command::kWorkerHangs;
      message.since_ns = nanoseconds(target.health.failing_since());
      message.last = outcome.finding;
      break;
  }
  message.pool = static_cast<std::uint32_t>(target.pool);
  message.worker = target.id;
  message.pid = target.health.pid();
  parts_.tell(message);
}

// Once for each process.
void WorkerProber::tell_of_obstacle(Target& target, const std::string& why) {
  if (std::exchange(target.told, true)) return;
  const std::string& pool = pool_of(target).name;
  log::error("worker_not_asked",
             "worker " + pool + "/" + std::to_string(target.id) +
                 " cannot be asked whether it is well: " + why,
             {{"pool", pool}, {"worker", target.id}});
}

}  // namespace roundhouse::monitor
