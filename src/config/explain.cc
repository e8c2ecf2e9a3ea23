#include "config/explain.h"

#include <algorithm>

#include "config/checks.h"
#include "config/option_table.h"
#include "config/proxy_protocol_rules.h"
#include "config/rows.h"
#include "config/settle.h"
#include "config/tls_rules.h"
#include "config/upstream_tls.h"
#include "config/yaml_scalar.h"

namespace roundhouse::config {
namespace {

constexpr std::string_view kMask = "\"***\"";
constexpr std::size_t kCommentColumn = 44;

class Explanation {
 public:
  // Bare: without comments.
  Explanation(const Loaded& loaded, bool bare) : loaded_(loaded), bare_(bare) {}

  std::string text();

 private:
  template <typename Structure>
  void add_named(const char* key, Section section, const std::vector<Structure>& structures,
                 auto has_option_of);
  // The options of a section below `within`, `depth` levels in.
  void add_section(Section section, const std::string& path, std::string_view within,
                   std::size_t depth, const void* structure, const auto& has);
  // Of each route only what was set: what the rest would say is "any" and "as the upstream".
  void add_routes();
  void add_line(std::size_t depth, const std::string& content, const std::string& comment);

  const Loaded& loaded_;
  const bool bare_;
  std::string text_;
};

void Explanation::add_line(std::size_t depth, const std::string& content,
                           const std::string& comment) {
  std::string line(2 * depth, ' ');
  line += content;
  if (!comment.empty() && !bare_) {
    line.resize(std::max(line.size() + 1, kCommentColumn), ' ');
    line += "# " + comment;
  }
  text_ += line;
  text_ += '\n';
}

void Explanation::add_section(Section section, const std::string& path, std::string_view within,
                              std::size_t depth, const void* structure, const auto& has) {
  for (const std::string_view name : keys_below(section, within)) {
    const std::string key = joined(within, name);
    const Option* option = find_option(section, key);
    if (option == nullptr) {
      const std::size_t before = text_.size();
      add_line(depth, std::string(name) + ":", "");
      const std::size_t with_title = text_.size();
      add_section(section, path, key, depth + 1, structure, has);
      if (text_.size() == with_title) text_.resize(before);
      continue;
    }
    const Items items = option->items_of(*option, structure);
    if (!has(key) || !is_shown(items)) continue;
    const auto found = loaded_.provenance.find(joined(path, key));
    const Source source = found == loaded_.provenance.end() ? Source{} : found->second;
    add_line(depth, std::string(name) + ": " + shown_value(*option, items, source.secret),
             describe(source, loaded_.file));
  }
}

template <typename Structure>
void Explanation::add_named(const char* key, Section section,
                            const std::vector<Structure>& structures, auto has_option_of) {
  add_line(0, std::string(key) + ":", "");
  for (const Structure& structure : structures) {
    const std::string path = joined(key, structure.name);
    const auto found = loaded_.provenance.find(path);
    const bool derived =
        found != loaded_.provenance.end() && found->second.from == Source::From::kDerived;
    add_line(1, yaml_scalar(structure.name) + ":", derived ? found->second.name : "");
    add_section(section, path, "", 2, &structure,
                [&](std::string_view option) { return has_option_of(structure, option); });
  }
}

void Explanation::add_routes() {
  const std::vector<Route>& routes = loaded_.configuration.routes;
  if (!routes.empty()) add_line(0, "routes:", "");
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const std::string path = joined("routes", std::to_string(i + 1));
    const std::size_t before = text_.size();
    add_section(Section::kRoute, path, "", 2, &routes[i], [&](std::string_view key) {
      const Option* const option = bare_ ? find_option(Section::kRoute, key) : nullptr;
      if (option != nullptr)
        return option->items_of(*option, &routes[i]) != option->default_items(*option);
      return loaded_.provenance.contains(joined(path, key));
    });
    if (text_.size() > before) text_[before + 2] = '-';
  }
}

std::string Explanation::text() {
  const Configuration& configuration = loaded_.configuration;
  if (!bare_)
    add_line(0, loaded_.file.empty() ? "# No configuration file." : "# From " + loaded_.file + ".",
             "");
  add_named("listeners", Section::kListener, configuration.listeners,
            [](const Listener& listener, std::string_view key) {
              return has_option(listener.protocol, key) && is_used(listener, key);
            });
  add_named("pools", Section::kPool, configuration.pools,
            [](const Pool& pool, std::string_view key) { return has_option(pool.type, key); });
  add_routes();
  if (!configuration.upstreams.empty())
    add_named("upstreams", Section::kUpstream, configuration.upstreams,
              [](const Upstream& upstream, std::string_view key) {
                return upstream.tls.enabled || !is_of_upstream_tls(key);
              });
  add_section(Section::kConfiguration, "", "", 0, &configuration,
              [](std::string_view) { return true; });
  return std::move(text_);
}

}  // namespace

std::string shown_value(const Option& option, const Items& items, bool secret) {
  const bool is_short = option.kind == Kind::kBinds && items.size() == 1;
  if (is_short || shape(option.kind) == Shape::kScalar)
    return secret ? std::string(kMask) : yaml_scalar(items.front());
  const bool is_map = shape(option.kind) == Shape::kMap;
  std::string result = is_map ? "{" : "[";
  for (const std::string& item : items) {
    if (result.size() > 1) result += ", ";
    const auto equals = is_map ? item.find('=') : 0;
    if (is_map) result += item.substr(0, equals) + ": ";
    const auto blank = option.kind == Kind::kServers        ? item.find(' ')
                       : option.kind == Kind::kCertificates ? item.find('\t')
                                                            : item.npos;
    if (secret || option.kind == Kind::kVariables)
      result += kMask;
    else if (is_map)
      result += yaml_scalar(item.substr(equals + 1));
    else if (blank != item.npos && option.kind == Kind::kCertificates)
      result += "{cert: " + yaml_scalar(item.substr(0, blank)) +
                ", key: " + yaml_scalar(item.substr(blank + 1)) + "}";
    else if (blank != item.npos)
      result += "{address: " + yaml_scalar(item.substr(0, blank)) +
                ", weight: " + item.substr(blank + 1) + "}";
    else
      result += yaml_scalar(item);
  }
  return result += is_map ? '}' : ']';
}

bool is_shown(const Items& items) {
  return !items.empty() && (items.size() != 1 || !items.front().empty());
}

std::string explain(const Loaded& loaded) { return Explanation(loaded, false).text(); }

std::string explain_in_force(const Configuration& configuration) {
  Loaded loaded{.configuration = configuration, .provenance = {}, .file = "", .warnings = {}};
  std::erase_if(loaded.configuration.listeners, is_vacant<Listener>);
  std::erase_if(loaded.configuration.upstreams, is_vacant<Upstream>);
  hide_sticky_keys(loaded.configuration);
  for (const std::string& key : configuration.secrets) loaded.provenance[key].secret = true;
  return Explanation(loaded, true).text();
}

}  // namespace roundhouse::config
