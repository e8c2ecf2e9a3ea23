// How a fleet becomes another: what is prepared, begun, and then committed or taken back.
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <utility>

#include "base/log.h"
#include "config/worker_text.h"
#include "edge/fleet.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

// A socket stays open so long after its end is known: see Edge.
constexpr Duration kLastArrivals = std::chrono::milliseconds(100);

std::vector<std::uint32_t> ids(std::uint32_t first, std::uint32_t last) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t id = first; id <= last; ++id) all.push_back(id);
  return all;
}

Rollout::Plan plan_for(const config::Pool& options, std::uint32_t workers_before,
                       ExitReason reason) {
  return {.reason = reason,
          .starts = ids(1, options.workers),
          .leaves = ids(options.workers + 1, workers_before),
          .together = config::reads_configuration(options),
          .waits = !config::reads_configuration(options),
          .surge = options.surge};
}

}  // namespace

Result<std::unique_ptr<Fleet::Change>> Fleet::prepare(config::Configuration next) {
  auto change = std::make_unique<Change>();
  change->rows = rows_;
  TRY_VOID(change->rows->assign(next));
  for (const auto& pool : leaving_) {
    if (next.find_pool(pool->options().name) != nullptr)
      return fail("pool " + pool->options().name +
                      " was removed a short while ago and its workers drain still; try again",
                  ExitCode::kConfiguration);
  }
  change->next = TRY(make_in_force(std::move(next)));
  const Views views = TRY(find_sockets(*change));
  const config::Configuration& wanted = change->next->configuration;
  for (std::size_t i = 0; i < wanted.pools.size(); ++i) TRY_VOID(plan_pool(*change, i, views));
  for (const auto& pool : pools_) {
    if (wanted.find_pool(pool->options().name) == nullptr)
      change->removed.push_back(pool->options().name);
  }
  return change;
}

Result<void> Fleet::plan_pool(Change& change, std::size_t index, const Views& views) {
  const config::Configuration& next = change.next->configuration;
  const config::Pool& options = next.pools[index];
  Pool* const pool = find_pool(options.name);
  const PoolGeneration* const before = pool == nullptr ? nullptr : pool->generation().get();
  Change::PoolChange planned{.pool = options.name, .next = nullptr, .plan = {}};
  const bool as_before =
      before != nullptr &&
      config::worker_text(next, options) == config::worker_text(configuration(), *before->options);
  PoolSetting setting = TRY(setting_for(change.next, index, views));
  const std::uint32_t number = as_before ? before->number : generations_ + 1;
  planned.next =
      TRY(PoolGeneration::create(number, options, std::move(setting), loop_.now(), before));
  if (as_before) {
    // The memory of its workers is that of those that come.
    planned.next->limits = before->limits;
    const std::uint32_t workers = before->options->workers;
    planned.has_rollout = options.workers != workers;
    planned.plan = {.reason = ExitReason::kScale,
                    .starts = ids(workers + 1, options.workers),
                    .leaves = ids(options.workers + 1, workers),
                    .together = true};
  } else {
    planned.is_new = pool == nullptr;
    planned.has_rollout = true;
    planned.plan =
        plan_for(options, before == nullptr ? 0 : before->options->workers, ExitReason::kReload);
  }
  change.pools.push_back(std::move(planned));
  return {};
}

Result<std::unique_ptr<Fleet::Change>> Fleet::prepare_restart(const std::string& name,
                                                              std::uint32_t worker) {
  auto change = std::make_unique<Change>();
  for (const auto& pool : pools_) {
    if (!name.empty() && pool->options().name != name) continue;
    const PoolGeneration& before = *pool->generation();
    if (worker > before.options->workers)
      return fail("pool " + name + " has no worker " + std::to_string(worker));
    Change::PoolChange planned{.pool = pool->options().name, .next = nullptr, .plan = {}};
    planned.next = TRY(PoolGeneration::create(generations_ + 1, *before.options, before.setting,
                                              loop_.now(), &before));
    planned.plan = plan_for(*before.options, before.options->workers, ExitReason::kOperator);
    planned.plan.together = false;
    if (worker != 0) planned.plan.starts = {worker};
    planned.has_rollout = true;
    change->pools.push_back(std::move(planned));
  }
  if (change->pools.empty()) return fail("there is no pool " + name);
  return change;
}

