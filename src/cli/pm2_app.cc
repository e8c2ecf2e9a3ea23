#include "cli/pm2_app.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <utility>

#include "cli/pm2_command.h"
#include "cli/pm2_notes.h"
#include "config/option_table.h"
#include "config/values.h"
#include "config/yaml_scalar.h"

namespace roundhouse::cli {
namespace {

constexpr std::size_t kMaxQuoted = 60;

using config::Words;
using config::yaml_scalar;

// One or several words: PM2 splits texts at blanks.
std::optional<Words> words_of(const Json& value) {
  if (value.is_string()) {
    auto words = config::split_words(value.get<std::string>());
    return words ? std::optional(*std::move(words)) : std::nullopt;
  }
  Words words;
  if (!value.is_array()) return std::nullopt;
  for (const Json& word : value)
    words.push_back(word.is_string() ? word.get<std::string>() : to_text(word));
  return words;
}

std::optional<double> number_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const auto count = value.is_string() ? config::parse_count(value.get<std::string>())
                                       : std::unexpected(std::string());
  return count ? std::optional(static_cast<double>(*count)) : std::nullopt;
}

// A number of workers: what is far out of range stays so.
std::int64_t whole(double number) {
  constexpr double kMost = 1e9;
  return std::llround(std::clamp(number, -kMost, kMost));
}

// Milliseconds, or 10s, 5m, 1h.
std::optional<Duration> duration_of(const Json& value) {
  if (const auto number = number_of(value)) {
    if (!(*number >= 0 && *number < 1e12)) return std::nullopt;
    return std::chrono::milliseconds(std::llround(*number));
  }
  const auto parsed = value.is_string() ? config::parse_duration(value.get<std::string>())
                                        : std::unexpected(std::string());
  return parsed ? std::optional(*parsed) : std::nullopt;
}

// Bytes, or 300K, 300M, 1G.
std::optional<config::Bytes> bytes_of(const Json& value) {
  if (const auto number = number_of(value)) {
    if (!(*number >= 0 && *number < 1e15)) return std::nullopt;
    return static_cast<config::Bytes>(*number);
  }
  std::string text = value.is_string() ? value.get<std::string>() : "";
  if (text.empty() || std::string_view("KMG").find(text.back()) == std::string_view::npos)
    return std::nullopt;
  const auto parsed = config::parse_bytes(text + "iB");
  return parsed ? std::optional(*parsed) : std::nullopt;
}

class Conversion {
 public:
  Conversion(const Json& app, std::string_view environment, const config::FileLookup& files)
      : app_(app), environment_(environment), files_(files) {}

  Pm2Pool pool();

 private:
  struct Found {
    std::string key;
    const Json* value;
  };

  std::optional<Found> take(std::initializer_list<std::string_view> names);
  std::string take_text(std::initializer_list<std::string_view> names);
  void note(const Found& found, std::string_view what);
  // Only what the option accepts; else a note says why not.
  void set(const char* option, const std::string& text, const Found& found);
  void set_duration(const char* option, std::initializer_list<std::string_view> names);

  void add_command();
  void add_instances();
  void add_environment();
  void add_port(const Json& value, const std::string& key);
  void add_user();
  void add_restarts();
  void add_notes();

