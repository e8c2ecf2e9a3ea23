#include "cli/pm2_import.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "cli/pm2_app.h"
#include "config/yaml_scalar.h"

namespace roundhouse::cli {
namespace {

constexpr std::size_t kMaxFile = 1024 * std::size_t{1024};
constexpr std::size_t kNameMax = 32;
constexpr std::size_t kCommentColumn = 44;
constexpr std::uint16_t kFirstPort = 8000;
constexpr std::uint16_t kMonitorPort = 9901;  // ours, unless `monitor.bind` says otherwise

Outcome misuse(const std::string& what) {
  return {ExitCode::kUsage, "", "roundhouse: " + what + "\n"};
}

// A name of ours, as near as it can be to the app's, that no other pool has.
std::string pool_name(std::string_view name, std::set<std::string>& used) {
  std::string base;
  for (const char c : name) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    const char kept = fits ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '-';
    if (base.empty() && std::isalnum(static_cast<unsigned char>(kept)) == 0) continue;
    base += kept;
  }
  base = base.substr(0, kNameMax);
  while (base.ends_with('-')) base.pop_back();
  if (base.empty()) base = "app";
  std::string found = base;
  for (int n = 2; !used.insert(found).second; ++n) {
    const std::string number = "-" + std::to_string(n);
    found = base.substr(0, kNameMax - number.size()) + number;
  }
  return found;
}

// The apps of `{apps: [...]}`, `{apps: {...}}`, a list of apps or one app; empty: it is none.
std::vector<Json> apps_of(const Json& ecosystem) {
  const Json& apps =
      ecosystem.is_object() && ecosystem.contains("apps") ? ecosystem["apps"] : ecosystem;
  std::vector<Json> all;
  if (apps.is_object()) all.push_back(apps);
  if (apps.is_array()) all.assign(apps.begin(), apps.end());
  const auto is_app = [](const Json& app) {
    const auto has_text = [&](const char* key) {
      return app.contains(key) && app[key].is_string() && !app[key].get<std::string>().empty();
    };
    return app.is_object() && (has_text("script") || has_text("exec"));
  };
  return std::ranges::all_of(all, is_app) ? all : std::vector<Json>();
}

class Writer {
 public:
  void line(std::size_t depth, const std::string& content, const std::string& comment = "");
  void pool(const Pm2Pool& pool, const std::string& name);
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void Writer::line(std::size_t depth, const std::string& content, const std::string& comment) {
  std::string line(2 * depth, ' ');
  line += content;
  if (!comment.empty()) {
    line.resize(std::max(line.size() + 1, kCommentColumn), ' ');
    line += "# " + comment;
  }
  // A key of the file may hold a line break, and what follows would be no comment.
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, ' ');
  text_ += line + '\n';
}

// `timeouts.ready` and `timeouts.drain` become one line: timeouts: {ready: ..., drain: ...}.
void Writer::pool(const Pm2Pool& pool, const std::string& name) {
  line(1, name + ":", pool.name == name ? "" : "name: " + quoted_in_note(Json(pool.name)));
  std::set<std::string> written;
  for (const Pm2Pool::Line& first : pool.lines) {
    const auto dot = first.key.find('.');
    if (dot == first.key.npos) {
      line(2, first.key + ": " + first.value, first.from);
      continue;
    }
    const std::string section = first.key.substr(0, dot);
    if (!written.insert(section).second) continue;
    std::string map = section + ": {";
    std::string from;
    for (const Pm2Pool::Line& one : pool.lines) {
      if (!one.key.starts_with(section + ".")) continue;
      if (!map.ends_with('{')) map += ", ";
      map += one.key.substr(dot + 1) + ": " + one.value;
      if (!from.ends_with(one.from)) from += (from.empty() ? "" : ", ") + one.from;
    }
    line(2, map + "}", from);
  }
  for (const std::string& note : pool.notes) line(2, "# " + note);
}

// A listener for each pool, on the port that its program had, or else on one that is free in the
// file.
void write_listeners(Writer& writer, const std::vector<Pm2Pool>& pools,
                     const std::vector<std::string>& names) {
  std::set<std::uint16_t> used = {kMonitorPort};
  for (const Pm2Pool& pool : pools) {
    if (pool.port && *pool.port == kMonitorPort) used.clear();
  }
  const bool moves_monitor = used.empty();
  std::set<std::uint16_t> wanted;
  for (const Pm2Pool& pool : pools) {
    if (pool.port) wanted.insert(*pool.port);
  }
  writer.line(0, "listeners:");
  std::uint16_t next = kFirstPort;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    const auto port = pools[i].port;
    const bool is_its_own = port && used.insert(*port).second;
    while (!is_its_own && (wanted.contains(next) || !used.insert(next).second)) ++next;
    const std::string comment =
        is_its_own ? pools[i].port_from
        : port     ? pools[i].port_from + ": " + std::to_string(*port) + " has another app already"
                   : "a guess: the file does not say it";
    writer.line(1,
                names[i] + ": {bind: " + std::to_string(is_its_own ? *port : next) +
                    ", pool: " + names[i] + "}",
                comment);
  }
  if (moves_monitor)
    writer.line(0, "monitor: {bind: 127.0.0.1:9902}", "9901, its default, is an app's");
}

