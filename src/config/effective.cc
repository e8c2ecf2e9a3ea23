#include "config/effective.h"

#include <vector>

#include "config/option_table.h"

namespace roundhouse::config {
namespace {

constexpr std::string_view kFirstLine = "roundhouse-configuration\t1";
constexpr std::string_view kListener = "[listener]";
constexpr std::string_view kPool = "[pool]";
constexpr std::string_view kUpstream = "[upstream]";

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

}  // namespace

std::string to_effective_text(const Configuration& configuration) {
  std::string text(kFirstLine);
  text += '\n';
  append_section(text, Section::kConfiguration, &configuration);
  for (const Listener& listener : configuration.listeners) {
    text += kListener;
    append_field(text, listener.name);
    text += '\n';
    append_section(text, Section::kListener, &listener);
  }
  for (const Pool& pool : configuration.pools) {
    text += kPool;
    append_field(text, pool.name);
    text += '\n';
    append_section(text, Section::kPool, &pool);
  }
  for (const Upstream& upstream : configuration.upstreams) {
    text += kUpstream;
    append_field(text, upstream.name);
    text += '\n';
    append_section(text, Section::kUpstream, &upstream);
  }
  return text;
}

Result<Configuration> from_effective_text(std::string_view text) {
  if (next_line(text) != kFirstLine)
    return fail("the configuration of the edge is of another version");
  Configuration configuration;
  Section section = Section::kConfiguration;
  void* structure = &configuration;
  while (!text.empty()) {
    const Items fields = fields_of(next_line(text));
    if (fields.size() == 2 && fields[0] == kListener) {
      section = Section::kListener;
      structure = &configuration.listeners.emplace_back();
      configuration.listeners.back().name = fields[1];
      continue;
    }
    if (fields.size() == 2 && fields[0] == kPool) {
      section = Section::kPool;
      structure = &configuration.pools.emplace_back();
      configuration.pools.back().name = fields[1];
      continue;
    }
    if (fields.size() == 2 && fields[0] == kUpstream) {
      section = Section::kUpstream;
      structure = &configuration.upstreams.emplace_back();
      configuration.upstreams.back().name = fields[1];
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
