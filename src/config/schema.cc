#include "config/schema.h"

#include <algorithm>

#include "config/checks.h"
#include "config/option_table.h"
#include "config/provenance.h"

namespace roundhouse::config {
namespace {

constexpr std::string_view kName = "^[a-z0-9][a-z0-9_-]{0,31}$";
constexpr std::string_view kVariable =
    R"({"type": "string", "pattern": "\\$\\{"})";  // a ${} may stand for anything

std::string json_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result += '"';
}

std::string json_list(std::span<const std::string_view> texts) {
  std::string result = "[";
  for (const auto& text : texts) {
    if (result.size() > 1) result += ", ";
    result += json_text(text);
  }
  return result += "]";
}

std::string pattern(std::string_view expression) {
  return R"({"type": "string", "pattern": )" + json_text(expression) + "}";
}

std::string any_of(std::initializer_list<std::string_view> schemas) {
  std::string result = R"("anyOf": [)";
  for (const auto& schema : schemas) {
    if (&schema != schemas.begin()) result += ", ";
    result += schema;
  }
  return result += "]";
}

std::string whole_number(const Option& option) {
  return R"({"type": "integer", "minimum": )" + std::to_string(option.least) + R"(, "maximum": )" +
         std::to_string(option.most) + "}";
}

// What a value may be; ranges of durations and sizes are for the loader to check.
std::string value_schema(const Option& option) {
  static constexpr std::string_view kPort =
      R"({"type": "integer", "minimum": 0, "maximum": 65535})";
  static constexpr std::string_view kText = R"({"type": "string", "minLength": 1})";
  static const std::string kServer =
      R"({"anyOf": [{"type": "string", "minLength": 1}, {"type": "object", "additionalProperties": false, "required": ["address"], "properties": {"address": {"type": "string"}, "weight": {"type": "integer", "minimum": 1, "maximum": 1000}}}]})";
  static const std::string kCertificate =
      R"({"anyOf": [{"type": "string", "minLength": 1}, {"type": "object", "additionalProperties": false, "required": ["cert"], "properties": {"cert": {"type": "string"}, "key": {"type": "string"}}}]})";
  const std::string address = pattern("^([0-9]+|.+:[0-9]+|unix:.+)$");
  switch (option.kind) {
    case Kind::kCount:
    case Kind::kOptionalCount:
      return any_of({whole_number(option), kVariable});
    case Kind::kWorkers:
      return any_of({whole_number(option), R"({"const": "auto"})", kVariable});
    case Kind::kPercent:
      return any_of({pattern("^[0-9]+%$"), kVariable});
    case Kind::kDuration:
      return any_of({R"({"const": 0})", pattern("^(0|[0-9]+(ms|s|m|h))$"), kVariable});
    case Kind::kBytes:
    case Kind::kOptionalBytes:
      return any_of({R"({"type": "integer", "minimum": 0})",
                     pattern("^[0-9]+(B|KiB|MiB|GiB|TiB)?$"), kVariable});
    case Kind::kSwitch:
      return any_of({R"({"type": "boolean"})", kVariable});
    case Kind::kChoice:
      return any_of({R"({"enum": )" + json_list(option.choices) + "}", kVariable});
    case Kind::kText:
    case Kind::kPath:
    case Kind::kSocket:
    case Kind::kTemplate:
      return R"("type": "string", "minLength": 1)";
    case Kind::kRate:
      return any_of({pattern("^(off|[0-9]+/([0-9]+(ms|s|m|h)|s|m|h))$"), kVariable});
    case Kind::kName:
      return any_of({pattern(kName), kVariable});
    case Kind::kOptionalBind:
      return any_of({kPort, R"({"const": "off"})", address, kVariable});
    case Kind::kBinds: {
      const std::string one = "{" + any_of({kPort, address, kVariable}) + "}";
      return any_of(
          {kPort, address, kVariable, R"({"type": "array", "minItems": 1, "items": )" + one + "}"});
    }
    case Kind::kWords:
      return any_of(
          {kText, R"({"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}})"});
    case Kind::kMethods:
    case Kind::kFieldNames:
    case Kind::kResolvers:
    case Kind::kHostNames:
    case Kind::kProtocols:
    case Kind::kNetworks:
      return any_of({kText, R"({"type": "array", "minItems": 1, "items": {"type": "string"}})"});
    case Kind::kAccessFields: {
      const std::string one = R"({"enum": )" + json_list(option.choices) + "}";
      return any_of({one, kVariable, R"({"type": "array", "minItems": 1, "items": )" + one + "}"});
    }
    case Kind::kCertificates:
      return any_of({kText, R"({"type": "array", "minItems": 1, "items": )" + kCertificate + "}"});
    case Kind::kServers:
      return any_of({kText, R"({"type": "array", "minItems": 1, "items": )" + kServer + "}"});
    case Kind::kVariables:
    case Kind::kFields:
    case Kind::kMatches:
    case Kind::kListens:
      return R"("type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]})";
  }
  return "";
}

