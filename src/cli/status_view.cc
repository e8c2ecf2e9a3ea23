#include "cli/status_view.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "cli/status_fields.h"
#include "cli/table.h"

namespace roundhouse::cli {
namespace {

// "1.8 ms"
std::string short_milliseconds(double seconds) { return grouped_tenths(seconds * 1e3) + " ms"; }

// "crash SIGSEGV", "exited with 3", "recycle_memory".
std::string how_it_ended(const Json& exit) {
  std::string how = text(exit, "reason");
  if (member(exit, "signal").is_string()) return how + " " + text(exit, "signal");
  const auto code = number(exit, "exit_code");
  return code && *code != 0 ? how + " exit code " + grouped(*code) : how;
}

// "1 restart", "2 restarts".
std::string counted(const Json& json, std::string_view key, const std::string& what) {
  return shown(json, key, grouped) + " " + what + (number(json, key) == 1.0 ? "" : "s");
}

std::string last_exit(const Json& worker, double now) {
  const Json& exits = member(worker, "exits");
  if (!exits.is_array() || exits.empty()) return "-";
  const Json& newest = exits.front();
  return how_it_ended(newest) + ", " + short_duration(now - number(newest, "at").value_or(now)) +
         " ago";
}

std::string state_of(const Json& worker) {
  std::string state = text(worker, "state");
  if (is_true(worker, "stalled")) state += " (stalled)";
  if (is_true(worker, "certificates_refused")) state += " (OLD CERTIFICATES)";
  if (const auto next = number(worker, "next_start_in_seconds"))
    state += " (start in " + short_duration(*next) + ")";
  return state;
}

std::string instance_text(const Json& status) {
  const Json& edge = member(status, "edge");
  std::string state = is_true(status, "ready") ? "ready" : "not ready";
  if (is_true(status, "stopping")) state = "stopping";
  std::string result = "roundhouse " + text(status, "version") + ", edge " + text(edge, "pid") +
                       ", up " + shown(edge, "uptime_seconds", short_duration) + ", " + state +
                       "\n";
  if (member(status, "configuration_source").is_string()) {
    result += "configuration: " + text(status, "configuration_source") + "\n";
  }
  const Json& certificates = member(status, "certificates");
  if (number(certificates, "refused").value_or(0) > 0)
    result += "CERTIFICATES REFUSED: " + shown(certificates, "refused", grouped) +
              ", those before go on: " + text(certificates, "refusal") + "\n";
  const Json& expire = member(certificates, "expire");
  for (std::size_t i = 0; expire.is_array() && i < expire.size(); ++i)
    if (expire[i].is_string())
      result += "CERTIFICATE EXPIRES: " + expire[i].get<std::string>() + "\n";
  return result;
}

// Only what is known: of programs that accept for themselves that is little.
std::string listener_text(const Json& listener) {
  std::string result = "listener " + text(listener, "name") + " on " + text(listener, "addresses") +
                       ", pool " + text(listener, "pool");
  const char* before = ": ";
  if (number(listener, "active")) {
    result += before + shown(listener, "active", grouped) + " of " +
              shown(listener, "limit", grouped) + " connections open";
    before = ", ";
  }
  if (number(listener, "accepted"))
    result += before + shown(listener, "accepted", grouped) + " accepted";
  if (member(listener, "paused").is_string()) result += ", PAUSED: " + text(listener, "paused");
  return result + "\n";
}

// What the programs listen on: one line for each different answer, as a rule one.
std::string listens_text(const Json& workers) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; workers.is_array() && i < workers.size(); ++i) {
    if (!member(workers[i], "listens").is_string()) continue;
    std::string line = "  listens: " + text(workers[i], "listens") + "\n";
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
  }
  std::string result;
  for (const std::string& line : lines) result += line;
  return result;
}

// What is not told of such a process is in the line of the worker.
void add_older(Table& table, const Json& worker) {
  const Json& all = member(worker, "older");
  for (std::size_t i = 0; all.is_array() && i < all.size(); ++i) {
    const Json& older = all[i];
    table.add({text(worker, "id"), text(older, "pid"), state_of(older), text(older, "generation"),
               shown(older, "uptime_seconds", short_duration), "", "",
               shown(older, "connections", grouped), "", "", "", ""});
  }
}

