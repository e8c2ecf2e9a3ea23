#include "config/option_table.h"

#include <algorithm>
#include <concepts>
#include <optional>
#include <type_traits>

#include "config/values.h"

namespace roundhouse::config {
namespace {

Refusals refuse(std::string what) { return {Refusal{std::move(what)}}; }

// The texts of an enum's values, in the order of the enum.
template <typename E>
struct Names;
template <>
struct Names<Policy> {
  static constexpr std::string_view kAll[] = {"rr", "none", "least", "sticky"};
};
template <>
struct Names<PoolType> {
  static constexpr std::string_view kAll[] = {"hello", "proxy", "native"};
};
template <>
struct Names<TestHandlers> {
  static constexpr std::string_view kAll[] = {"local", "on", "off"};
};
template <>
struct Names<Balance> {
  static constexpr std::string_view kAll[] = {"p2c", "rr", "least", "hash"};
};
template <>
struct Names<log::Level> {
  static constexpr std::string_view kAll[] = {"debug", "info", "warn", "error"};
};
template <>
struct Names<log::Format> {
  static constexpr std::string_view kAll[] = {"auto", "text", "logfmt", "json"};
};

template <typename T>
constexpr std::span<const std::string_view> choices_of() {
  if constexpr (std::is_enum_v<T>) return Names<T>::kAll;
  return {};
}

// --- read: items to value. Called with exactly one item unless the shape is a list or a map.

template <typename E>
  requires std::is_enum_v<E>
Refusals read(const Option& option, std::span<const std::string> items, E& value) {
  const auto found = std::ranges::find(option.choices, items.front());
  if (found == option.choices.end()) return refuse("is not known");
  value = static_cast<E>(found - option.choices.begin());
  return {};
}

template <typename T>
Refusals read_ranged(const Option& option, const Parsed<T>& parsed, auto& value) {
  if (!parsed) return refuse(parsed.error());
  std::int64_t number = 0;
  if constexpr (std::same_as<T, Duration>) {
    number = parsed->count();
  } else {
    number = static_cast<std::int64_t>(*parsed);
  }
  if (number < option.least || number > option.most) return refuse("is out of range");
  value = static_cast<std::remove_reference_t<decltype(value)>>(*parsed);
  return {};
}

Refusals read(const Option& option, std::span<const std::string> items, std::uint32_t& value) {
  if (option.kind == Kind::kWorkers && items.front() == "auto") {
    value = 0;
    return {};
  }
  std::string_view text = items.front();
  if (option.kind == Kind::kPercent) {
    if (!text.ends_with('%')) return refuse("is not a percentage");
    text.remove_suffix(1);
  }
  return read_ranged(option, parse_count(text), value);
}

Refusals read(const Option& option, std::span<const std::string> items, Duration& value) {
  return read_ranged(option, parse_duration(items.front()), value);
}

Refusals read(const Option& option, std::span<const std::string> items, Bytes& value) {
  return read_ranged(option, parse_bytes(items.front()), value);
}

Refusals read(const Option& option, std::span<const std::string> items, std::string& value) {
  const std::string& text = items.front();
  if (text.empty()) return refuse("is empty");
  if (text.find('\0') != text.npos) return refuse("contains a NUL byte");
  if (option.kind == Kind::kName && !is_valid_name(text)) return refuse("is not a name");
  value = text;
  return {};
}

Refusals read(const Option&, std::span<const std::string> items, std::vector<std::string>& value) {
  if (items.empty() || items.front().empty()) return refuse("names no program");
  Refusals refusals;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].find('\0') != std::string::npos) refusals.push_back({"contains a NUL byte", i});
  }
  if (refusals.empty()) value.assign(items.begin(), items.end());
  return refusals;
}

