#include "monitor/status.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string_view>

#include "base/signal_name.h"
#include "monitor/certificate_expiry.h"

namespace roundhouse::monitor {
namespace {

using metrics::ListenerValues;
using metrics::PoolValues;
using metrics::Snapshot;
using metrics::WorkerValues;

// The edge beats several times a second.
constexpr Duration kHeartbeatStale = std::chrono::seconds(10);
constexpr double kNanosecond = 1e-9;

std::string format(const char* pattern, auto... values) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

Json backtrace_of(const ipc::ExitRecord& record) {
  Json frames = Json::array();
  const auto count = std::min<std::size_t>(record.backtrace_frames, ipc::kBacktraceFrames);
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back(format("0x%llx", static_cast<unsigned long long>(record.backtrace[i])));
  }
  return frames;
}

Json in_flight_of(const ipc::ExitRecord& record) {
  Json texts = Json::array();
  const auto count = std::min<std::size_t>(record.in_flight_texts, ipc::kInFlightTexts);
  for (std::size_t i = 0; i < count; ++i) {
    const char* text = record.in_flight[i];
    texts.push_back(printable({text, ::strnlen(text, ipc::kInFlightText)}));
  }
  return texts;
}

// The lines of what a program wrote, as a terminal can show them.
Json lines_of(std::string_view words) {
  Json lines = Json::array();
  while (!words.empty()) {
    const auto end = std::min(words.find('\n'), words.size());
    lines.push_back(printable(words.substr(0, end)));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return lines;
}

// `tells`: the worker's type says how many connections and requests it holds.
Json exit_of(const ipc::ExitRecord& record, bool tells, Viewer viewer) {
  const bool signalled = record.signal != 0;
  Json json{
      {"at", record.at},
      {"reason", to_string(record.reason)},
      {"pid", record.pid},
      {"signal", signalled ? Json(signal_name(record.signal)) : Json(nullptr)},
      {"exit_code", signalled ? Json(nullptr) : Json(record.exit_code)},
      {"core_dumped", record.core_dumped != 0},
      {"was_ready", record.was_ready != 0},
      {"lived_seconds", static_cast<double>(record.lived_ns) * kNanosecond},
      {"ready_for_seconds", static_cast<double>(record.ready_for_ns) * kNanosecond},
      {"user_cpu_seconds", static_cast<double>(record.user_cpu_ns) * kNanosecond},
      {"system_cpu_seconds", static_cast<double>(record.system_cpu_ns) * kNanosecond},
      {"max_resident_memory_bytes", record.max_resident_bytes},
      {"connections_active", tells ? Json(record.connections_active) : Json(nullptr)},
      {"requests_in_flight", tells ? Json(record.requests_in_flight) : Json(nullptr)},
      {"backtrace", backtrace_of(record)},
  };
  if (viewer == Viewer::kOperator) json["in_flight"] = in_flight_of(record);
  return json;
}

// Those that are not 0, by name, and their sum.
template <std::size_t N, typename Name>
std::pair<std::uint64_t, Json> counts_of(const std::array<std::uint64_t, N>& counts, Name name) {
  std::uint64_t total = 0;
  Json by_name = Json::object();
  for (std::size_t i = 0; i < N; ++i) {
    total += counts[i];
    if (counts[i] != 0) by_name[std::string(name(i))] = counts[i];
  }
  return {total, by_name};
}

// Its processes are in different places.
std::string words_of(const WorkerValues& worker, std::int32_t pid, const LastWords& last_words) {
  for (const std::size_t row : worker.rows) {
    if (std::string words = last_words(row, pid); !words.empty()) return words;
  }
  return {};
}

Json older_of(const WorkerValues& worker) {
  Json list = Json::array();
  for (const metrics::OlderProcess& older : worker.older) {
    list.push_back({{"pid", older.pid},
                    {"generation", older.generation},
                    {"state", to_string(older.state)},
                    {"uptime_seconds", older.uptime_seconds},
                    {"connections", older.connections_active},
                    {"requests", older.requests_in_flight}});
  }
  return list;
}

Json worker_of(const PoolValues& pool, const WorkerValues& worker, Viewer viewer,
               const LastWords& last_words) {
  const auto [restarts, restarts_by_reason] = counts_of(
      worker.restarts, [](std::size_t i) { return to_string(static_cast<ipc::ExitReason>(i)); });
  const auto [crashes, crashes_by_signal] =
      counts_of(worker.crashes, [](std::size_t i) { return signal_name(static_cast<int>(i)); });
  const auto& slot = worker.slot;
  // What its type cannot tell is null, as it is absent from the metrics.
  const bool tells = pool.tells_connections();
  const bool counts = pool.counts_connections();
  const auto if_told = [&](bool told, auto value) {
    return slot && told ? Json(value(*slot)) : Json(nullptr);
  };
  using Slot = metrics::SlotValues;
  Json exits = Json::array();
  for (const ipc::ExitRecord& record : worker.exits) {
    Json exit = exit_of(record, tells, viewer);
    if (viewer == Viewer::kOperator && last_words)
      exit["stderr"] = lines_of(words_of(worker, record.pid, last_words));
    exits.push_back(std::move(exit));
  }
  return {
      {"id", worker.id},
      {"pid", worker.pid != 0 ? Json(worker.pid) : Json(nullptr)},
      {"state", to_string(worker.state)},
      {"generation", worker.generation},
      {"older", older_of(worker)},
      {"uptime_seconds", worker.pid != 0 ? Json(worker.uptime_seconds) : Json(nullptr)},
      {"next_start_in_seconds", json_or_null(worker.next_start_in_seconds)},
      {"stalled", worker.stalled},
      {"certificates", worker.certificates != 0 ? Json(worker.certificates) : Json(nullptr)},
      {"certificates_refused", worker.certificates_refused},
      {"untaken", worker.untaken},
      {"restarts", restarts},
      {"restarts_by_reason", restarts_by_reason},
      {"crashes", crashes},
      {"crashes_by_signal", crashes_by_signal},
      {"connections",
       {{"active", tells ? if_told(true, [](const Slot& s) { return s.connections_active; })
                         : json_or_null(worker.connections_sampled)},
        {"total", if_told(counts, [](const Slot& s) { return s.connections_total; })},
        {"limit", tells ? Json(pool.layout.worker_connections) : Json(nullptr)}}},
      {"requests",
       {{"total", if_told(tells, [](const Slot& s) { return s.requests_total; })},
        {"in_flight", if_told(tells, [](const Slot& s) { return s.requests_in_flight; })},
        {"per_second", tells ? json_or_null(worker.requests_per_second) : Json(nullptr)}}},
      {"cpu_percent", json_or_null(worker.cpu_percent)},
      {"cpu_seconds", json_or_null(worker.usage.cpu_seconds)},
      {"resident_memory_bytes", json_or_null(worker.usage.resident_bytes)},
      {"open_fds", json_or_null(worker.usage.open_fds)},
      {"listens", worker.listens.empty() ? Json(nullptr) : Json(printable(worker.listens))},
      {"exits", exits},
  };
}

Json pool_of(const PoolValues& pool, Viewer viewer, const LastWords& last_words) {
  Json states = Json::object();
  for (std::size_t i = 0; i < ipc::kWorkerStates; ++i) {
    const auto state = static_cast<ipc::WorkerState>(i);
    states[std::string(to_string(state))] = pool.count(state);
  }
  Json workers = Json::array();
  for (const WorkerValues& worker : pool.workers) {
    if (worker.left) continue;
    workers.push_back(worker_of(pool, worker, viewer, last_words));
  }
  return {{"name", pool.layout.name},
          {"type", pool.layout.type},
          {"policy", pool.layout.policy},
          {"fairness", json_or_null(pool.fairness)},
          {"wanted", pool.wanted},
          {"states", states},
          {"workers", workers}};
}

Json listener_of(const ListenerValues& listener) {
  Json paused_seconds = Json::object();
  for (std::size_t i = 0; i < ipc::kPauseReasons; ++i) {
    paused_seconds[std::string(to_string(static_cast<ipc::PauseReason>(i)))] =
        listener.paused_seconds[i];
  }
  return {
      {"name", listener.layout.name},
      {"pool", listener.layout.pool},
      {"addresses", listener.addresses},
      {"accepted", json_or_null(listener.accepted)},
      {"active", json_or_null(listener.active)},
      {"limit", listener.layout.max_connections},
      {"request_failures", json_or_null(listener.request_failures)},
      {"paused", listener.paused ? Json(to_string(*listener.paused)) : Json(nullptr)},
      {"paused_seconds", paused_seconds},
  };
}

std::string_view state_of(const metrics::EndpointValues& endpoint) {
  if (endpoint.leaving) return "leaving";
  if (!endpoint.serves) return "not ready";
  return endpoint.healthy.value_or(true) ? "in use" : "unhealthy";
}

Json endpoint_of(const metrics::EndpointValues& endpoint) {
  return {
      {"upstream", endpoint.upstream},
      {"name", endpoint.name},
      {"state", state_of(endpoint)},
      {"healthy", json_or_null(endpoint.healthy)},
      {"ejected_by", endpoint.ejected_by},
      {"ejections", endpoint.ejections},
      {"requests",
       {{"total", endpoint.requests},
        {"in_flight", endpoint.requests_in_flight},
        {"failed", endpoint.failures},
        {"retried", endpoint.retries}}},
      {"connections", {{"active", endpoint.connections_active}, {"total", endpoint.connects}}},
      {"bytes", {{"sent", endpoint.sent_bytes}, {"received", endpoint.received_bytes}}},
      {"p50_seconds", json_or_null(endpoint.durations.quantile(0.5))},
      {"p99_seconds", json_or_null(endpoint.durations.quantile(0.99))},
  };
}

Json route_of(const metrics::RouteValues& route) {
  std::uint64_t total = 0;
  std::uint64_t failed = 0;
  for (const auto& [code, count] : route.answers) {
    total += count;
    if (code >= 500) failed += count;
  }
  return {{"name", route.name},
          {"requests", {{"total", total}, {"failed", failed}}},
          {"p50_seconds", json_or_null(route.durations.quantile(0.5))},
          {"p99_seconds", json_or_null(route.durations.quantile(0.99))}};
}

Json configuration_of(const Snapshot& snapshot) {
  Json reloads = Json::object();
  for (std::size_t i = 0; i < ipc::kOperationStates; ++i) {
    const auto state = static_cast<ipc::OperationState>(i);
    if (state != ipc::OperationState::kRunning)
      reloads[std::string(to_string(state))] = snapshot.reloads[i];
  }
  return {{"number", snapshot.configuration},
          {"in_force_since", snapshot.last_reload_at},
          {"reloads", reloads}};
}

// Of each listener the certificate that expires first, if that is soon.
Json expiry_warnings_of(const Snapshot& snapshot) {
  Json warnings = Json::array();
  const double now = snapshot.started_at + snapshot.uptime_seconds;
  for (const ListenerValues& listener : snapshot.listeners) {
    const auto& all = listener.layout.certificates;
    using Certificate = metrics::Layout::Listener::Certificate;
    const auto first = std::ranges::min_element(all, {}, &Certificate::not_after);
    if (first == all.end()) continue;
    const std::string warning = expiry_warning({.kind = "listener",
                                                .owner = listener.layout.name,
                                                .name = first->name,
                                                .not_after = first->not_after},
                                               now);
    if (!warning.empty()) warnings.push_back(warning);
  }
  return warnings;
}

}  // namespace

Json status(const Snapshot& snapshot, Viewer viewer, const LastWords& last_words) {
  const auto& age = snapshot.edge_heartbeat_age;
  Json json{
      {"version", ROUNDHOUSE_VERSION},
      {"ready", unready_reasons(snapshot).empty()},
      {"stopping", snapshot.stopping},
      {"edge",
       {{"pid", snapshot.edge_pid},
        {"started_at", snapshot.started_at},
        {"uptime_seconds", snapshot.uptime_seconds},
        {"heartbeat_age_seconds", age ? Json(seconds(*age)) : Json(nullptr)},
        {"cpu_seconds", json_or_null(snapshot.edge.cpu_seconds)},
        {"resident_memory_bytes", json_or_null(snapshot.edge.resident_bytes)},
        {"open_fds", json_or_null(snapshot.edge.open_fds)}}},
      {"monitor_restarts", snapshot.monitor_restarts},
      {"configuration", configuration_of(snapshot)},
      {"certificates",
       {{"renewed", snapshot.certificates_renewed},
        {"refused", snapshot.certificates_refused},
        {"expire", expiry_warnings_of(snapshot)}}},
      {"container",
       {{"memory_bytes", json_or_null(snapshot.container_memory)},
        {"memory_limit_bytes", json_or_null(snapshot.container_memory_limit)}}},
  };
  if (viewer == Viewer::kOperator) {
    json["configuration_source"] = snapshot.configuration_source;
    if (snapshot.certificates_refused != 0)
      json["certificates"]["refusal"] = snapshot.certificate_refusal;
  }
  json["listeners"] = Json::array();
  for (const auto& listener : snapshot.listeners)
    json["listeners"].push_back(listener_of(listener));
  json["pools"] = Json::array();
  for (const auto& pool : snapshot.pools)
    json["pools"].push_back(pool_of(pool, viewer, last_words));
  json["routes"] = Json::array();
  for (const auto& route : snapshot.routes) json["routes"].push_back(route_of(route));
  json["endpoints"] = Json::array();
  for (const auto& endpoint : snapshot.endpoints)
    json["endpoints"].push_back(endpoint_of(endpoint));
  return json;
}

std::string unhealthy_reason(const Snapshot& snapshot) {
  if (!snapshot.edge_heartbeat_age) return "the edge has not begun";
  if (*snapshot.edge_heartbeat_age <= kHeartbeatStale) return "";
  return "no heartbeat of the edge for " + format("%.1f s", seconds(*snapshot.edge_heartbeat_age));
}

std::string unready_reasons(const Snapshot& snapshot) {
  std::string reasons;
  if (const std::string reason = unhealthy_reason(snapshot); !reason.empty()) {
    reasons += reason + "\n";
  }
  if (snapshot.stopping) reasons += "the edge is stopping\n";
  for (const PoolValues& pool : snapshot.pools) {
    if (pool.count(ipc::WorkerState::kReady) != 0) continue;
    reasons += "pool " + pool.layout.name + " has no ready worker\n";
  }
  return reasons;
}

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\\') {
      shown += "\\\\";
    } else if (c >= ' ' && c <= '~') {
      shown += c;
    } else {
      shown += format("\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return shown;
}

}  // namespace roundhouse::monitor