std::string pool_text(const Json& pool, double now) {
  const Json& workers = member(pool, "workers");
  const std::size_t count = workers.is_array() ? workers.size() : 0;
  std::string result =
      "pool " + text(pool, "name") + " (" + text(pool, "type") + ", policy " + text(pool, "policy");
  if (const auto fairness = number(pool, "fairness")) {
    result += ", fairness " + std::to_string(*fairness).substr(0, 6);
  }
  result += "): " + shown(member(pool, "states"), "ready", grouped) + " of " +
            std::to_string(count) + " workers ready\n";

  constexpr Align kRight = Align::kRight;
  Table table({{"ID", kRight},
               {"PID", kRight},
               {"STATE"},
               {"GEN", kRight},
               {"UPTIME", kRight},
               {"RESTARTS", kRight},
               {"LAST EXIT"},
               {"OPEN", kRight},
               {"TOTAL", kRight},
               {"REQ/S", kRight},
               {"CPU %", kRight},
               {"MEMORY", kRight}});
  for (std::size_t i = 0; i < count; ++i) {
    const Json& worker = workers[i];
    const Json& connections = member(worker, "connections");
    table.add({text(worker, "id"), text(worker, "pid"), state_of(worker),
               text(worker, "generation"), shown(worker, "uptime_seconds", short_duration),
               shown(worker, "restarts", grouped), last_exit(worker, now),
               shown(connections, "active", grouped), shown(connections, "total", grouped),
               shown(member(worker, "requests"), "per_second", grouped_tenths),
               shown(worker, "cpu_percent", grouped_tenths),
               shown(worker, "resident_memory_bytes", short_bytes)});
    add_older(table, worker);
  }
  return result + listens_text(workers) + table.text(2);
}

std::string endpoints_text(const Json& endpoints) {
  constexpr Align kRight = Align::kRight;
  Table table({{"UPSTREAM"},
               {"ENDPOINT"},
               {"STATE"},
               {"IN FLIGHT", kRight},
               {"OPEN", kRight},
               {"REQUESTS", kRight},
               {"FAILED", kRight},
               {"SENT", kRight},
               {"RECEIVED", kRight},
               {"P50", kRight},
               {"P99", kRight}});
  for (const Json& endpoint : endpoints) {
    const Json& requests = member(endpoint, "requests");
    const std::string state = text(endpoint, "state");
    const double ejected_by = number(endpoint, "ejected_by").value_or(0);
    table.add({text(endpoint, "upstream"), text(endpoint, "name"),
               state == "in use" && ejected_by > 0
                   ? "ejected by " + counted(endpoint, "ejected_by", "worker")
                   : state,
               shown(requests, "in_flight", grouped),
               shown(member(endpoint, "connections"), "active", grouped),
               shown(requests, "total", grouped), shown(requests, "failed", grouped),
               shown(member(endpoint, "bytes"), "sent", short_bytes),
               shown(member(endpoint, "bytes"), "received", short_bytes),
               shown(endpoint, "p50_seconds", short_milliseconds),
               shown(endpoint, "p99_seconds", short_milliseconds)});
  }
  return table.text(0);
}

std::string when(const Json& exit) {
  const auto at = number(exit, "at");
  if (!at || *at < 0 || *at > 1e11) return "-";
  const auto seconds = static_cast<std::time_t>(*at);
  std::tm local{};
  char shown[32] = "";
  if (::localtime_r(&seconds, &local) != nullptr)
    std::strftime(shown, sizeof shown, "%Y-%m-%d %H:%M:%S", &local);
  return shown;
}