  const Json& app_;
  const std::string environment_;
  const config::FileLookup& files_;
  std::set<std::string, std::less<>> taken_;
  Pm2Pool pool_;
};

std::optional<Conversion::Found> Conversion::take(std::initializer_list<std::string_view> names) {
  std::optional<Found> found;
  for (const std::string_view name : names) {
    const auto entry = app_.find(std::string(name));
    if (entry == app_.end()) continue;
    taken_.emplace(name);
    if (!found && !entry->is_null()) found = Found{std::string(name), &*entry};
  }
  return found;
}

std::string Conversion::take_text(std::initializer_list<std::string_view> names) {
  const auto found = take(names);
  if (!found) return "";
  if (found->value->is_string()) return found->value->get<std::string>();
  if (found->value->is_number()) return to_text(*found->value);
  note(*found, "is not text; left out");
  return "";
}

void Conversion::note(const Found& found, std::string_view what) {
  pool_.notes.push_back(found.key + ": " + quoted_in_note(*found.value) + ": " + std::string(what));
}

void Conversion::set(const char* option, const std::string& text, const Found& found) {
  const config::Option* row = config::find_option(config::Section::kPool, option);
  const config::Items items = {text};
  config::Pool scratch;
  const auto refusals = row->assign(*row, items, &scratch);
  if (refusals.empty())
    pool_.lines.push_back({option, yaml_scalar(text), found.key});
  else
    note(found, "cannot be `" + std::string(option) +
                    "`: " + config::describe_refusal(*row, text, refusals.front().what));
}

void Conversion::set_duration(const char* option, std::initializer_list<std::string_view> names) {
  const auto found = take(names);
  if (!found) return;
  if (const auto duration = duration_of(*found->value))
    set(option, config::format_duration(*duration), *found);
  else
    note(*found, "is no time; expected `" + std::string(option) + "`");
}

void Conversion::add_command() {
  const std::string cwd = take_text({"cwd"});
  const config::FileLookup in_cwd = [&](const std::string& file) -> std::optional<std::string> {
    return files_ ? files_((std::filesystem::path(cwd) / file).lexically_normal().string())
                  : std::nullopt;
  };
  const std::string script = take_text({"script", "exec"});
  pool_.name = take_text({"name"});
  if (pool_.name.empty()) {
    std::string_view base = script;
    while (base.ends_with('/')) base.remove_suffix(1);
    base = config::base_name(base);
    pool_.name = base.substr(0, base.size() - extension_of(base).size());
  }
  Words command = pm2_interpreter(take_text({"interpreter", "exec_interpreter"}), script, in_cwd);
  // A name alone is a file, if there is such a file, before it is looked up as a shell does.
  const bool is_file = command.empty() && !script.contains('/') && in_cwd(script);
  command.push_back(is_file ? "./" + script : script);
  std::string from = "script";
  const auto add_words = [&](std::size_t at, std::initializer_list<std::string_view> names) {
    const auto found = take(names);
    const auto words = found ? words_of(*found->value) : std::nullopt;
    if (!found) return;
    if (!words) return note(*found, "is neither a text nor a list of words; add it to `command`");
    command.insert(command.begin() + static_cast<std::ptrdiff_t>(at), words->begin(), words->end());
    from += ", " + found->key;
  };
  if (command.size() > 1) add_words(1, {"node_args", "interpreter_args", "interpreterArgs"});
  add_words(command.size(), {"args"});
  std::string list;
  for (const std::string& word : command) list += (list.empty() ? "[" : ", ") + yaml_scalar(word);
  pool_.lines.push_back({"command", list + "]", from});
  if (!cwd.empty()) pool_.lines.push_back({"cwd", yaml_scalar(cwd), "cwd"});
  const auto choice = config::choose_program(command, in_cwd);
  if (choice && choice->type == config::PoolType::kPort)
    pool_.notes.push_back(
        "script: it has to listen on $PORT, which is another one at each start; "
        "the built-in proxy stands before it (docs/programs.md)");
}

void Conversion::add_instances() {
  const auto mode = take({"exec_mode"});
  const bool forked =
      !mode || !mode->value->is_string() || !mode->value->get<std::string>().starts_with("cluster");
  const auto found = take({"instances"});
  if (!found) return pool_.lines.push_back({"workers", "1", "instances, which is 1 by default"});
  const auto number = number_of(*found->value);
  const bool all = *found->value == "max" || (number && *number <= 0);
  if (number && *number < 0)
    note(*found, "all CPUs but " + to_text(Json(-whole(*number))) +
                     "; `workers` takes a number, or auto for all that this container may use");
  else if (!number && !all)
    return note(*found, "is no number; expected `workers`");
  set("workers", all ? "auto" : std::to_string(whole(*number)), *found);
  if (forked && (all || *number > 1))
    pool_.notes.push_back(
        "exec_mode: fork: with several instances each had to find a port of its own; here all "
        "share one listener, so the program should ask for one port whatever its number");
}

void Conversion::add_port(const Json& value, const std::string& key) {
  const auto number = number_of(value);
  if (!number || *number < 1 || *number > 65535 || *number != std::floor(*number)) return;
  pool_.port = static_cast<std::uint16_t>(*number);
  pool_.port_from = key;
}

void Conversion::add_environment() {
  Json all = Json::object();
  std::string from;
  std::vector<std::string> keys = {"env"};
  if (!environment_.empty()) keys.push_back("env_" + environment_);
  for (const std::string& key : keys) {
    const auto found = take({key});
    if (!found) continue;
    if (!found->value->is_object()) {
      note(*found, "is not a map of variables; expected `env`, or a file in `env_file`");
      continue;
    }
    for (const auto& [name, value] : found->value->items()) {
      if (name == "PORT") add_port(value, key + ".PORT");
      all[name] = value;
    }
    from += (from.empty() ? "" : ", ") + key;
  }
  if (const auto port = take({"port"})) add_port(*port->value, "port");
  std::string map;
  for (const auto& [name, value] : all.items()) {
    const Found found{"env." + name, &value};
    if (name == "PORT" && pool_.port) continue;  // the program finds its listener's port there
    if (value.is_null()) continue;
    if (!config::is_valid_variable_name(name)) {
      note(found, "is not a variable's name; left out");
    } else if (value.is_structured()) {
      note(found, "is not a text; left out");
    } else {
      const std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
      map += (map.empty() ? "{" : ", ") + name + ": " + yaml_scalar(text);
    }
  }
  if (!map.empty()) pool_.lines.push_back({"env", map + "}", from});
}

void Conversion::add_user() {
  const auto found = take({"user", "uid", "username"});
  if (!found) return;
  const bool named = found->value->is_string() && !number_of(*found->value);
  if (!named) return note(*found, "is a number; expected the name of an account in `user`");
  set("user", found->value->get<std::string>(), *found);
}

void Conversion::add_restarts() {
  if (const auto found = take({"max_memory_restart"})) {
    if (const auto bytes = bytes_of(*found->value))
      set("recycle.memory", config::format_bytes(*bytes), *found);
    else
      note(*found, "is no size; expected `recycle: {memory: 300MiB}`");
  }
  set_duration("timeouts.ready", {"listen_timeout"});
  set_duration("timeouts.drain", {"kill_timeout"});
  const auto pause = app_.find("restart_delay");
  if (pause != app_.end() && number_of(*pause).value_or(0) > 0) {
    pool_.lines.push_back({"restart.burst", "0", "restart_delay"});
    set_duration("restart.backoff_min", {"restart_delay"});
    if (pool_.lines.back().key == "restart.backoff_min")
      pool_.lines.push_back({"restart.backoff_max", pool_.lines.back().value, "restart_delay"});
    else
      pool_.lines.pop_back();
  } else {
    take({"restart_delay"});  // 0 is what it is anyway
    const auto first = app_.find("exp_backoff_restart_delay");
    const auto most = config::Pool().restart.backoff_max;
    if (first != app_.end() && number_of(*first).value_or(0) > 0 && duration_of(*first) < most)
      set_duration("restart.backoff_min", {"exp_backoff_restart_delay"});
  }
}

// Keys about which the same is said share a line.
void Conversion::add_notes() {
  std::vector<std::pair<std::string, std::string_view>> notes;  // the keys, what is said
  for (const auto& [key, value] : app_.items()) {
    if (taken_.contains(key)) continue;
    if (key.starts_with("env_")) {
      pool_.notes.push_back(key + ": not asked for; --env " + key.substr(4) + " adds it");
      continue;
    }
    const std::string_view what = pm2_note(key, value);
    if (what.empty()) continue;
    const std::string quoted = key + ": " + quoted_in_note(value);
    const auto same = std::ranges::find(notes, what, [](const auto& said) { return said.second; });
    if (same == notes.end())
      notes.emplace_back(quoted, what);
    else
      same->first += ", " + quoted;
  }
  for (const auto& [keys, what] : notes) pool_.notes.push_back(keys + ": " + std::string(what));
}

Pm2Pool Conversion::pool() {
  add_command();
  add_instances();
  add_environment();
  add_user();
  add_restarts();
  add_notes();
  return std::move(pool_);
}

}  // namespace

std::string quoted_in_note(const Json& value) {
  std::string text = to_text(value);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = ' ';
  }
  if (text.size() <= kMaxQuoted) return text;
  std::size_t end = kMaxQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // whole UTF-8
  return text.substr(0, end) + "...";
}

Pm2Pool pool_of_pm2_app(const Json& app, std::string_view environment,
                        const config::FileLookup& files) {
  return Conversion(app, environment, files).pool();
}

}  // namespace roundhouse::cli
