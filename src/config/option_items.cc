#include "config/option_items.h"

#include <concepts>
#include <utility>

#include "config/text_template.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

Refusals refuse(std::string what) { return {Refusal{std::move(what)}}; }

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

template <typename T>
Refusals read_optional(const Option& option, std::span<const std::string> items,
                       std::optional<T>& value) {
  T number{};
  Refusals refusals = read(option, items, number);
  if (refusals.empty()) value = number;
  return refusals;
}

// Each item by itself; `parse` is a Parsed or a Result of one.
template <typename T>
Refusals read_each(std::span<const std::string> items, std::string_view none, auto parse,
                   std::vector<T>& value) {
  if (items.empty()) return refuse(std::string(none));
  std::vector<T> all;
  Refusals refusals;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto one = parse(items[i]);
    if (one) {
      all.push_back(*std::move(one));
    } else {
      refusals.push_back({one.error(), i});
    }
  }
  if (refusals.empty()) value = std::move(all);
  return refusals;
}

Parsed<std::string> parse_word(const Option& option, const std::string& text) {
  if (option.kind == Kind::kWords) {
    if (text.find('\0') != text.npos) return std::unexpected("contains a NUL byte");
  } else if (option.kind == Kind::kResolvers) {
    if (const auto address = parse_name_server(text); !address)
      return std::unexpected(address.error());
  } else if (option.kind == Kind::kHostNames) {
    if (!is_host_name(text)) return std::unexpected("is not the name of a host");
  } else if (option.kind == Kind::kProtocols) {
    const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
    if (text.empty() || text.size() > 255 || !visible)
      return std::unexpected("is not the name of a protocol");
  } else if (!is_valid_token(text)) {
    return std::unexpected(option.kind == Kind::kMethods      ? "is not a method"
                           : option.kind == Kind::kFieldNames ? "is not the name of a field"
                                                              : "is not a name");
  }
  return text;
}

Parsed<Variable> parse_variable(const Option& option, const std::string& item) {
  const auto equals = std::min(item.find('='), item.size());
  Variable variable{item.substr(0, equals), item.substr(std::min(equals + 1, item.size()))};
  if (option.kind == Kind::kVariables) {
    if (!is_valid_variable_name(variable.name))
      return std::unexpected(
          "is not the name of a variable; expected letters, digits and _, not a digit first");
    if (variable.value.find('\0') != std::string::npos)
      return std::unexpected("contains a NUL byte; expected text");
    return variable;
  }
  if (option.kind == Kind::kListens) {
    const auto port = parse_count(variable.name);
    const bool fits = port ? *port >= 1 && *port <= 65535 : variable.name.starts_with('/');
    if (!fits)
      return std::unexpected("is neither a port nor a path; expected " + expectation(option));
    if (!is_valid_name(variable.value))
      return std::unexpected("names no listener; expected " + expectation(option));
    return variable;
  }
  if (!is_valid_token(variable.name))
    return std::unexpected("is not the name of a field; expected " + expectation(option));
  if (!is_valid_field_value(variable.value))
    return std::unexpected("has a value with a control character; expected text");
  if (option.kind == Kind::kMatches) return variable;
  if (const auto parsed = TextTemplate::parse(variable.value); !parsed)
    return std::unexpected("has a value that " + parsed.error() +
                           "; expected text with variables such as %{host}");
  return variable;
}

// Every interface is the port alone, as an operator would write it.
std::string text_of(const Address& address) {
  if (address.family() == AF_INET6 && address.is_any()) return std::to_string(address.port());
  return address.to_string();
}

}  // namespace

Refusals read(const Option& /*option*/, std::span<const std::string> items, bool& value) {
  if (items.front() != "true" && items.front() != "false") return refuse("is neither");
  value = items.front() == "true";
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

Refusals read(const Option& option, std::span<const std::string> items,
              std::optional<std::uint32_t>& value) {
  return read_optional(option, items, value);
}

Refusals read(const Option& option, std::span<const std::string> items,
              std::optional<Bytes>& value) {
  return read_optional(option, items, value);
}

Refusals read(const Option& option, std::span<const std::string> items, std::string& value) {
  const std::string& text = items.front();
  if (text.empty()) return refuse("is empty");
  if (text.find('\0') != text.npos) return refuse("contains a NUL byte");
  if (option.kind == Kind::kName && !is_valid_name(text)) return refuse("is not a name");
  if (option.kind == Kind::kTemplate) {
    if (!is_valid_field_value(text)) return refuse("holds a control character");
    if (const auto parsed = TextTemplate::parse(text); !parsed) return refuse(parsed.error());
  }
  value = text;
  return {};
}

Refusals read(const Option& /*option*/, std::span<const std::string> items, Rate& value) {
  const auto rate = parse_rate(items.front());
  if (!rate) return refuse(rate.error());
  value = *rate;
  return {};
}

Refusals read(const Option& /*option*/, std::span<const std::string> items,
              std::optional<Address>& value) {
  if (items.front() == "off") {
    value.reset();
    return {};
  }
  auto address = Address::parse(items.front());
  if (!address) return refuse("is not an address");
  value = *address;
  return {};
}

Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<std::string>& value) {
  const bool words = option.kind == Kind::kWords;
  if (words && !items.empty() && items.front().empty()) return refuse("names no program");
  return read_each(
      items, words ? "names no program" : "is empty",
      [&](const std::string& text) { return parse_word(option, text); }, value);
}

Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<Variable>& value) {
  if (items.empty()) {  // an empty map
    value.clear();
    return {};
  }
  return read_each(
      items, "", [&](const std::string& item) { return parse_variable(option, item); }, value);
}