std::string exit_text(const Json& exit, double now) {
  const double cpu =
      number(exit, "user_cpu_seconds").value_or(0) + number(exit, "system_cpu_seconds").value_or(0);
  std::string result =
      "  " + when(exit) + ", " + short_duration(now - number(exit, "at").value_or(now)) +
      " ago: " + how_it_ended(exit) + (is_true(exit, "core_dumped") ? ", core dumped" : "") + "\n";
  result += "    pid " + text(exit, "pid") + ", lived " +
            shown(exit, "lived_seconds", short_duration) +
            (is_true(exit, "was_ready")
                 ? ", ready for " + shown(exit, "ready_for_seconds", short_duration)
                 : std::string(", never ready")) +
            ", CPU " + short_duration(cpu) + ", at most " +
            shown(exit, "max_resident_memory_bytes", short_bytes) + "\n";
  if (number(exit, "connections_active"))
    result += "    " + counted(exit, "connections_active", "connection") + " open, " +
              counted(exit, "requests_in_flight", "request") + " in flight\n";
  for (const auto& [list, title] : {std::pair{"in_flight", "in flight:"},
                                    {"backtrace", "backtrace, for addr2line -Cfpe roundhouse:"},
                                    {"stderr", "the end of its stderr:"}}) {
    const Json& entries = member(exit, list);
    if (!entries.is_array() || entries.empty()) continue;
    result += std::string("    ") + title + "\n";
    for (const Json& entry : entries) result += "      " + plain(entry) + "\n";
  }
  return result;
}

std::string worker_text(const Json& pool, const Json& worker, double now) {
  std::string result =
      "worker " + text(pool, "name") + "/" + text(worker, "id") + ": " + state_of(worker) +
      ", pid " + text(worker, "pid") + ", up " + shown(worker, "uptime_seconds", short_duration) +
      ", " + counted(worker, "restarts", "restart") + ", " + shown(worker, "crashes", grouped) +
      (number(worker, "crashes") == 1.0 ? " crash\n" : " crashes\n");
  const Json& older = member(worker, "older");
  for (std::size_t i = 0; older.is_array() && i < older.size(); ++i)
    result += "  beside it pid " + text(older[i], "pid") + ", " + state_of(older[i]) + ", up " +
              shown(older[i], "uptime_seconds", short_duration) + ", " +
              counted(older[i], "connections", "connection") + " open\n";
  const Json& exits = member(worker, "exits");
  if (!exits.is_array() || exits.empty()) return result + "no process of it has ended\n";
  result += "last exits, the newest first:\n";
  for (const Json& exit : exits) result += exit_text(exit, now);
  return result;
}

// What a subject means; the worker is null where a whole pool is meant.
struct Subject {
  const Json* pool = nullptr;
  const Json* worker = nullptr;
};

Result<Subject> find(const Json& status, std::string_view subject) {
  const auto slash = subject.find('/');
  const std::string pool_name(subject.substr(0, slash));
  Subject found;
  std::string names;
  const Json& pools = member(status, "pools");
  for (std::size_t i = 0; pools.is_array() && i < pools.size(); ++i) {
    if (text(pools[i], "name") == pool_name) found.pool = &pools[i];
    names += (names.empty() ? "" : ", ") + text(pools[i], "name");
  }
  if (found.pool == nullptr)
    return fail("there is no pool '" + pool_name + "'; expected one of " + names);
  if (slash == subject.npos) return found;
  const std::string id(subject.substr(slash + 1));
  const Json& workers = member(*found.pool, "workers");
  for (std::size_t i = 0; workers.is_array() && i < workers.size(); ++i) {
    if (text(workers[i], "id") == id) found.worker = &workers[i];
  }
  if (found.worker != nullptr) return found;
  return fail("there is no worker '" + id + "' in pool " + pool_name + "; expected 1 to " +
              std::to_string(workers.size()));
}

}  // namespace

std::string status_text(const Json& status, double now) {
  std::string result = instance_text(status);
  if (const Json& listeners = member(status, "listeners"); listeners.is_array()) {
    for (const Json& listener : listeners) result += listener_text(listener);
  }
  if (const Json& pools = member(status, "pools"); pools.is_array()) {
    for (const Json& pool : pools) result += "\n" + pool_text(pool, now);
  }
  if (const Json& endpoints = member(status, "endpoints");
      endpoints.is_array() && !endpoints.empty())
    result += "\n" + endpoints_text(endpoints);
  return result;
}

Result<std::string> status_text_of(const Json& status, std::string_view subject, double now) {
  const Subject found = TRY(find(status, subject));
  return found.worker == nullptr ? pool_text(*found.pool, now)
                                 : worker_text(*found.pool, *found.worker, now);
}

Result<Json> status_json_of(const Json& status, std::string_view subject) {
  const Subject found = TRY(find(status, subject));
  return found.worker == nullptr ? *found.pool : *found.worker;
}

}  // namespace roundhouse::cli
