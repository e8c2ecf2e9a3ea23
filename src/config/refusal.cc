// What an operator is told about an option: what it may be, and why a value was refused.
#include <algorithm>

#include "config/option_table.h"
#include "config/suggestion.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

constexpr std::size_t kMaxShown = 80;  // bytes of a wrong value in a message

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
    case Kind::kChoice: {
      std::string list = "one of ";
      for (const auto& choice : option.choices) {
        if (&choice != &option.choices.front()) list += ", ";
        list += choice;
      }
      return list;
    }
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
    case Kind::kNames:
      return "a name, or a list of these";
    case Kind::kNetworks:
      return "an address, a network such as 10.0.0.0/8, unix, or a list of these";
    case Kind::kVariables:
      return "a map of variable names to values";
    case Kind::kFields:
    case Kind::kMatches:
      return "a map of field names to values";
  }
  return "a value";
}

std::string describe_refusal(const Option& option, std::string_view text, std::string_view what) {
  const std::string expected = "; expected " + expectation(option);
  if (option.key == "policy" && text == "rr_kernel")
    return "rr_kernel is not available in this version" + expected;
  std::string result = "'";
  for (const char c : text.substr(0, kMaxShown))
    result += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  result += text.size() > kMaxShown ? "...' " : "' ";
  result += what;
  result += expected;
  const std::string_view near =
      option.kind == Kind::kChoice ? nearest(text, option.choices) : std::string_view();
  return near.empty() ? result : result + "; did you mean '" + std::string(near) + "'?";
}

std::expected<Policy, std::string> parse_policy(std::string_view text) {
  const Option* option = find_option(Section::kPool, "policy");
  const Items items = {std::string(text)};
  Pool pool;
  const Refusals refusals = option->assign(*option, items, &pool);
  if (!refusals.empty()) {
    return std::unexpected(describe_refusal(*option, text, refusals.front().what));
  }
  return pool.policy;
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