Refusals read(const Option&, std::span<const std::string> items, std::vector<Variable>& value) {
  std::vector<Variable> variables;
  Refusals refusals;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto equals = std::min(items[i].find('='), items[i].size());
    variables.push_back(
        {items[i].substr(0, equals), items[i].substr(std::min(equals + 1, items[i].size()))});
    if (!is_valid_variable_name(variables.back().name)) {
      refusals.push_back(
          {"is not the name of a variable; expected letters, digits and _, not a digit first", i});
    } else if (variables.back().value.find('\0') != std::string::npos) {
      refusals.push_back({"contains a NUL byte; expected text", i});
    }
  }
  if (refusals.empty()) value = std::move(variables);
  return refusals;
}

Refusals read(const Option&, std::span<const std::string> items, std::vector<Address>& value) {
  if (items.empty()) return refuse("names no address");
  std::vector<Address> addresses;
  Refusals refusals;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto address = Address::parse(items[i]);
    if (address) {
      addresses.push_back(*address);
    } else {
      refusals.push_back({"is not an address", i});
    }
  }
  if (refusals.empty()) value = std::move(addresses);
  return refusals;
}

Refusals read(const Option&, std::span<const std::string> items, std::vector<Server>& value) {
  if (items.empty()) return refuse("names no server");
  std::vector<Server> servers;
  Refusals refusals;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto server = parse_server(items[i]);
    if (server)
      servers.push_back(*std::move(server));
    else
      refusals.push_back({server.error(), i});
  }
  if (refusals.empty()) value = std::move(servers);
  return refusals;
}

Refusals read(const Option&, std::span<const std::string> items, std::optional<Address>& value) {
  if (items.front() == "off") {
    value.reset();
    return {};
  }
  auto address = Address::parse(items.front());
  if (!address) return refuse("is not an address");
  value = *address;
  return {};
}

// --- write: value to items.

template <typename E>
  requires std::is_enum_v<E>
Items write(const Option& option, E value) {
  return {std::string(option.choices[static_cast<std::size_t>(value)])};
}
Items write(const Option& option, std::uint32_t value) {
  if (option.kind == Kind::kPercent) return {std::to_string(value) + "%"};
  return {option.kind == Kind::kWorkers && value == 0 ? "auto" : std::to_string(value)};
}
Items write(const Option&, Duration value) { return {format_duration(value)}; }
Items write(const Option&, Bytes value) { return {format_bytes(value)}; }
Items write(const Option&, const std::string& value) { return {value}; }
Items write(const Option&, const std::vector<std::string>& value) { return value; }
Items write(const Option&, const std::vector<Variable>& value) {
  Items items;
  for (const Variable& variable : value) items.push_back(variable.name + "=" + variable.value);
  return items;
}
Items write(const Option&, const std::vector<Server>& value) {
  Items items;
  for (const Server& server : value) items.push_back(format_server(server));
  return items;
}
// Every interface is the port alone, as an operator would write it.
std::string write(const Address& address) {
  if (address.family() == AF_INET6 && address.is_any()) return std::to_string(address.port());
  return address.to_string();
}
Items write(const Option&, const std::vector<Address>& value) {
  Items items;
  for (const Address& address : value) items.push_back(write(address));
  return items;
}
Items write(const Option&, const std::optional<Address>& value) {
  return {value ? write(*value) : "off"};
}

std::int64_t bound(Duration value) { return value.count(); }
std::int64_t bound(std::integral auto value) { return static_cast<std::int64_t>(value); }

// The type of a member decides how it is read; the kind in the row must be one for that type.
template <typename T>
constexpr bool fits(Kind kind) {
  switch (kind) {
    case Kind::kCount:
    case Kind::kWorkers:
    case Kind::kPercent:
      return std::same_as<T, std::uint32_t>;
    case Kind::kDuration:
      return std::same_as<T, Duration>;
    case Kind::kBytes:
      return std::same_as<T, Bytes>;
    case Kind::kChoice:
      return std::is_enum_v<T>;
    case Kind::kText:
    case Kind::kPath:
    case Kind::kName:
    case Kind::kSocket:
      return std::same_as<T, std::string>;
    case Kind::kBinds:
      return std::same_as<T, std::vector<Address>>;
    case Kind::kOptionalBind:
      return std::same_as<T, std::optional<Address>>;
    case Kind::kWords:
      return std::same_as<T, std::vector<std::string>>;
    case Kind::kServers:
      return std::same_as<T, std::vector<Server>>;
    case Kind::kVariables:
      return std::same_as<T, std::vector<Variable>>;
  }
  return false;
}

}  // namespace

