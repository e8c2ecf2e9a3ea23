#include "monitor/event_watch.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/signal_name.h"
#include "monitor/status.h"

namespace roundhouse::monitor {
namespace {

using ipc::EventKind;
using ipc::EventLevel;

// What happened in the last moments before a monitor's last look it may not have seen.
constexpr double kOverlap = 2;

std::string one_decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

bool is_loss(ipc::ExitReason reason) {
  switch (reason) {
    case ipc::ExitReason::kCrash:
    case ipc::ExitReason::kExited:
    case ipc::ExitReason::kOom:
    case ipc::ExitReason::kHang:
    case ipc::ExitReason::kBootTimeout:
    case ipc::ExitReason::kProtocol:
      return true;
    case ipc::ExitReason::kRecycleRequests:
    case ipc::ExitReason::kRecycleMemory:
    case ipc::ExitReason::kRecycleLifetime:
    case ipc::ExitReason::kShutdown:
    case ipc::ExitReason::kReload:
    case ipc::ExitReason::kScale:
    case ipc::ExitReason::kOperator:
      break;
  }
  return false;
}

// "crash: SIGSEGV after 12.4 s, 3 requests in flight".
std::string text_of(const ipc::ExitRecord& exit) {
  std::string text(to_string(exit.reason));
  text += exit.signal != 0 ? ": " + signal_name(exit.signal)
                           : ": exit code " + std::to_string(exit.exit_code);
  text += " after " + one_decimal(static_cast<double>(exit.lived_ns) / 1e9) + " s";
  if (exit.was_ready == 0 && is_loss(exit.reason)) text += ", never ready";
  if (exit.requests_in_flight != 0)
    text += ", " + std::to_string(exit.requests_in_flight) +
            (exit.requests_in_flight == 1 ? " request" : " requests") + " in flight";
  return text;
}

// The first lines of the requests that it served.
std::string detail_of(const ipc::ExitRecord& exit) {
  std::string detail;
  const auto count = std::min<std::size_t>(exit.in_flight_texts, ipc::kInFlightTexts);
  for (std::size_t i = 0; i < count; ++i) {
    const char* text = exit.in_flight[i];
    detail += (i == 0 ? "" : "; ") + printable({text, ::strnlen(text, ipc::kInFlightText)});
  }
  return detail;
}

std::string name_of(const metrics::EndpointValues& endpoint) {
  return endpoint.upstream + "/" + endpoint.name;
}

}  // namespace

EventWatch::EventWatch(const ipc::HistoryBoard& board)
    : board_(board), told_until_(board.watched_until() - kOverlap) {
  recall();
}

void EventWatch::recall() {
  for (const ipc::Event& event : board_.events(0)) {
    Worker& worker = workers_[event.subject];
    switch (event.kind) {
      case EventKind::kInstanceStarted:
        instance_told_ = true;
        break;
      case EventKind::kWorkerStarted:
        worker.started_pid = event.pid;
        break;
      case EventKind::kWorkerReady:
        worker.ready_pid = event.pid;
        break;
      case EventKind::kWorkerExited:
        worker.exit_at = std::max(worker.exit_at, event.at);
        break;
      case EventKind::kOperationEnded:
        operations_.insert(event.ticket);
        break;
      case EventKind::kEndpointUnhealthy:
      case EventKind::kEndpointHealthy:
        healthy_[event.subject] = event.kind == EventKind::kEndpointHealthy;
        break;
      case EventKind::kListenerPaused:
      case EventKind::kListenerResumed:
        paused_[event.subject] = event.kind == EventKind::kListenerPaused;
        break;
      case EventKind::kInstanceStopping:
        stopping_told_ = true;
        break;
      case EventKind::kMonitorStarted:
      case EventKind::kWorkerQuarantined:
      case EventKind::kWorkerFailed:
      case EventKind::kEndpointEjected:
        break;
    }
  }
}

void EventWatch::tell(ipc::Event event) {
  event.subject = printable(event.subject);
  news_.push_back(std::move(event));
}

void EventWatch::look(const metrics::Snapshot& snapshot, std::span<const ipc::Operation> operations,
                      double wall) {
  look_at_instance(snapshot, wall);
  for (const ipc::Operation& operation : operations) look_at_operation(operation);
  for (const metrics::PoolValues& pool : snapshot.pools)
    for (const metrics::WorkerValues& worker : pool.workers)
      look_at_worker(pool.layout.name + "/" + std::to_string(worker.id), worker, wall);
  for (const metrics::ListenerValues& listener : snapshot.listeners)
    look_at_listener(listener, wall);
  for (const metrics::EndpointValues& endpoint : snapshot.endpoints)
    look_at_endpoint(endpoint, wall);
  forget_those_that_left(snapshot, operations);
  std::ranges::stable_sort(news_, {}, &ipc::Event::at);
  for (const ipc::Event& event : news_) board_.add_event(event);
  news_.clear();
  board_.set_watched_until(wall);
  first_ = false;
}

// Names come and go with what a name server says, and tickets with every operation.
void EventWatch::forget_those_that_left(const metrics::Snapshot& snapshot,
                                        std::span<const ipc::Operation> operations) {
  constexpr std::size_t kMostTickets = 64;
  if (operations_.size() > kMostTickets) {
    operations_.clear();
    for (const ipc::Operation& operation : operations) operations_.insert(operation.ticket);
  }
  if (ejections_.size() <= snapshot.endpoints.size()) return;
  std::set<std::string> names;
  for (const metrics::EndpointValues& endpoint : snapshot.endpoints)
    names.insert(name_of(endpoint));
  const auto left = [&](const auto& item) { return !names.contains(item.first); };
  std::erase_if(ejections_, left);
  std::erase_if(healthy_, left);
}

void EventWatch::look_at_instance(const metrics::Snapshot& snapshot, double wall) {
  if (!std::exchange(instance_told_, true))
    tell({.at = snapshot.started_at,
          .kind = EventKind::kInstanceStarted,
          .pid = snapshot.edge_pid,
          .subject = "edge",
          .text = "roundhouse " ROUNDHOUSE_VERSION});
  else if (first_)
    tell({.at = wall,
          .kind = EventKind::kMonitorStarted,
          .subject = "monitor",
          .text = "configuration " + std::to_string(snapshot.configuration)});
  if (snapshot.stopping && !std::exchange(stopping_told_, true))
    tell({.at = wall,
          .kind = EventKind::kInstanceStopping,
          .level = EventLevel::kWarn,
          .pid = snapshot.edge_pid,
          .subject = "edge"});
}

void EventWatch::look_at_worker(const std::string& name, const metrics::WorkerValues& worker,
                                double wall) {
  look_at_exits(name, worker);
  Worker& told = workers_[name];
  if (worker.pid != 0 && std::exchange(told.started_pid, worker.pid) != worker.pid &&
      !is_past(worker.started_at))
    tell({.at = worker.started_at,
          .kind = EventKind::kWorkerStarted,
          .pid = worker.pid,
          .subject = name,
          .text = "generation " + std::to_string(worker.generation)});
  if (worker.pid != 0 && worker.state == ipc::WorkerState::kReady &&
      std::exchange(told.ready_pid, worker.pid) != worker.pid && !is_past(worker.started_at))
    tell({.at = wall, .kind = EventKind::kWorkerReady, .pid = worker.pid, .subject = name});
  const auto before = std::exchange(told.state, worker.state);
  if (!before || *before == worker.state) return;
  if (worker.state == ipc::WorkerState::kQuarantined)
    tell({.at = wall,
          .kind = EventKind::kWorkerQuarantined,
          .level = EventLevel::kError,
          .subject = name,
          .text = "it never became ready several times in a row"});
  if (worker.state == ipc::WorkerState::kFailed)
    tell({.at = wall,
          .kind = EventKind::kWorkerFailed,
          .level = EventLevel::kError,
          .subject = name,
          .text = "it said that starting it again is no use"});
}

void EventWatch::look_at_exits(const std::string& name, const metrics::WorkerValues& worker) {
  Worker& told = workers_[name];
  for (auto exit = worker.exits.rbegin(); exit != worker.exits.rend(); ++exit) {
    if (exit->at <= told.exit_at) continue;
    told.exit_at = exit->at;
    if (is_past(exit->at)) continue;
    tell({.at = exit->at,
          .kind = EventKind::kWorkerExited,
          .level = is_loss(exit->reason) ? EventLevel::kError : EventLevel::kInfo,
          .pid = exit->pid,
          .subject = name,
          .text = text_of(*exit),
          .detail = detail_of(*exit)});
  }
}

void EventWatch::look_at_listener(const metrics::ListenerValues& listener, double wall) {
  const bool paused = listener.paused.has_value();
  const auto [known, is_new] = paused_.try_emplace(listener.layout.name, false);
  // While the first workers start there is nothing to tell.
  const bool starts = is_new && paused && *listener.paused == ipc::PauseReason::kNoWorker;
  if (starts) paused_.erase(known);
  if (starts || known->second == paused) return;
  known->second = paused;
  tell({.at = wall,
        .kind = paused ? EventKind::kListenerPaused : EventKind::kListenerResumed,
        .level = paused ? EventLevel::kWarn : EventLevel::kInfo,
        .subject = listener.layout.name,
        .text = paused ? std::string(to_string(*listener.paused)) : ""});
}

void EventWatch::look_at_endpoint(const metrics::EndpointValues& endpoint, double wall) {
  const std::string name = name_of(endpoint);
  if (endpoint.healthy) {
    bool& healthy = healthy_.try_emplace(name, true).first->second;
    if (std::exchange(healthy, *endpoint.healthy) != *endpoint.healthy)
      tell({.at = wall,
            .kind = healthy ? EventKind::kEndpointHealthy : EventKind::kEndpointUnhealthy,
            .level = healthy ? EventLevel::kInfo : EventLevel::kError,
            .subject = name,
            .text = "by its health probe"});
  }
  const auto [known, is_new] = ejections_.try_emplace(name, endpoint.ejections);
  if (std::exchange(known->second, endpoint.ejections) >= endpoint.ejections) return;
  tell({.at = wall,
        .kind = EventKind::kEndpointEjected,
        .level = EventLevel::kWarn,
        .subject = name,
        .text = std::to_string(endpoint.ejected_by) + " workers leave it alone for a while"});
}

void EventWatch::look_at_operation(const ipc::Operation& operation) {
  const bool running = operation.state == ipc::OperationState::kRunning;
  if (running || operations_.contains(operation.ticket)) return;
  operations_.insert(operation.ticket);
  if (is_past(operation.ended_at)) return;
  const bool applied = operation.state == ipc::OperationState::kApplied;
  tell({.at = operation.ended_at,
        .kind = EventKind::kOperationEnded,
        .level = applied ? EventLevel::kInfo : EventLevel::kError,
        .ticket = operation.ticket,
        .subject = std::string(to_string(operation.kind)),
        .text = std::string(to_string(operation.state)),
        .detail = operation.text});
}

}  // namespace roundhouse::monitor
