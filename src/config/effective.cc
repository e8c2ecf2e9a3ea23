#include "config/effective.h"

#include <charconv>
#include <cstdint>
#include <vector>

#include "config/option_table.h"

namespace roundhouse::config {
namespace {

constexpr std::string_view kFirstLine = "roundhouse-configuration\t1";
constexpr std::string_view kListener = "[listener]";
constexpr std::string_view kPool = "[pool]";
constexpr std::string_view kRoute = "[route]";
constexpr std::string_view kUpstream = "[upstream]";
constexpr std::string_view kSecrets = "[secrets]";
constexpr std::string_view kSettled = "[settled]";

void append_field(std::string& line, std::string_view field) {
  line += '\t';
  for (const char c : field) {
    if (c == '\\') {
      line += "\\\\";
    } else if (c == '\t') {
      line += "\\t";
    } else if (c == '\n') {
      line += "\\n";
    } else {
      line += c;
    }
  }
}

void append_section(std::string& text, Section section, const void* structure) {
  for (const Option& option : options()) {
    if (option.section != section) continue;
    const Items items = option.items_of(option, structure);
    if (items == option.default_items(option)) continue;
    text += option.key;
    for (const std::string& item : items) append_field(text, item);
    text += '\n';
  }
}

// The fields of a line, unescaped.
Items fields_of(std::string_view line) {
  Items fields(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      fields.emplace_back();
    } else if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      fields.back() += line[i] == 't' ? '\t' : line[i] == 'n' ? '\n' : line[i];
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return line;
}

// Behind the name of a section: the rows of what it describes.
std::vector<std::uint32_t*> rows_of(Listener&) { return {}; }
std::vector<std::uint32_t*> rows_of(Pool& pool) {
  return {&pool.rows.first, &pool.rows.ids, &pool.rows.seats};
}
std::vector<std::uint32_t*> rows_of(Route& route) { return {&route.row}; }
std::vector<std::uint32_t*> rows_of(Upstream& upstream) { return {&upstream.first_endpoint}; }

}  // namespace

std::string to_effective_text(const Configuration& configuration) {
  std::string text(kFirstLine);
  text += '\n';
  append_section(text, Section::kConfiguration, &configuration);
  const auto append_keys = [&](std::string_view title, const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    text += title;
    for (const std::string& key : keys) append_field(text, key);
    text += '\n';
  };
  append_keys(kSecrets, configuration.secrets);
  append_keys(kSettled, configuration.settled);
  const auto append_all = [&](std::string_view title, Section section, const auto& structures) {
    for (auto structure : structures) {
      text += title;
      append_field(text, structure.name);
      for (const std::uint32_t* row : rows_of(structure)) append_field(text, std::to_string(*row));
      text += '\n';
      append_section(text, section, &structure);
    }
  };
  append_all(kListener, Section::kListener, configuration.listeners);
  append_all(kPool, Section::kPool, configuration.pools);
  append_all(kRoute, Section::kRoute, configuration.routes);
  append_all(kUpstream, Section::kUpstream, configuration.upstreams);
  return text;
}

Result<Configuration> from_effective_text(std::string_view text) {
  if (next_line(text) != kFirstLine)
    return fail("the configuration of the edge is of another version");
  Configuration configuration;
  Section section = Section::kConfiguration;
  void* structure = &configuration;
  // The next line of a section that has a name of its own.
  const auto begin = [&](const Items& fields, std::string_view title, Section of, auto& all) {
    if (fields.size() < 2 || fields[0] != title) return false;
    section = of;
    structure = &all.emplace_back();
    all.back().name = fields[1];
    const auto rows = rows_of(all.back());
    for (std::size_t i = 0; i < rows.size() && i + 2 < fields.size(); ++i)
      std::from_chars(fields[i + 2].data(), fields[i + 2].data() + fields[i + 2].size(), *rows[i]);
    return true;
  };
  while (!text.empty()) {
    const Items fields = fields_of(next_line(text));
    if (begin(fields, kListener, Section::kListener, configuration.listeners) ||
        begin(fields, kPool, Section::kPool, configuration.pools) ||
        begin(fields, kRoute, Section::kRoute, configuration.routes) ||
        begin(fields, kUpstream, Section::kUpstream, configuration.upstreams))
      continue;
    if (fields[0] == kSecrets || fields[0] == kSettled) {
      (fields[0] == kSecrets ? configuration.secrets : configuration.settled)
          .assign(fields.begin() + 1, fields.end());
      continue;
    }
    const Option* option = find_option(section, fields[0]);
    const std::span<const std::string> items(fields.data() + 1, fields.size() - 1);
    const bool counts =
        option != nullptr && (shape(option->kind) != Shape::kScalar || items.size() == 1);
    if (!counts || !option->assign(*option, items, structure).empty()) {
      return fail("the configuration of the edge has a line that this version cannot read: " +
                  fields[0]);
    }
  }
  return configuration;
}

}  // namespace roundhouse::config