Refusals read(const Option& /*option*/, std::span<const std::string> items,
              std::vector<Address>& value) {
  const auto parse = [](const std::string& text) -> Parsed<Address> {
    auto address = Address::parse(text);
    if (!address) return std::unexpected("is not an address");
    return *address;
  };
  return read_each(items, "names no address", parse, value);
}

Refusals read(const Option& /*option*/, std::span<const std::string> items,
              std::vector<Server>& value) {
  return read_each(
      items, "names no server", [](const std::string& text) { return parse_server(text); }, value);
}

Refusals read(const Option& /*option*/, std::span<const std::string> items,
              std::vector<Network>& value) {
  const auto parse = [](const std::string& text) -> Parsed<Network> {
    auto network = Network::parse(text);
    if (!network) return std::unexpected("is not a network: " + network.error().message);
    return *network;
  };
  return read_each(items, "names no network", parse, value);
}

Refusals read(const Option& /*option*/, std::span<const std::string> items,
              std::vector<Certificate>& value) {
  return read_each(
      items, "names no certificate",
      [](const std::string& text) { return parse_certificate(text); }, value);
}

Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<AccessField>& value) {
  std::size_t done = 0;
  const auto parse = [&](const std::string& text) -> Parsed<AccessField> {
    const auto before = items.first(done++);
    const auto found = std::ranges::find(option.choices, text);
    if (found == option.choices.end()) return std::unexpected("is not known");
    if (std::ranges::find(before, text) != before.end())
      return std::unexpected("is named a second time");
    return static_cast<AccessField>(found - option.choices.begin());
  };
  return read_each(items, "names no field", parse, value);
}

Items write(const Option& /*option*/, bool value) { return {value ? "true" : "false"}; }
Items write(const Option& option, std::uint32_t value) {
  if (option.kind == Kind::kPercent) return {std::to_string(value) + "%"};
  return {option.kind == Kind::kWorkers && value == 0 ? "auto" : std::to_string(value)};
}
Items write(const Option& /*option*/, Duration value) { return {format_duration(value)}; }
Items write(const Option& /*option*/, Bytes value) { return {format_bytes(value)}; }
Items write(const Option& option, std::optional<std::uint32_t> value) {
  return value ? write(option, *value) : Items();
}
Items write(const Option& option, std::optional<Bytes> value) {
  return value ? write(option, *value) : Items();
}
Items write(const Option& /*option*/, const std::string& value) { return {value}; }
Items write(const Option& /*option*/, const Rate& value) { return {format_rate(value)}; }
Items write(const Option& /*option*/, const std::vector<std::string>& value) { return value; }
Items write(const Option& /*option*/, const std::vector<Variable>& value) {
  Items items;
  for (const Variable& variable : value) items.push_back(variable.name + "=" + variable.value);
  return items;
}
Items write(const Option& /*option*/, const std::vector<Server>& value) {
  Items items;
  for (const Server& server : value) items.push_back(format_server(server));
  return items;
}
Items write(const Option& /*option*/, const std::vector<Network>& value) {
  Items items;
  for (const Network& network : value) items.push_back(network.to_string());
  return items;
}
Items write(const Option& /*option*/, const std::vector<Certificate>& value) {
  Items items;
  for (const Certificate& certificate : value) items.push_back(format_certificate(certificate));
  return items;
}
Items write(const Option& /*option*/, const std::vector<AccessField>& value) {
  Items items;
  for (const AccessField field : value) items.emplace_back(to_string(field));
  return items;
}
Items write(const Option& /*option*/, const std::vector<Address>& value) {
  Items items;
  for (const Address& address : value) items.push_back(text_of(address));
  return items;
}
Items write(const Option& /*option*/, const std::optional<Address>& value) {
  return {value ? text_of(*value) : "off"};
}

}  // namespace roundhouse::config