std::string to_configuration(const std::vector<Json>& apps, const Json& ecosystem,
                             const CommandLine& line, const config::FileLookup& files) {
  std::vector<Pm2Pool> pools;
  std::vector<std::string> names;
  std::set<std::string> used;
  for (const Json& app : apps) {
    pools.push_back(pool_of_pm2_app(app, line.environment, files));
    names.push_back(pool_name(pools.back().name, used));
  }
  Writer writer;
  writer.line(0, "# From PM2's " + quoted_in_note(Json(line.file)) +
                     (line.environment.empty() ? "" : ", --env " + line.environment) +
                     ": docs/from-pm2.md says what is different.");
  write_listeners(writer, pools, names);
  writer.line(0, "pools:");
  for (std::size_t i = 0; i < pools.size(); ++i) writer.pool(pools[i], names[i]);
  const bool whole = ecosystem.is_object() && ecosystem.contains("apps");
  for (const auto& [key, value] : ecosystem.items()) {
    if (whole && key != "apps")
      writer.line(0, "# " + key + ": is not about running apps; left out");
  }
  return writer.take();
}

Result<std::string> json_of(const std::string& file, const ScriptReader& exports_of) {
  const std::string extension = std::filesystem::path(file).extension().string();
  if (extension == ".js" || extension == ".cjs" || extension == ".mjs") return exports_of(file);
  return read_file(file, kMaxFile);
}

}  // namespace

Outcome import_pm2(const CommandLine& line, const config::Surroundings& surroundings,
                   const ScriptReader& exports_of) {
  const auto text = json_of(line.file, exports_of);
  if (!text) return Outcome::of(text.error());
  if (text->size() > kMaxFile) return misuse(line.file + " is longer than 1 MiB");
  const auto ecosystem = parse_json(*text);
  if (!ecosystem)
    return misuse(line.file +
                  " is not JSON; with comments it can be a .config.js (module.exports = ...)");
  const std::vector<Json> apps = apps_of(*ecosystem);
  if (apps.empty())
    return misuse(line.file + " is not an ecosystem of PM2; expected {apps: [{script: ...}]}");
  const auto has_environment = [&](const Json& app) {
    return line.environment.empty() || app.contains("env_" + line.environment);
  };
  if (std::ranges::none_of(apps, has_environment))
    return misuse("--env: no app of " + line.file + " has env_" + line.environment);
  Outcome outcome;
  outcome.out = to_configuration(apps, *ecosystem, line, surroundings.file);
  const auto loaded = config::load_text(outcome.out, "imported", {}, surroundings);
  if (loaded) return outcome;
  outcome.code = loaded.error().code;
  outcome.err = loaded.error().message + "\n";
  return outcome;
}

}  // namespace roundhouse::cli
