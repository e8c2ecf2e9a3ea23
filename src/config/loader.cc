#include "config/loader.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "config/checks.h"
#include "config/document.h"
#include "config/env_file.h"
#include "config/option_table.h"
#include "config/program_rules.h"
#include "config/reader.h"
#include "config/route_checks.h"
#include "config/rows.h"
#include "config/upstream_tls.h"

namespace roundhouse::config {
namespace {

using From = Source::From;
constexpr std::size_t kMaxProblemsShown = 200;

std::string rendered(const Problem& problem, const std::string& file) {
  std::string line = problem.is_outside ? "" : file;
  if (problem.at.line > 0)
    line += ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column);
  for (const std::string& part : {problem.key, problem.what}) {
    if (part.empty()) continue;
    if (!line.empty()) line += ": ";
    for (const char c : part) line += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  }
  return line;
}

// In the order of the file; what has no place in it comes last.
Error error_of(Problems problems, const std::string& file) {
  std::ranges::stable_sort(problems, [](const Problem& a, const Problem& b) {
    if ((a.at.line == 0) != (b.at.line == 0)) return b.at.line == 0;
    return a.at < b.at;
  });
  std::string message;
  for (std::size_t i = 0; i < std::min(problems.size(), kMaxProblemsShown); ++i) {
    if (i > 0) message += '\n';
    message += rendered(problems[i], file);
  }
  if (problems.size() > kMaxProblemsShown) {
    message +=
        "\n" + file + ": and " + std::to_string(problems.size() - kMaxProblemsShown) + " more";
  }
  return {std::move(message), ExitCode::kConfiguration};
}

// One loading: the steps from what was read to what is run, in the order of run().
class Loading {
 public:
  Loading(Loaded& loaded, const Overrides& overrides, const Surroundings& surroundings,
          Problems& problems)
      : configuration_(loaded.configuration),
        provenance_(loaded.provenance),
        file_(loaded.file),
        overrides_(overrides),
        surroundings_(surroundings),
        problems_(problems) {}

  // An error is kUsage; everything else becomes a problem.
  Result<void> run() {
    add_parts_of_flags();
    place_folders();
    choose_types(configuration_, provenance_, surroundings_.file, problems_);
    add_implicit_parts();
    derive_values();
    derive_routes(configuration_, provenance_);
    read_env_files();
    choose_policies();
    if (problems_.empty()) TRY_VOID(apply_flags());
    check_configuration(configuration_, provenance_, problems_);
    return {};
  }

 private:
  void add_parts_of_flags();
  void add_implicit_parts();
  void derive_values();
  void derive_tcp(Listener& listener);
  void derive_pools_of_listeners();
  std::vector<Pool*> pools_for_flags();
  void derive_health(Upstream& upstream);
  void read_env_files();
  void place_folders();
  void choose_policies();
  Result<void> apply_flags();
  std::optional<Policy> policy_from(const char* variable);

  bool is_set(const std::string& key) const { return provenance_.contains(key); }
  void set_source(const std::string& key, From from, std::string name) {
    provenance_[key] = {from, provenance_[key].at, std::move(name), false};
  }
  // Relative to the folder of the configuration file.
  std::string placed(const std::string& path) const {
    return (std::filesystem::path(file_).parent_path() / path).string();
  }

