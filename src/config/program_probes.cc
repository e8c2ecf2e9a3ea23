#include "config/program_probes.h"

#include <algorithm>
#include <string>

#include "config/values.h"

namespace roundhouse::config {
namespace {

void check_path(const std::string& key, const std::string& path, Report& report) {
  if (is_request_path(path) || report.is_refused(key)) return;
  report.add(key, "'" + report.shown(key, path) +
                      "' is not a path; expected one that begins with /, escapes for what is not "
                      "printable ASCII");
}

}  // namespace

bool is_of_probes(std::string_view key) {
  return key == "liveness.path" || key == "liveness.interval" || key == "liveness.timeout" ||
         key == "liveness.failures";
}

bool asks(const Pool& pool) {
  return pool.ready.by == ReadyBy::kHttp || !pool.liveness.path.empty();
}

void derive_probes(Pool& pool, Provenance& provenance) {
  const std::string key = "pools." + pool.name + ".ready.";
  const auto derive = [&](const char* member, std::string why) {
    provenance[key + member] = {Source::From::kDerived, provenance[key + member].at, std::move(why),
                                false};
  };
  if (pool.ready.by == ReadyBy::kAuto && !pool.ready.path.empty()) {
    pool.ready.by = ReadyBy::kHttp;
    derive("by", "there is a path");
  } else if (pool.ready.by == ReadyBy::kHttp && pool.ready.path.empty() &&
             !provenance.contains(key + "path")) {
    pool.ready.path = "/";
    derive("path", "ready.by is http");
  }
}

void check_probes(const Configuration& configuration, const Pool& pool, Report& report) {
  const std::string key = "pools." + pool.name + ".";
  if (pool.ready.by == ReadyBy::kHttp)
    check_path(key + "ready.path", pool.ready.path, report);
  else if (report.is_set(key + "ready.path") && !report.is_refused(key + "ready.path") &&
           !report.is_refused(key + "ready.by"))
    report.add(key + "ready.path", "is for `by: http`; expected that, or no path");
  const std::string path = key + "liveness.path";
  if (report.is_set(path)) check_path(path, pool.liveness.path, report);
  const bool has_own_sockets =
      pool.type == PoolType::kPort ||  // named by nobody it is refused for that
      std::ranges::find(configuration.upstreams, pool.name, &Upstream::pool) !=
          configuration.upstreams.end();
  if (has_own_sockets || !asks(pool)) return;
  const char* const asked = pool.ready.by == ReadyBy::kHttp ? "ready.by" : "liveness.path";
  report.add(key + asked,
             "asks each worker at a private socket of its own, and no proxies forward "
             "to pool " +
                 pool.name + "; expected `via: proxy` at its listener, or no such key");
}

}  // namespace roundhouse::config
