#include "config/comparable.h"

#include <algorithm>
#include <utility>

#include "base/signature.h"
#include "config/checks.h"
#include "config/explain.h"
#include "config/option_table.h"
#include "config/provenance.h"
#include "config/rows.h"
#include "config/settle.h"
#include "config/socket_change.h"
#include "config/worker_text.h"

namespace roundhouse::config {
namespace {

class Comparing {
 public:
  Comparing(const Configuration& configuration, const std::string& key)
      : configuration_(configuration) {
    std::erase_if(configuration_.listeners, is_vacant<Listener>);
    std::erase_if(configuration_.upstreams, is_vacant<Upstream>);
    hide_sticky_keys(configuration_);
    result_.key = key;
    result_.settled = configuration_.settled;
  }

  Comparable take(const std::map<std::string, std::uint32_t>& wanted) {
    add_settings();
    for (const Pool& pool : configuration_.pools) add_pool(pool, wanted);
    for (const Listener& listener : configuration_.listeners) add_sockets(listener);
    return std::move(result_);
  }

 private:
  static bool is_in(const std::vector<std::string>& all, const std::string& key) {
    return std::ranges::find(all, key) != all.end();
  }

  void add_settings();
  // `written_at`: how the file's own keys begin, where it is another than `path`.
  void add_section(Section section, const std::string& path, const std::string& written_at,
                   const void* structure, const auto& has);
  void add_pool(const Pool& pool, const std::map<std::string, std::uint32_t>& wanted);
  void add_sockets(const Listener& listener);
  std::string fingerprint(std::string_view text) const { return signature_of(result_.key, text); }

  Configuration configuration_;
  Comparable result_;
};

void Comparing::add_section(Section section, const std::string& path, const std::string& written_at,
                            const void* structure, const auto& has) {
  for (const Option& option : options()) {
    if (option.section != section || !has(option)) continue;
    const Items items = option.items_of(option, structure);
    if (!is_shown(items)) continue;
    std::string whole;
    for (const std::string& item : items) whole += item + '\0';
    const std::string key(option.key);
    const bool secret = is_in(configuration_.secrets, joined(written_at, key));
    result_.settings.push_back({.key = joined(path, key),
                                .shown = shown_value(option, items, secret),
                                .fingerprint = fingerprint(whole)});
  }
}

void Comparing::add_settings() {
  const auto all = [](const Option&) { return true; };
  for (const Listener& listener : configuration_.listeners) {
    const std::string path = joined("listeners", listener.name);
    add_section(Section::kListener, path, path, &listener,
                [&](const Option& option) { return has_option(listener.protocol, option.key); });
  }
  for (const Pool& pool : configuration_.pools) {
    const std::string path = joined("pools", pool.name);
    add_section(Section::kPool, path, path, &pool,
                [&](const Option& option) { return has_option(pool.type, option.key); });
  }
  std::string order;
  for (std::size_t i = 0; i < configuration_.routes.size(); ++i) {
    const Route& route = configuration_.routes[i];
    order += (i == 0 ? "[" : ", ") + route.name;
    add_section(Section::kRoute, joined("routes", route.name),
                joined("routes", std::to_string(i + 1)), &route, [&](const Option& option) {
                  return option.items_of(option, &route) != option.default_items(option);
                });
  }
  if (!order.empty())
    result_.settings.push_back(
        {.key = "routes", .shown = order + "]", .fingerprint = fingerprint(order)});
  for (const Upstream& upstream : configuration_.upstreams) {
    const std::string path = joined("upstreams", upstream.name);
    add_section(Section::kUpstream, path, path, &upstream, all);
  }
  add_section(Section::kConfiguration, "", "", &configuration_, all);
}

// The key that a line of an effective text sets, full; `section` is where it is in.
std::string key_of_line(std::string_view line, std::string& section) {
  const auto tab = std::min(line.find('\t'), line.size());
  const std::string_view first = line.substr(0, tab);
  if (!first.starts_with('[')) return joined(section, first);
  const std::string_view name = line.substr(std::min(tab + 1, line.size()));
  section = std::string(first.substr(1, first.size() - 2)) + "s." +
            std::string(name.substr(0, name.find('\t')));
  return section;
}

void Comparing::add_pool(const Pool& pool, const std::map<std::string, std::uint32_t>& wanted) {
  const std::string text = worker_text(configuration_, pool);
  const auto scaled = wanted.find(pool.name);
  Comparable::Pool& added = result_.pools.emplace_back(
      Comparable::Pool{.name = pool.name,
                       .workers = pool.workers,
                       .wanted = scaled == wanted.end() ? pool.workers : scaled->second,
                       .rows = pool.rows,
                       .foreign = is_foreign(pool.type),
                       .together = reads_configuration(pool),
                       .fingerprint = fingerprint(text),
                       .goes_by = {}});
  std::string section;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    added.goes_by[key_of_line(line, section)] = fingerprint(line);
  }
}

void Comparing::add_sockets(const Listener& listener) {
  const Pool* const pool = configuration_.find_pool(listener.pool);
  for (const Address& address : listener.bind)
    result_.sockets.push_back({.address = address.to_string(),
                               .listener = listener.name,
                               .pool = listener.pool,
                               .in_kernel = pool != nullptr && is_in_kernel(*pool, address)});
}

Comparable parse(const Json& json) {
  Comparable result;
  json.at("key").get_to(result.key);
  json.at("settled").get_to(result.settled);
  for (const Json& one : json.at("settings"))
    result.settings.push_back({one.at("key"), one.at("value"), one.at("fingerprint")});
  for (const Json& one : json.at("pools"))
    result.pools.push_back({.name = one.at("name"),
                            .workers = one.at("workers"),
                            .wanted = one.at("wanted"),
                            .rows = {.ids = one.at("ids"), .seats = one.at("seats")},
                            .foreign = one.at("foreign"),
                            .together = one.at("together"),
                            .fingerprint = one.at("fingerprint"),
                            .goes_by = one.at("goes_by")});
  for (const Json& one : json.at("sockets"))
    result.sockets.push_back(
        {one.at("address"), one.at("listener"), one.at("pool"), one.at("in_kernel")});
  return result;
}

}  // namespace