  Configuration& configuration_;
  Provenance& provenance_;
  const std::string& file_;
  const Overrides& overrides_;
  const Surroundings& surroundings_;
  Problems& problems_;
};

void Loading::add_parts_of_flags() {
  if (!overrides_.command.empty()) {
    Pool pool;
    pool.name = "app";
    pool.command = overrides_.command;
    pool.type = overrides_.type.value_or(PoolType::kAuto);
    configuration_.pools.push_back(std::move(pool));
    for (const char* key : {"pools", "pools.app", "pools.app.command"})
      set_source(key, From::kFlag, "the command line");
    if (overrides_.type) set_source("pools.app.type", From::kFlag, "--type");
  }
  if (!overrides_.to.empty() || !overrides_.to_name.empty()) {
    Upstream upstream;
    upstream.name = "site";
    upstream.servers = overrides_.to;
    upstream.dns = overrides_.to_name;
    configuration_.upstreams.push_back(std::move(upstream));
    set_source("upstreams.site", From::kFlag, "--to");
    if (!overrides_.to.empty()) set_source("upstreams.site.servers", From::kFlag, "--to");
    if (!overrides_.to_name.empty()) set_source("upstreams.site.dns", From::kFlag, "--to");
  }
}

void Loading::add_implicit_parts() {
  const bool proxies = std::ranges::find(configuration_.pools, PoolType::kProxy, &Pool::type) !=
                       configuration_.pools.end();
  const bool wanted = !configuration_.upstreams.empty() || !configuration_.routes.empty();
  if (wanted && !proxies && !is_set("pools.gateway")) {
    Pool pool;
    pool.name = "gateway";
    pool.type = PoolType::kProxy;
    configuration_.pools.push_back(std::move(pool));
    provenance_["pools.gateway"] = {
        From::kDerived, {}, "no other pool serves the upstreams", false};
    set_source("pools.gateway.type", From::kDerived, "it serves the upstreams");
  } else if (!is_set("pools")) {
    Pool pool;
    pool.name = "hello";
    configuration_.pools.push_back(std::move(pool));
    provenance_["pools.hello"] = {From::kDerived, {}, "there is no pool in the file", false};
  }
  if (!is_set("listeners")) {
    Listener listener;
    listener.name = "web";
    if (overrides_.protocol != listener.protocol) {
      listener.protocol = overrides_.protocol;
      set_source("listeners.web.protocol", From::kFlag, "--to");
    }
    configuration_.listeners.push_back(std::move(listener));
    provenance_["listeners.web"] = {From::kDerived, {}, "there is no listener in the file", false};
  }
}

void Loading::derive_values() {
  derive_pools_of_listeners();
  put_proxies_in_front(configuration_, provenance_);
  for (Pool& pool : configuration_.pools) {
    const std::string key = "pools." + pool.name;
    if (pool.workers == 0) {
      pool.workers = std::clamp<std::uint32_t>(surroundings_.cpus, 1, 1024);
      provenance_[key + ".workers"].name = "auto, the CPUs that this process may use";
    }
    derive_program_values(pool, provenance_);
  }
  for (Listener& listener : configuration_.listeners) {
    if (listener.protocol == Protocol::kTcp) derive_tcp(listener);
  }
  for (Upstream& upstream : configuration_.upstreams) derive_health(upstream);
  if (configuration_.user.empty()) {
    configuration_.user = surroundings_.user;
    if (!is_set("user")) set_source("user", From::kDefault, "used when started as root");
  }
}

void Loading::derive_tcp(Listener& listener) {
  const std::string key = "listeners." + listener.name;
  if (!is_set(key + ".upstream") && configuration_.upstreams.size() == 1) {
    listener.upstream = configuration_.upstreams.front().name;
    set_source(key + ".upstream", From::kDerived, "the only upstream");
  }
  if (!is_set(key + ".defer_accept")) {
    listener.defer_accept = Duration::zero();
    set_source(key + ".defer_accept", From::kDerived, "tcp: the server may speak first");
  }
}

void Loading::derive_pools_of_listeners() {
  for (Listener& listener : configuration_.listeners) {
    const std::string key = "listeners." + listener.name + ".pool";
    if (is_set(key)) continue;
    if (configuration_.pools.size() == 1) {
      listener.pool = configuration_.pools.front().name;
      set_source(key, From::kDerived, "the only pool");
    } else if (const auto added = provenance_.find("pools.gateway");
               added != provenance_.end() && added->second.from == From::kDerived) {
      listener.pool = "gateway";
      set_source(key, From::kDerived, "it serves the upstreams");
    }
  }
}

void Loading::derive_health(Upstream& upstream) {
  const std::string key = "upstreams." + upstream.name + ".health.";
  Upstream::Health& health = upstream.health;
  if (is_set(key + "path") && !is_set(key + "probe")) {
    health.probe = Probe::kHttp;
    set_source(key + "probe", From::kDerived, "there is a path");
  }
  if (health.probe == Probe::kHttp && health.path.empty() && !is_set(key + "path")) {
    health.path = "/";
    set_source(key + "path", From::kDerived, "without another");
  }
}

void Loading::read_env_files() {
  for (Pool& pool : configuration_.pools) {
    if (pool.env_file.empty() || !has_option(pool.type, "env_file")) continue;
    const std::string key = "pools." + pool.name + ".env_file";
    const std::string path = placed(pool.env_file);
    const auto text = read_file(path, kMaxEnvFileBytes);
    auto variables = text ? parse_env_file(*text, path) : std::unexpected(text.error());
    if (text && text->size() > kMaxEnvFileBytes) variables = fail(path + " is larger than 256 KiB");
    if (!variables) {
      const Source& source = provenance_[key];
      problems_.push_back(
          {source.at, key, source.secret ? "*** cannot be used" : variables.error().message});
      continue;
    }
    pool.env = merged(std::move(*variables), pool.env);
    Source& env = provenance_["pools." + pool.name + ".env"];
    if (env.from == From::kDefault) env = {From::kDerived, {}, "env_file", true};
  }
}

void Loading::place_folders() {
  for (Pool& pool : configuration_.pools) {
    if (!pool.cwd.empty()) pool.cwd = placed(pool.cwd);
  }
  for (Listener& listener : configuration_.listeners)
    derive_tls(listener, provenance_, [this](const std::string& path) { return placed(path); });
  for (Upstream& upstream : configuration_.upstreams)
    derive_upstream_tls(upstream, provenance_,
                        [this](const std::string& path) { return placed(path); });
  std::string& access = configuration_.log.access.to;
  if (access != "stdout" && access != "stderr") access = placed(access);
}

// The policy that an environment variable asks for. Node knows two.
std::optional<Policy> Loading::policy_from(const char* variable) {
  const auto text = surroundings_.variable(variable);
  if (!text || text->empty()) return std::nullopt;
  const bool is_nodes = std::string_view(variable).starts_with("NODE_");
  if (is_nodes && *text != "rr" && *text != "none") {
    std::string shown =
        describe_refusal(*find_option(Section::kPool, "policy"), *text, "is not known");
    shown.resize(shown.find("; expected"));
    problems_.push_back({{}, variable, shown + "; expected rr or none", true});
    return std::nullopt;
  }
  const auto policy = parse_policy(*text);
  if (policy) return *policy;
  problems_.push_back({{}, variable, policy.error(), true});
  return std::nullopt;
}

void Loading::choose_policies() {
  const auto ours = policy_from("ROUNDHOUSE_SCHED_POLICY");
  const auto nodes = policy_from("NODE_CLUSTER_SCHED_POLICY");
  for (Pool& pool : configuration_.pools) {
    const std::string key = "pools." + pool.name + ".policy";
    const auto wanted = overrides_.policy ? overrides_.policy : ours ? ours : nodes;
    const bool of_all = overrides_.policy || ours || (nodes && !is_set(key));
    if (of_all && !can_do(pool.type, *wanted)) continue;  // it is meant for the others
    if (overrides_.policy) {
      pool.policy = *overrides_.policy;
      set_source(key, From::kFlag, "--policy");
    } else if (ours) {
      pool.policy = *ours;
      set_source(key, From::kEnvironment, "ROUNDHOUSE_SCHED_POLICY");
    } else if (nodes && !is_set(key)) {
      pool.policy = *nodes;
      set_source(key, From::kEnvironment, "NODE_CLUSTER_SCHED_POLICY");
    }
  }
}

// Those that the operator named; without any, those that were added.
std::vector<Pool*> Loading::pools_for_flags() {
  std::vector<Pool*> all;
  std::vector<Pool*> named;
  for (Pool& pool : configuration_.pools) {
    all.push_back(&pool);
    if (provenance_["pools." + pool.name].from != From::kDerived) named.push_back(&pool);
  }
  return named.empty() ? all : named;
}

Result<void> Loading::apply_flags() {
  if (overrides_.access_log) {
    configuration_.log.access.format = *overrides_.access_log;
    set_source("log.access.format", From::kFlag, "--access-log");
  }
  if (overrides_.type && overrides_.command.empty())
    return fail("--type: is for a command on the command line; set `type` in " + file_,
                ExitCode::kUsage);
  if (overrides_.policy && std::ranges::none_of(configuration_.pools, [&](const Pool& pool) {
        return can_do(pool.type, *overrides_.policy);
      }))
    return fail("--policy: " + std::string(to_string(*overrides_.policy)) +
                    " cannot be done by workers of type " +
                    std::string(to_string(configuration_.pools.front().type)) + "; expected none",
                ExitCode::kUsage);
  if (overrides_.workers) {
    const std::vector<Pool*> pools = pools_for_flags();
    if (pools.size() != 1) {
      return fail("-n: there are " + std::to_string(pools.size()) + " pools in " + file_ +
                      "; set `workers` of the one that you mean there",
                  ExitCode::kUsage);
    }
    Pool& pool = *pools.front();
    pool.workers = *overrides_.workers != 0
                       ? *overrides_.workers
                       : std::clamp<std::uint32_t>(surroundings_.cpus, 1, 1024);
    set_source("pools." + pool.name + ".workers", From::kFlag, "-n");
  }
  if (overrides_.port) {
    if (configuration_.listeners.size() != 1) {
      return fail("-p: there are " + std::to_string(configuration_.listeners.size()) +
                      " listeners in " + file_ + "; set `bind` of the one that you mean there",
                  ExitCode::kUsage);
    }
    Listener& listener = configuration_.listeners.front();
    const auto count =
        std::ranges::count_if(listener.bind, [](const Address& bind) { return !bind.is_unix(); });
    if (count != 1) {
      return fail("-p: listener " + listener.name + " has " + std::to_string(count) +
                      " TCP addresses; expected one",
                  ExitCode::kUsage);
    }
    for (Address& bind : listener.bind) {
      if (!bind.is_unix()) bind = bind.with_port(*overrides_.port);
    }
    set_source("listeners." + listener.name + ".bind", From::kFlag, "-p");
  }
  return {};
}

}  // namespace