std::string default_json(const Option& option) {
  const Items items = option.default_items(option);
  if (items.empty() || items.front().empty()) return "";
  const std::string& text = items.front();
  const bool is_number = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const bool is_plain = is_number || option.kind == Kind::kSwitch;
  return R"(, "default": )" + (is_plain ? text : json_text(text));
}

class Schema {
 public:
  std::string text() {
    text_ = "{\n";
    line(1, R"("$schema": "http://json-schema.org/draft-07/schema#",)");
    line(1, R"("title": "Roundhouse configuration",)");
    line(1, R"("type": ["object", "null"],)");
    line(1, R"("additionalProperties": false,)");
    line(1, R"("properties": {)");
    add_named("listeners", kMaxListeners, Section::kListener);
    add_named("pools", kMaxPools, Section::kPool);
    add_routes();
    add_named("upstreams", kMaxUpstreams, Section::kUpstream);
    add_properties(Section::kConfiguration, "", 2);
    line(1, "}");
    text_ += "}\n";
    return std::move(text_);
  }

 private:
  void line(std::size_t depth, std::string_view content) {
    text_.append(2 * depth, ' ');
    text_ += content;
    text_ += '\n';
  }

  void add_named(std::string_view key, std::size_t most, Section section) {
    line(2, json_text(key) + ": {");
    line(3, R"("type": ["object", "null"], "minProperties": 1, "maxProperties": )" +
                std::to_string(most) + ",");
    line(3, R"("propertyNames": )" + pattern(kName) + ",");
    line(3, R"("additionalProperties": {)");
    const bool has_short_form = section == Section::kUpstream;  // the servers alone
    line(4, has_short_form
                ? R"("type": ["object", "array", "string"], "additionalProperties": false,)"
                : R"("type": ["object", "null"], "additionalProperties": false,)");
    line(4, R"("properties": {)");
    add_properties(section, "", 5);
    line(4, "}");
    line(3, "}");
    line(2, "},");
  }

  void add_routes() {
    line(2, R"("routes": {)");
    line(3, R"("type": "array", "maxItems": )" + std::to_string(kMaxRoutes) + R"(, "items": {)");
    line(4, R"("type": "object", "additionalProperties": false,)");
    line(4, R"("properties": {)");
    add_properties(Section::kRoute, "", 5);
    line(4, "}");
    line(3, "}");
    line(2, "},");
  }

  void add_properties(Section section, std::string_view within, std::size_t depth) {
    const auto keys = keys_below(section, within);
    for (const std::string_view name : keys) {
      const std::string key = joined(within, name);
      const std::string comma = name == keys.back() ? "" : ",";
      if (const Option* option = find_option(section, key)) {
        line(depth, json_text(name) + R"(: {"description": )" + json_text(option->help) +
                        default_json(*option) + ",");
        line(depth + 1, value_schema(*option) + "}" + comma);
        continue;
      }
      const bool is_switch = find_option(section, joined(key, kSwitchKey)) != nullptr;
      line(depth, json_text(name) + ": {");
      line(depth + 1,
           is_switch ? R"("type": ["object", "boolean", "null"], "additionalProperties": false,)"
                     : R"("type": ["object", "null"], "additionalProperties": false,)");
      line(depth + 1, R"("properties": {)");
      add_properties(section, key, depth + 2);
      line(depth + 1, "}");
      line(depth, "}" + comma);
    }
  }

  std::string text_;
};

}  // namespace

std::string to_schema() { return Schema().text(); }

}  // namespace roundhouse::config