#define MEMBER_TYPE(section, member) decltype(section{}.member)
#define ROW(section, member, kind, default_value, least, most, help)               \
  {Section::k##section,                                                            \
   #member,                                                                        \
   Kind::kind,                                                                     \
   bound(least),                                                                   \
   bound(most),                                                                    \
   help,                                                                           \
   choices_of<MEMBER_TYPE(section, member)>(),                                     \
   [](const Option& option, std::span<const std::string> items, void* structure) { \
     return read(option, items, static_cast<section*>(structure)->member);         \
   },                                                                              \
   [](const Option& option, const void* structure) {                               \
     return write(option, static_cast<const section*>(structure)->member);         \
   },                                                                              \
   [](const Option& option) {                                                      \
     const MEMBER_TYPE(section, member) value = default_value;                     \
     return write(option, value);                                                  \
   }},
#define RANGED(section, member, kind, default_value, least, most, help)              \
  static_assert(fits<MEMBER_TYPE(section, member)>(Kind::kind) && (least) <= (most), \
                #section " " #member);
#define OPTION(section, member, kind, default_value, help) \
  static_assert(fits<MEMBER_TYPE(section, member)>(Kind::kind), #section " " #member);
#include "config/options.def"
#undef RANGED
#undef OPTION

std::span<const Option> options() {
#define RANGED ROW
#define OPTION(section, member, kind, default_value, help) \
  ROW(section, member, kind, default_value, 0, 0, help)
  static const Option kOptions[] = {
#include "config/options.def"
  };
#undef RANGED
#undef OPTION
#undef ROW
#undef MEMBER_TYPE
  return kOptions;
}

const Option* find_option(Section section, std::string_view key) {
  for (const Option& option : options()) {
    if (option.section == section && option.key == key) return &option;
  }
  return nullptr;
}

std::vector<std::string_view> keys_below(Section section, std::string_view within) {
  std::vector<std::string_view> keys;
  for (const Option& option : options()) {
    std::string_view key = option.key;
    if (option.section != section) continue;
    if (!within.empty()) {
      if (!key.starts_with(within) || key.size() <= within.size() || key[within.size()] != '.')
        continue;
      key.remove_prefix(within.size() + 1);
    }
    key = key.substr(0, key.find('.'));
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

Shape shape(Kind kind) {
  if (kind == Kind::kBinds || kind == Kind::kWords || kind == Kind::kServers) return Shape::kList;
  return kind == Kind::kVariables ? Shape::kMap : Shape::kScalar;
}

bool is_ranged(Kind kind) {
  return kind == Kind::kCount || kind == Kind::kWorkers || kind == Kind::kDuration ||
         kind == Kind::kBytes || kind == Kind::kPercent;
}

std::string format_bound(const Option& option, std::int64_t value) {
  if (option.kind == Kind::kDuration) return format_duration(Duration(value));
  if (option.kind == Kind::kBytes) return format_bytes(static_cast<Bytes>(value));
  return std::to_string(value) + (option.kind == Kind::kPercent ? "%" : "");
}

std::string expectation(const Option& option) {
  const auto range = [&] {
    return format_bound(option, option.least) + " to " + format_bound(option, option.most);
  };
  switch (option.kind) {
    case Kind::kCount:
      return "a number from " + range();
    case Kind::kWorkers:
      return "auto or a number from " + range();
    case Kind::kPercent:
      return "a percentage from " + range();
    case Kind::kDuration:
      return "a duration from " + range() + ", as in 250ms, 30s, 5m or 1h";
    case Kind::kBytes:
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
      return "the name of a pool";
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
    case Kind::kVariables:
      return "a map of variable names to values";
  }
  return "a value";
}

}  // namespace roundhouse::config
