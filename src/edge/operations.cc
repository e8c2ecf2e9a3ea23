#include "edge/operations.h"

#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "config/new_start.h"

namespace roundhouse::edge {
namespace {

using ipc::OperationKind;
using ipc::OperationState;

// A worker that is full, or hangs, does not say whether it can use new certificates.
constexpr Duration kAnswerWithin = std::chrono::seconds(3);

std::string what_needs_a_new_start(const config::Configuration& before,
                                   const config::Configuration& next, const LoadReport& report) {
  std::string text;
  for (const std::string_view key : config::keys_for_a_new_start(before, next)) {
    const auto place = report.places.find(std::string(key));
    text += (text.empty() ? "" : "\n") +
            (place == report.places.end() ? "" : place->second + ": ") + std::string(key) +
            ": it changes only by a new start; nothing was changed";
  }
  return text;
}

}  // namespace

Operations::Operations(Parts parts)
    : parts_(std::move(parts)), loader_(parts_.loop, parts_.arguments, [this](LoadReport report) {
        on_loaded(std::move(report));
      }) {
  parts_.fleet.board().header().operations.last_reload_at.store(wall_clock_seconds());
}

bool Operations::obey(const ipc::CommandMessage& command) {
  switch (command.command) {
    case ipc::Command::kReload:
      reload(command.ticket, "roundhouse reload");
      return true;
    case ipc::Command::kRestart:
      restart(command);
      return true;
    case ipc::Command::kScale:
      scale(command);
      return true;
    case ipc::Command::kStop:
    case ipc::Command::kWorkerReady:
    case ipc::Command::kWorkerNotYet:
    case ipc::Command::kWorkerHangs:
      break;
  }
  return false;
}

void Operations::reload_by_signal() {
  if (running_) {
    reload_again_ = true;
    return;
  }
  reload(++own_tickets_, "SIGHUP");
}

void Operations::begin(std::uint64_t ticket, OperationKind kind, const std::string& what) {
  running_ = {.ticket = ticket, .kind = kind, .began_at = wall_clock_seconds(), .text = what};
  committed_ = false;
  ipc::begin_operation(parts_.fleet.board().header().operations, *running_);
}

void Operations::end(OperationState state, const std::string& text) {
  ipc::OperationRing& ring = parts_.fleet.board().header().operations;
  running_->state = state;
  running_->ended_at = wall_clock_seconds();
  running_->text = text;
  ipc::update_operation(ring, *running_);
  const std::string kind(to_string(running_->kind));
  if (running_->kind == OperationKind::kReload) {
    ipc::add(ring.reloads[static_cast<std::size_t>(state)]);
    if (state == OperationState::kApplied) ring.last_reload_at.store(running_->ended_at);
  }
  const std::string event = kind + "_" + std::string(to_string(state));
  if (state == OperationState::kApplied)
    log::info(event, kind + ": " + text);
  else
    log::error(event,
               kind + " " + std::string(to_string(state)) + ", what served before serves: " + text);
  running_.reset();
  change_.reset();
  if (!std::exchange(reload_again_, false) || stopped_) return;
  parts_.loop.defer([this] { reload_by_signal(); });
}

void Operations::refuse(std::uint64_t ticket, OperationKind kind, const std::string& why) {
  const double now = wall_clock_seconds();
  ipc::begin_operation(parts_.fleet.board().header().operations, {.ticket = ticket,
                                                                  .kind = kind,
                                                                  .state = OperationState::kRefused,
                                                                  .began_at = now,
                                                                  .ended_at = now,
                                                                  .text = why});
  if (kind == OperationKind::kReload)
    ipc::add(parts_.fleet.board()
                 .header()
                 .operations.reloads[static_cast<std::size_t>(OperationState::kRefused)]);
  log::warn(std::string(to_string(kind)) + "_refused", std::string(to_string(kind)) + ": " + why);
}

void Operations::reload(std::uint64_t ticket, const std::string& asked_by) {
  if (stopped_) return refuse(ticket, OperationKind::kReload, "the edge is stopping");
  if (running_)
    return refuse(ticket, OperationKind::kReload,
                  "a " + std::string(to_string(running_->kind)) + " is under way; try again");
  log::info("reload_begun", asked_by + ": the configuration is read anew");
  begin(ticket, OperationKind::kReload, "the configuration is read");
  loader_.start();
}

void Operations::on_loaded(LoadReport report) {
  if (!running_) return;
  for (const std::string& warning : report.warnings) log::warn("configuration_doubted", warning);
  if (!report.configuration)
    return end(OperationState::kRefused, report.configuration.error().message);
  config::Configuration next = *std::move(report.configuration);
  const std::string needs = what_needs_a_new_start(parts_.fleet.configuration(), next, report);
  if (!needs.empty()) return end(OperationState::kRefused, needs);
  parts_.settle(next);
  change_to(parts_.fleet.prepare(std::move(next)));
}

void Operations::change_to(Result<std::unique_ptr<Fleet::Change>> change) {
  if (!change) return end(OperationState::kRefused, change.error().message);
  change_ = *std::move(change);
  running_->text = "new workers start";
  ipc::update_operation(parts_.fleet.board().header().operations, *running_);
  parts_.fleet.begin(*change_);
  moved();
}

std::optional<std::string> Operations::pool_of(const ipc::CommandMessage& command) const {
  const auto& pools = parts_.fleet.configuration().pools;
  const bool known = command.configuration == parts_.fleet.in_force().number;
  if (!known || command.pool >= pools.size()) return std::nullopt;
  return pools[command.pool].name;
}

void Operations::restart(const ipc::CommandMessage& command) {
  const auto kind = OperationKind::kRestart;
  const auto pool = command.pool == ipc::kAllPools ? std::string() : pool_of(command);
  if (!pool) return refuse(command.ticket, kind, "the configuration has just changed; try again");
  if (stopped_) return refuse(command.ticket, kind, "the edge is stopping");
  if (running_)
    return refuse(command.ticket, kind,
                  "a " + std::string(to_string(running_->kind)) + " is under way; try again");
  begin(command.ticket, kind, "new workers start");
  log::info("restart_begun", "restart of " + (pool->empty() ? "all pools" : "pool " + *pool));
  change_to(parts_.fleet.prepare_restart(*pool, command.worker));
}

void Operations::scale(const ipc::CommandMessage& command) {
  const auto kind = OperationKind::kScale;
  const auto pool = pool_of(command);
  if (!pool) return refuse(command.ticket, kind, "the configuration has just changed; try again");
  if (stopped_) return refuse(command.ticket, kind, "the edge is stopping");
  if (running_)
    return refuse(command.ticket, kind,
                  "a " + std::string(to_string(running_->kind)) + " is under way; try again");
  begin(command.ticket, kind, "new workers start");
  log::info("scale_begun",
            "pool " + *pool + " is to have " + std::to_string(command.number) + " workers");
  change_to(parts_.fleet.prepare_scale(*pool, command.number));
}

void Operations::moved() {
  if (!running_ || !change_) return;
  const std::string failures = parts_.fleet.failures(*change_);
  if (!committed_ && !failures.empty()) {
    parts_.fleet.abort(*change_);
    return end(OperationState::kFailed, failures);
  }
  if (!committed_ && parts_.fleet.may_commit(*change_)) {
    committed_ = true;
    committed_at_ = parts_.loop.now();
    parts_.fleet.commit(*change_);
    if (change_->next) parts_.put_in_force();
  }
  if (!committed_ || !parts_.fleet.is_over(*change_)) return tell_progress();
  const std::size_t owing = change_->next ? parts_.fleet.workers_owing_certificates() : 0;
  if (owing != 0 && parts_.loop.now() - committed_at_ < kAnswerWithin) return;
  std::string late = parts_.fleet.failures(*change_);
  if (change_->next) late += (late.empty() ? "" : "\n") + parts_.fleet.certificate_refusals();
  if (late.ends_with('\n')) late.pop_back();
  if (!late.empty()) return end(OperationState::kFailed, late);
  std::string text = parts_.fleet.describe(*change_);
  if (owing != 0)
    text += "; " + std::to_string(owing) + (owing == 1 ? " worker takes" : " workers take") +
            " the certificates when it reads again";
  end(OperationState::kApplied, text);
}

void Operations::tell_progress() {
  std::string text = parts_.fleet.progress(*change_);
  if (text == running_->text) return;
  running_->text = std::move(text);
  ipc::update_operation(parts_.fleet.board().header().operations, *running_);
}

// Sockets that are closed want their time before the commit.
void Operations::tick() { moved(); }

bool Operations::reaped(pid_t pid) { return loader_.reaped(pid); }

void Operations::stop() {
  stopped_ = true;
  if (!running_) return;
  if (change_ && !committed_) parts_.fleet.abort(*change_);
  end(OperationState::kFailed, "the edge is stopping");
}

}  // namespace roundhouse::edge
