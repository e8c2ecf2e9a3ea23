#include "monitor/control_api.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "metrics/exporter.h"
#include "monitor/configuration_api.h"
#include "monitor/dashboard_page.h"
#include "monitor/history_api.h"
#include "monitor/live.h"
#include "monitor/operations_api.h"
#include "monitor/request_guard.h"

namespace roundhouse::monitor {
namespace {

constexpr const char* kPlain = "text/plain; charset=utf-8";
constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kEventStream = "text/event-stream";
constexpr const char* kJson = "application/json";

constexpr std::string_view kConfiguration = "/api/v1/configuration";
constexpr std::string_view kDashboard = "/dashboard";
constexpr std::string_view kApi = "/api/v1";
constexpr std::string_view kHistory = "/api/v1/history";
constexpr std::string_view kEvents = "/api/v1/events";
constexpr std::string_view kStream = "/api/v1/stream";

struct Endpoint {
  std::string_view methods;
  std::string_view path;
  std::string_view what;
  bool changes = false;  // then only on the control socket, as is what is
  bool secret = false;
};

constexpr Endpoint kEndpoints[] = {
    {"GET", "/", "the dashboard, as is /dashboard"},
    {"GET", kApi, "this list"},
    {"GET", "/metrics", "for Prometheus"},
    {"GET", "/healthz", "200 while the edge is alive"},
    {"GET", "/readyz", "200 while every pool has a ready worker and nobody stops us"},
    {"GET", "/api/v1/status", "the state of everything, as JSON"},
    {"GET", kHistory, "the last five minutes by the second, the last hour by ten seconds"},
    {"GET", kEvents, "what happened of late; ?after=N: since that"},
    {"GET", kStream, "both as they happen: server-sent events"},
    {"GET", "/api/v1/logs[/POOL[/ID]]", "the last lines of programs; ?after=N: newer ones", false,
     true},
    {"GET", kConfiguration, "what is in force"},
    {"POST", "/api/v1/stop", "drain and stop", true},
    {"POST", "/api/v1/reload", "put the configuration in force anew", true},
    {"POST", "/api/v1/restart", "replace all workers, one after the other", true},
    {"POST", "/api/v1/pools/NAME/restart", "those of a pool", true},
    {"POST", "/api/v1/pools/NAME/workers/ID/restart", "one", true},
    {"POST, PUT", "/api/v1/pools/NAME/scale", "to {\"workers\": N}", true},
    {"GET", "/api/v1/operations/TICKET", "what became of one of these", false, true},
    {"POST, PUT", "/api/v1/pools/NAME/policy", "refused: a policy is frozen", true},
};

constexpr std::string_view kLogs = "/api/v1/logs";
constexpr std::string_view kOperations = "/api/v1/operations/";
constexpr std::string_view kPoolPrefix = "/api/v1/pools/";
constexpr std::string_view kPolicySuffix = "/policy";

// NAME of /api/v1/pools/NAME/policy.
std::optional<std::string> policy_of_pool(std::string_view path) {
  if (!path.starts_with(kPoolPrefix) || !path.ends_with(kPolicySuffix)) return std::nullopt;
  path.remove_prefix(kPoolPrefix.size());
  if (path.size() <= kPolicySuffix.size()) return std::nullopt;
  path.remove_suffix(kPolicySuffix.size());
  if (path.contains('/')) return std::nullopt;
  return std::string(path);
}

// "/api/v1/pools/NAME/scale" and "/api/v1/pools/app/scale".
bool ends_alike(std::string_view pattern, std::string_view path) {
  const auto slashes = [](std::string_view text) { return std::ranges::count(text, '/'); };
  return pattern.starts_with(kPoolPrefix) && slashes(pattern) == slashes(path) &&
         pattern.substr(pattern.rfind('/')) == path.substr(path.rfind('/'));
}

const Endpoint* find_endpoint(const std::string& path) {
  const bool policy = policy_of_pool(path).has_value();
  const bool logs = path == kLogs || path.starts_with(std::string(kLogs) + "/");
  const auto* found = std::ranges::find_if(kEndpoints, [&](const Endpoint& endpoint) {
    return endpoint.path == path || (path == kDashboard && endpoint.path == "/") ||
           (policy && endpoint.path.ends_with(kPolicySuffix)) ||
           (logs && endpoint.path.starts_with(kLogs)) ||
           (path.starts_with(kOperations) && endpoint.path.starts_with(kOperations)) ||
           (is_operation(path) && ends_alike(endpoint.path, path));
  });
  return found == std::end(kEndpoints) ? nullptr : found;
}

std::string list_of_endpoints() {
  std::string list;
  for (const Endpoint& endpoint : kEndpoints) {
    std::string line = std::string(endpoint.methods) + " " + std::string(endpoint.path);
    line.resize(std::max<std::size_t>(line.size(), 36), ' ');
    list += line + "  " + std::string(endpoint.what) +
            (endpoint.changes || endpoint.secret ? " (control socket only)\n" : "\n");
  }
  return list;
}

Response plain(int status, std::string body) { return {status, kPlain, std::move(body), ""}; }
Response json(int status, const Json& body) { return {status, kJson, to_text(body) + "\n", ""}; }
Response refused(int status, const std::string& why) { return json(status, {{"error", why}}); }

Response not_allowed(std::string_view methods) {
  Response response = refused(405, "only " + std::string(methods));
  response.allow = methods;
  return response;
}

bool reads(Method method) { return method == Method::kGet || method == Method::kHead; }

bool is_json_or_empty(std::string_view body) { return body.empty() || parse_json(body); }

// Scraped by whatever name, and of no use to a page.
bool is_open(const Request& request) {
  return reads(request.method) &&
         (request.path == "/metrics" || request.path == "/healthz" || request.path == "/readyz");
}

}  // namespace

Response ControlApi::respond(const Request& request) const {
  if (!is_open(request)) {
    const std::string why = refusal_of(request.host, request.origin, sources_.allowed_hosts);
    if (!why.empty()) return refused(403, why);
  }
  if (request.body.size() > kMaxBody)
    return refused(413, "the body has more than " + std::to_string(kMaxBody) + " bytes");
  const Endpoint* endpoint = find_endpoint(request.path);
  if (endpoint == nullptr) return plain(404, "not found; there is\n\n" + list_of_endpoints());
  if (endpoint->secret && request.viewer != Viewer::kOperator)
    return refused(403, "that is told over the control socket only");
  if (!endpoint->changes) {
    return reads(request.method) ? get(request) : not_allowed("GET, HEAD");
  }
  if (request.viewer != Viewer::kOperator) {
    return refused(403, "changes are made over the control socket only");
  }
  const bool put = request.method == Method::kPut && endpoint->methods.contains("PUT");
  if (request.method != Method::kPost && !put) return not_allowed(endpoint->methods);
  return change(request);
}

Response ControlApi::get(const Request& request) const {
  if (request.path == "/metrics") {
    return {200, metrics::kExpositionContentType, metrics::exposition(sources_.look()), ""};
  }
  if (request.path == "/api/v1/status") {
    LastWords words;
    if (sources_.output != nullptr)
      words = [this](std::size_t worker, std::int32_t pid) {
        return sources_.output->last_words(worker, pid);
      };
    return json(200, status(sources_.look(), request.viewer, words));
  }
  if (request.path == "/" || request.path == kDashboard)
    return {.content_type = kHtml,
            .body = std::string(kDashboardPage),
            .policy = std::string(kDashboardPolicy)};
  if (request.path == kApi)
    return plain(200, "roundhouse " ROUNDHOUSE_VERSION "\n\n" + list_of_endpoints());
  if (request.path == kHistory || request.path == kEvents) return past(request);
  if (request.path == kStream) return begin_stream(request);
  if (request.path.starts_with(kLogs)) return logs(request);
  if (request.path == kConfiguration) {
    if (sources_.configuration == nullptr) return refused(503, "it is not known");
    return json(200, configuration_of(*sources_.configuration, sources_.glance(), request.viewer));
  }
  if (request.path.starts_with(kOperations))
    return operation(std::string_view(request.path).substr(kOperations.size()));
  const bool health = request.path == "/healthz";
  const metrics::Snapshot snapshot = sources_.glance();
  const std::string reason = health ? unhealthy_reason(snapshot) : unready_reasons(snapshot);
  if (reason.empty()) return plain(200, "ok\n");
  return plain(503, health ? reason + "\n" : reason);
}

Response ControlApi::past(const Request& request) const {
  if (sources_.history == nullptr) return refused(503, "nothing is known of the past");
  if (request.path == kHistory) return json(200, history(*sources_.history));
  return json(200, events(*sources_.history, after_of(request.query), request.viewer));
}

// Goes on after the last event that the client has, if it says so.
Response ControlApi::begin_stream(const Request& request) const {
  if (sources_.history == nullptr) return refused(503, "nothing is known of the past");
  const std::uint64_t last = sources_.history->last_event();
  std::uint64_t after = last;
  if (!request.last_event_id.empty())
    after = after_of("after=" + request.last_event_id);
  else if (!request.query.empty())
    after = after_of(request.query);
  if (after > last) after = 0;  // of another instance
  Response response{200, kEventStream, stream_beginning(), ""};
  response.body += stream_news(request.viewer, after) + stream_state(request.viewer);
  response.stream = after;
  return response;
}

std::string ControlApi::stream_state(Viewer viewer) const {
  return stream_snapshot(live(sources_.look(), *sources_.history, viewer));
}

std::string ControlApi::stream_news(Viewer viewer, std::uint64_t& after) const {
  std::string text = stream_events(*sources_.history, after, viewer);
  after = sources_.history->last_event();
  return text;
}

// Of all workers that the path means, in the order in which they were printed.
Response ControlApi::logs(const Request& request) const {
  const std::string_view subject =
      std::string_view(request.path).substr(std::min(request.path.size(), kLogs.size() + 1));
  const std::uint64_t after = after_of(request.query);
  struct Line {
    ipc::OutputLine line;
    std::string worker;
  };
  std::vector<Line> lines;
  bool known = subject.empty();
  for (const metrics::PoolValues& pool : sources_.glance().pools) {
    known = known || subject == pool.layout.name;
    for (const metrics::WorkerValues& worker : pool.workers) {
      const std::string name = pool.layout.name + "/" + std::to_string(worker.id);
      known = known || subject == name;
      if (!subject.empty() && subject != pool.layout.name && subject != name) continue;
      if (sources_.output == nullptr) continue;
      for (const std::size_t row : worker.rows) {
        for (ipc::OutputLine& line : sources_.output->lines(row, after))
          lines.push_back({std::move(line), name});
      }
    }
  }
  if (!known) return refused(404, "there is no such pool or worker");
  std::ranges::sort(lines, {}, [](const Line& line) { return line.line.sequence; });
  Json list = Json::array();
  for (const Line& line : lines) {
    list.push_back({{"sequence", line.line.sequence},
                    {"at", line.line.at},
                    {"worker", line.worker},
                    {"stream", line.line.stream == ipc::OutputStream::kErr ? "stderr" : "stdout"},
                    {"text", line.line.text}});
  }
  return json(200, {{"lines", list}});
}

Response ControlApi::change(const Request& request) const {
  if (is_operation(request.path)) return operate(request);
  const auto pool = policy_of_pool(request.path);
  return pool ? set_policy(*pool) : stop(request);
}

Response ControlApi::stop(const Request& request) const {
  if (!is_json_or_empty(request.body)) return refused(400, "the body is no JSON");
  ipc::CommandMessage command{};
  command.command = ipc::Command::kStop;
  if (!sources_.send(command)) return refused(503, "the edge does not take commands");
  return json(202, {{"status", "stopping"}});
}

Response ControlApi::operate(const Request& request) const {
  if (!is_json_or_empty(request.body)) return refused(400, "the body is no JSON");
  Asked asked = command_of(request.path, request.body, sources_.glance());
  if (!asked.command) return refused(asked.status, asked.why);
  std::random_device random;
  asked.command->ticket = (std::uint64_t{random()} << 32 | random()) | 1ULL << 63;
  if (!sources_.send(*asked.command)) return refused(503, "the edge does not take commands");
  return json(202, {{"operation", std::to_string(asked.command->ticket)}, {"status", "running"}});
}

Response ControlApi::operation(std::string_view text) const {
  std::uint64_t ticket = 0;
  std::from_chars(text.data(), text.data() + text.size(), ticket);
  const auto found = sources_.operation ? sources_.operation(ticket) : std::nullopt;
  if (!found) return refused(404, "there is no such operation, or it was long ago");
  return json(200, {{"kind", to_string(found->kind)},
                    {"state", to_string(found->state)},
                    {"began_at", found->began_at},
                    {"ended_at", found->ended_at != 0 ? Json(found->ended_at) : Json(nullptr)},
                    {"text", found->text}});
}

Response ControlApi::set_policy(const std::string& pool) const {
  const metrics::Snapshot snapshot = sources_.glance();
  const bool known = std::ranges::any_of(snapshot.pools, [&](const metrics::PoolValues& values) {
    return values.layout.name == pool;
  });
  if (!known) return refused(404, "there is no such pool");
  return refused(409, "policy is frozen: the first worker of pool " + pool +
                          " has been started; it changes by a reload");
}

}  // namespace roundhouse::monitor
