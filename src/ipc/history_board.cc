#include "ipc/history_board.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace roundhouse::ipc {
namespace {

// No monitor comes so far, and JSON can still say it.
constexpr std::uint64_t kMostEvents = std::uint64_t{1} << 52;

template <std::size_t N>
std::string text_of(const char (&text)[N]) {
  return {text, ::strnlen(text, N - 1)};
}

template <std::size_t N>
void put(char (&to)[N], std::string_view text) {
  std::ranges::fill(to, '\0');
  std::ranges::copy(text.substr(0, N - 1), to);
}

bool makes_sense(float value) { return std::isnan(value) || (std::isfinite(value) && value >= 0); }

bool makes_sense(const HistorySample& sample) {
  const float values[] = {
      sample.requests_per_second, sample.errors_per_second, sample.connections_per_second,
      sample.connections,         sample.p50_seconds,       sample.p99_seconds,
      sample.handoff_p99_seconds};
  return std::isfinite(sample.at) && sample.at > 0 &&
         std::ranges::all_of(values, [](float value) { return makes_sense(value); }) &&
         std::ranges::all_of(sample.workers, [](const WorkerLoad& load) {
           return makes_sense(load.requests_per_second) && makes_sense(load.cpu_percent);
         });
}

std::optional<Event> event_of(const EventRecord& record, std::uint64_t sequence) {
  if (record.sequence != sequence || static_cast<std::size_t>(record.kind) >= kEventKinds ||
      record.level > EventLevel::kError || !std::isfinite(record.at))
    return std::nullopt;
  return Event{.sequence = sequence,
               .at = record.at,
               .kind = record.kind,
               .level = record.level,
               .pid = record.pid,
               .ticket = record.ticket,
               .subject = text_of(record.subject),
               .text = text_of(record.text),
               .detail = text_of(record.detail)};
}

void forget_worker(std::span<HistorySample> samples, std::size_t place) {
  for (HistorySample& sample : samples) sample.workers[place] = {NAN, NAN};
}

}  // namespace

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::kInstanceStarted:
      return "instance_started";
    case EventKind::kInstanceStopping:
      return "instance_stopping";
    case EventKind::kMonitorStarted:
      return "monitor_started";
    case EventKind::kWorkerStarted:
      return "worker_started";
    case EventKind::kWorkerReady:
      return "worker_ready";
    case EventKind::kWorkerExited:
      return "worker_exited";
    case EventKind::kWorkerQuarantined:
      return "worker_quarantined";
    case EventKind::kWorkerFailed:
      return "worker_failed";
    case EventKind::kOperationEnded:
      return "operation_ended";
    case EventKind::kEndpointUnhealthy:
      return "endpoint_unhealthy";
    case EventKind::kEndpointHealthy:
      return "endpoint_healthy";
    case EventKind::kEndpointEjected:
      return "endpoint_ejected";
    case EventKind::kListenerPaused:
      return "listener_paused";
    case EventKind::kListenerResumed:
      return "listener_resumed";
  }
  return "unknown";
}

std::string_view to_string(EventLevel level) {
  switch (level) {
    case EventLevel::kInfo:
      return "info";
    case EventLevel::kWarn:
      return "warn";
    case EventLevel::kError:
      return "error";
  }
  return "unknown";
}

Result<HistoryBoard> HistoryBoard::create() {
  HistoryBoard board;
  board.memory_ = TRY(Shared<HistoryMemory>::create("roundhouse-history"));
  return board;
}

Result<HistoryBoard> HistoryBoard::open(UniqueFd fd) {
  HistoryBoard board;
  board.memory_ = TRY(Shared<HistoryMemory>::open(std::move(fd), Access::kReadWrite));
  if (board.last_event() > kMostEvents)
    return fail("the history has more events than there can be", ExitCode::kSystem);
  return board;
}

std::array<std::string, kHistoryWorkers> HistoryBoard::workers() const {
  std::array<std::string, kHistoryWorkers> names;
  for (std::size_t i = 0; i < kHistoryWorkers; ++i) names[i] = text_of(memory_->worker_names[i]);
  return names;
}

std::vector<std::size_t> HistoryBoard::place_workers(std::span<const std::string> names) const {
  auto known = workers();
  std::vector<std::size_t> places;
  const auto take = [&](const std::string& name, auto is_free) {
    const auto place =
        static_cast<std::size_t>(std::ranges::find_if(known, is_free) - known.begin());
    if (place == kHistoryWorkers) return place;
    known[place] = name;
    put(memory_->worker_names[place], name);
    forget_worker(ring(HistoryStep::kFine), place);
    forget_worker(ring(HistoryStep::kCoarse), place);
    return place;
  };
  for (const std::string& name : names) {
    auto place = static_cast<std::size_t>(std::ranges::find(known, name) - known.begin());
    if (place == kHistoryWorkers)
      place = take(name, [](const std::string& other) { return other.empty(); });
    if (place == kHistoryWorkers)
      place = take(name, [&](const std::string& other) {
        return std::ranges::find(names, other) == names.end();
      });
    places.push_back(place);
  }
  return places;
}

std::span<HistorySample> HistoryBoard::ring(HistoryStep step) const {
  if (step == HistoryStep::kFine) return memory_->fine;
  return memory_->coarse;
}

void HistoryBoard::add(HistoryStep step, const HistorySample& sample) const {
  Counter& written = step == HistoryStep::kFine ? memory_->fine_written : memory_->coarse_written;
  const auto samples = ring(step);
  samples[written.load(std::memory_order_relaxed) % samples.size()] = sample;
  ipc::add(written);
}

std::vector<HistorySample> HistoryBoard::samples(HistoryStep step) const {
  std::vector<HistorySample> found;
  for (const HistorySample& sample : ring(step))
    if (makes_sense(sample)) found.push_back(sample);
  // By their time, as a clock that was set back lets a ring begin anywhere.
  std::ranges::sort(found, {}, &HistorySample::at);
  const auto twice = std::ranges::unique(found, {}, &HistorySample::at);
  found.erase(twice.begin(), twice.end());
  return found;
}

std::uint64_t HistoryBoard::add_event(const Event& event) const {
  const std::uint64_t sequence = last_event() + 1;
  EventRecord& record = memory_->events[sequence % kKeptEvents];
  record.sequence = 0;  // whoever dies in the middle leaves no half event
  std::atomic_signal_fence(std::memory_order_seq_cst);
  record.at = event.at;
  record.kind = event.kind;
  record.level = event.level;
  record.pid = event.pid;
  record.ticket = event.ticket;
  put(record.subject, event.subject);
  put(record.text, event.text);
  put(record.detail, event.detail);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  record.sequence = sequence;
  memory_->events_written.store(sequence, std::memory_order_release);
  return sequence;
}

std::uint64_t HistoryBoard::last_event() const {
  return memory_->events_written.load(std::memory_order_acquire);
}

std::vector<Event> HistoryBoard::events(std::uint64_t after) const {
  const std::uint64_t last = last_event();
  std::vector<Event> found;
  if (after >= last) return found;
  std::uint64_t sequence = last > kKeptEvents ? last - kKeptEvents : 0;
  for (sequence = std::max(sequence, after) + 1; sequence <= last; ++sequence)
    if (auto event = event_of(memory_->events[sequence % kKeptEvents], sequence))
      found.push_back(*std::move(event));
  return found;
}

}  // namespace roundhouse::ipc