Result<std::unique_ptr<Fleet::Change>> Fleet::prepare_scale(const std::string& name,
                                                            std::uint32_t workers) {
  Pool* const pool = find_pool(name);
  if (pool == nullptr) return fail("there is no pool " + name);
  const PoolGeneration& before = *pool->generation();
  std::uint32_t most = before.options->rows.ids;
  const bool has_own_queues = config::is_foreign(before.options->type) &&
                              before.options->policy == config::Policy::kRrKernel;
  if (has_own_queues) most = std::max(before.options->workers, most_workers_[name]);
  if (workers == 0 || workers > most)
    return fail("pool " + name + " can have 1 to " + std::to_string(most) +
                " workers as it was started; more take `workers` in the file and a new start");
  auto change = std::make_unique<Change>();
  config::Pool options = *before.options;
  options.workers = workers;
  Change::PoolChange planned{.pool = name, .next = nullptr, .plan = {}};
  planned.next =
      TRY(PoolGeneration::create(before.number, options, before.setting, loop_.now(), &before));
  planned.next->limits = before.limits;
  planned.plan = {.reason = ExitReason::kScale,
                  .starts = ids(before.options->workers + 1, workers),
                  .leaves = ids(workers + 1, before.options->workers),
                  .together = true};
  planned.has_rollout = true;
  change->pools.push_back(std::move(planned));
  return change;
}

void Fleet::begin(Change& change) {
  change.began = loop_.now();
  for (std::size_t i = 0; i < change.sockets.size(); ++i)
    for (const Address& address : change.sockets[i].gone) acceptors_[i]->expect_close(address);
  if (change.rows) rows_ = change.rows;
  for (const Change::PoolChange& planned : change.pools)
    if (planned.next) generations_ = std::max(generations_, planned.next->number);
  for (Change::PoolChange& planned : change.pools) begin_pool(planned);
}

void Fleet::begin_pool(Change::PoolChange& planned) {
  if (!planned.has_rollout) return;
  if (planned.is_new) pools_.push_back(make_pool(planned.next));
  find_pool(planned.pool)->begin_rollout(planned.next, planned.plan);
}

template <typename Ask>
bool Fleet::all_rollouts(const Change& change, const Ask& ask) const {
  return std::ranges::all_of(change.pools, [&](const Change::PoolChange& planned) {
    const Pool* const pool = find_pool(planned.pool);
    return !planned.has_rollout || pool == nullptr || ask(*pool->rollout());
  });
}

bool Fleet::may_commit(const Change& change) const {
  const bool closes = std::ranges::any_of(
      change.sockets, [](const Change::ListenerChange& one) { return !one.gone.empty(); });
  if (closes && loop_.now() - change.began < kLastArrivals) return false;
  return all_rollouts(
      change, [](const Rollout& rollout) { return rollout.state() == Rollout::State::kReady; });
}

bool Fleet::is_over(const Change& change) const {
  return all_rollouts(change, [](const Rollout& rollout) { return !rollout.running(); });
}

std::string Fleet::failures(const Change& change) const {
  std::string text;
  for (const Change::PoolChange& planned : change.pools) {
    const Pool* const pool = find_pool(planned.pool);
    if (!planned.has_rollout || pool == nullptr) continue;
    if (pool->rollout()->state() != Rollout::State::kFailed || pool->loss().empty()) continue;
    text += (text.empty() ? "" : "\n") + pool->loss();
    const std::uint32_t replaced = pool->rollout()->replaced();
    if (replaced != 0)
      text += "; " + std::to_string(replaced) + " of " +
              std::to_string(planned.plan.starts.size()) + " had been replaced before";
  }
  return text;
}

