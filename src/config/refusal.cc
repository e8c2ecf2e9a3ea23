// What an operator is told about an option: what it may be, and why a value was refused.
#include <algorithm>

#include "config/option_table.h"
#include "config/suggestion.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

constexpr std::size_t kMaxShown = 80;  // bytes of a wrong value in a message

std::string one_of(std::span<const std::string_view> choices) {
  std::string list = "one of ";
  for (const auto& choice : choices) {
    if (&choice != &choices.front()) list += ", ";
    list += choice;
  }
  return list;
}

// A structure of that section in which that option is what `text` says.
template <typename Structure>
std::expected<Structure, std::string> parse_alone(Section section, std::string_view key,
                                                  std::string_view text) {
  const Option* const option = find_option(section, key);
  const Items items = {std::string(text)};
  Structure structure;
  const Refusals refusals = option->assign(*option, items, &structure);
  if (!refusals.empty())
    return std::unexpected(describe_refusal(*option, text, refusals.front().what));
  return structure;
}

}  // namespace

std::string format_bound(const Option& option, std::int64_t value) {
  if (option.kind == Kind::kDuration) return format_duration(Duration(value));
  if (option.kind == Kind::kBytes || option.kind == Kind::kOptionalBytes)
    return format_bytes(static_cast<Bytes>(value));
  return std::to_string(value) + (option.kind == Kind::kPercent ? "%" : "");
}

std::string expectation(const Option& option) {
  const auto range = [&] {
    return format_bound(option, option.least) + " to " + format_bound(option, option.most);
  };
  switch (option.kind) {
    case Kind::kCount:
    case Kind::kOptionalCount:
      return "a number from " + range();
    case Kind::kWorkers:
      return "auto or a number from " + range();
    case Kind::kPercent:
      return "a percentage from " + range();
    case Kind::kDuration:
      return "a duration from " + range() + ", as in 250ms, 30s, 5m or 1h";
    case Kind::kBytes:
    case Kind::kOptionalBytes:
      return "a size from " + range() + ", as in 16KiB or 10MiB";
    case Kind::kSwitch:
      return "true or false";
    case Kind::kChoice:
      return one_of(option.choices);
    case Kind::kText:
      return "text";
    case Kind::kPath:
      return "a path";
    case Kind::kName:
      return option.key == "pool"       ? "the name of a pool"
             : option.key == "upstream" ? "the name of an upstream"
             : option.key == "listener" ? "the name of a listener"
                                        : "at most 32 of a-z, 0-9, _ and -";
    case Kind::kTemplate:
      return "text, with variables such as %{host}";
    case Kind::kRate:
      return "off, or a rate such as 100/s, 600/m or 5/10s";
    case Kind::kBinds:
      return "a port, host:port with a numeric host, [v6]:port or unix:/path, or a list of these";
    case Kind::kOptionalBind:
      return "off, a port, host:port with a numeric host, [v6]:port or unix:/path";
    case Kind::kSocket:
      return "auto or a path";
    case Kind::kWords:
      return "a command line, or a list of its words";
    case Kind::kServers:
      return "host:port with a numeric host, [v6]:port or unix:/path, or a list of these or of "
             "{address, weight}";
    case Kind::kMethods:
      return "a method, or a list of these";
    case Kind::kFieldNames:
      return "the name of a field, or a list of these";
    case Kind::kResolvers:
      return "the address of a name server such as 10.0.0.2 or 10.0.0.2:53, or a list of these";
    case Kind::kHostNames:
      return "the name of a host, without a port, or a list of these";
    case Kind::kAccessFields:
      return one_of(option.choices) + ", or a list of these";
    case Kind::kCertificates:
      return "a list of {cert, key}, each the path of a file";
    case Kind::kProtocols:
      return "the name of a protocol such as http/1.1, or a list of these";
    case Kind::kNetworks:
      return "an address, a network such as 10.0.0.0/8, unix, or a list of these";
    case Kind::kVariables:
      return "a map of variable names to values";
    case Kind::kFields:
    case Kind::kMatches:
      return "a map of field names to values";
    case Kind::kListens:
      return "a map of ports (or paths) to names of listeners, as in {3000: web}";
  }
  return "a value";
}

std::string describe_refusal(const Option& option, std::string_view text, std::string_view what) {
  const std::string expected = "; expected " + expectation(option);
  std::string result = "'";
  for (const char c : text.substr(0, kMaxShown))
    result += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  result += text.size() > kMaxShown ? "...' " : "' ";
  result += what;
  result += expected;
  const std::string_view near = nearest(text, option.choices);
  return near.empty() ? result : result + "; did you mean '" + std::string(near) + "'?";
}

std::expected<Policy, std::string> parse_policy(std::string_view text) {
  const auto pool = parse_alone<Pool>(Section::kPool, "policy", text);
  if (!pool) return std::unexpected(pool.error());
  return pool->policy;
}

std::expected<AccessFormat, std::string> parse_access_format(std::string_view text) {
  const auto whole = parse_alone<Configuration>(Section::kConfiguration, "log.access.format", text);
  if (!whole) return std::unexpected(whole.error());
  return whole->log.access.format;
}

std::expected<PoolType, std::string> parse_program_type(std::string_view text) {
  const Option* option = find_option(Section::kPool, "type");
  const Items items = {std::string(text)};
  Pool pool;
  const Refusals refusals = option->assign(*option, items, &pool);
  if (!refusals.empty())
    return std::unexpected(describe_refusal(*option, text, refusals.front().what));
  if (!is_program(pool.type))
    return std::unexpected("'" + std::string(text) + "' is built in; expected one of programs");
  return pool.type;
}

}  // namespace roundhouse::config