const Comparable::Pool* Comparable::find_pool(std::string_view name) const {
  const auto found = std::ranges::find(pools, name, &Pool::name);
  return found == pools.end() ? nullptr : &*found;
}

Comparable comparable(const Configuration& configuration, const std::string& key,
                      const std::map<std::string, std::uint32_t>& wanted) {
  return Comparing(configuration, key).take(wanted);
}

Json to_json(const Comparable& comparable) {
  Json json{{"key", comparable.key},
            {"settled", comparable.settled},
            {"settings", Json::array()},
            {"pools", Json::array()},
            {"sockets", Json::array()}};
  for (const auto& one : comparable.settings)
    json["settings"].push_back(
        {{"key", one.key}, {"value", one.shown}, {"fingerprint", one.fingerprint}});
  for (const auto& one : comparable.pools)
    json["pools"].push_back({{"name", one.name},
                             {"workers", one.workers},
                             {"wanted", one.wanted},
                             {"ids", one.rows.ids},
                             {"seats", one.rows.seats},
                             {"foreign", one.foreign},
                             {"together", one.together},
                             {"fingerprint", one.fingerprint},
                             {"goes_by", one.goes_by}});
  for (const auto& one : comparable.sockets)
    json["sockets"].push_back({{"address", one.address},
                               {"listener", one.listener},
                               {"pool", one.pool},
                               {"in_kernel", one.in_kernel}});
  return json;
}

Result<Comparable> comparable_from(const Json& json) {
  if (auto read = read_json(json, parse)) return *std::move(read);
  return fail("the instance is of another version, and tells its configuration in another form");
}

Rotation rotation_of(const Comparable& running) {
  const auto is_policy = [](const std::string& key) {
    return key.starts_with("pools.") && key.ends_with(".policy");
  };
  if (std::ranges::any_of(running.settled, is_policy)) return Rotation::kReplaced;
  const bool works = std::ranges::any_of(running.settings, [&](const auto& one) {
    return is_policy(one.key) && one.shown == to_string(Policy::kRrKernel);
  });
  return works ? Rotation::kWorks : Rotation::kUnknown;
}

}  // namespace roundhouse::config