Result<Loaded> load_text(std::string_view text, const std::string& name, const Overrides& overrides,
                         const Surroundings& surroundings) {
  Problems problems;
  const Node document = parse_document(text, problems);
  if (!problems.empty()) return std::unexpected(error_of(std::move(problems), name));
  Reading reading = read_configuration(document, surroundings.variable, problems);
  Loaded loaded{std::move(reading.configuration), std::move(reading.provenance), name};
  TRY_VOID(Loading(loaded, overrides, surroundings, problems).run());
  Problems doubts;
  Report report(loaded.provenance, doubts);
  Report errors(loaded.provenance, problems);
  check_tls_files(loaded.configuration, surroundings.tls, errors, report);
  check_upstream_tls_files(loaded.configuration, surroundings.tls, errors, report);
  if (!problems.empty()) return std::unexpected(error_of(std::move(problems), name));
  TRY_VOID(assign_rows(loaded.configuration));
  doubt_routes(loaded.configuration, report);
  doubt_upstream_tls(loaded.configuration, report);
  doubt_commands(loaded.configuration, report);
  for (const Problem& doubt : doubts) loaded.warnings.push_back(rendered(doubt, name));
  return loaded;
}

Result<Loaded> load_file(const std::string& path, const Overrides& overrides,
                         const Surroundings& surroundings) {
  return load_text(TRY(read_file(path, kMaxDocumentBytes)), path, overrides, surroundings);
}

Result<Loaded> load_defaults(const Overrides& overrides, const Surroundings& surroundings) {
  return load_text("", "", overrides, surroundings);
}

}  // namespace roundhouse::config