std::string Fleet::progress(const Change& change) const {
  std::size_t starts = 0;
  std::size_t serve = 0;
  for (const Change::PoolChange& planned : change.pools) {
    const Pool* const pool = find_pool(planned.pool);
    if (!planned.has_rollout) continue;
    starts += planned.plan.starts.size();
    if (pool != nullptr) serve += pool->rollout()->replaced();
  }
  return std::to_string(serve) + " of " + std::to_string(starts) + " new workers serve";
}

std::string Fleet::describe(const Change& change) const {
  std::string text = change.next ? "configuration " + std::to_string(change.next->number) : "";
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : "; ") + what; };
  for (const Change::PoolChange& planned : change.pools) {
    const std::size_t starts = planned.plan.starts.size();
    const std::size_t leaves = planned.plan.leaves.size();
    std::string what = starts == 0 && leaves == 0 ? " stays" : ":";
    if (starts != 0)
      what += " " + std::to_string(starts) + " new worker" + (starts == 1 ? "" : "s");
    if (leaves != 0) what += " " + std::to_string(leaves) + " fewer";
    add("pool " + planned.pool + what);
  }
  for (const std::string& pool : change.removed) add("pool " + pool + " is removed");
  if (change.next && change.next->renews_certificates) add("certificates are renewed");
  return text;
}

// In one turn: nobody who connects sees anything between.
void Fleet::commit(Change& change) {
  if (change.next) close_what_goes(change);
  for (Change::PoolChange& planned : change.pools) {
    Pool* const pool = find_pool(planned.pool);
    if (planned.has_rollout)
      pool->commit_rollout();
    else
      pool->adopt(planned.next);
    std::uint32_t& most = most_workers_[planned.pool];
    most = std::max(most, pool->options().workers);
    board_.worker(pool->options().rows.first).wanted.store(pool->options().workers);
  }
  if (change.next) put_in_force(change);
}

void Fleet::put_in_force(Change& change) {
  const bool is_first = in_force_ == nullptr;
  rows_ = change.rows;
  if (in_force_ && !endpoints_before_ && in_force_->endpoints != change.next->endpoints)
    endpoints_before_ = in_force_->endpoints;
  in_force_ = change.next;
  if (is_first) {
    generations_ = 1;
    for (Change::PoolChange& planned : change.pools) pools_.push_back(make_pool(planned.next));
  }
  adopt_listeners(change);
  const Time now = loop_.now();
  for (const std::string& name : change.removed) {
    const auto pool =
        std::ranges::find_if(pools_, [&](const auto& one) { return one->options().name == name; });
    (*pool)->leave(now);
    leaving_.push_back(std::move(*pool));
    pools_.erase(pool);
  }
  forget_what_has_gone();
  hand_out_tls();
  board_.header().configuration.store(in_force_->number);
}

void Fleet::abort(Change& change) {
  for (std::size_t i = 0; i < change.sockets.size(); ++i) {
    if (i < acceptors_.size() && acceptors_[i])
      acceptors_[i]->take_strays(std::move(change.sockets[i].added));
  }
  for (Change::PoolChange& planned : change.pools) {
    Pool* const pool = find_pool(planned.pool);
    if (!planned.has_rollout || pool == nullptr) continue;
    pool->abort_rollout();
    if (!planned.is_new || pool->rollout()->replaced() != 0) continue;
    const auto added =
        std::ranges::find_if(pools_, [&](const auto& one) { return one.get() == pool; });
    pool->stop(loop_.now(), loop_.now() + pool->options().timeouts.drain);
    leaving_.push_back(std::move(*added));
    pools_.erase(added);
  }
  forget_what_has_gone();
}

}  // namespace roundhouse::edge
