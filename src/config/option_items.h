// How values of each type are read from their items and written as items; what the rows of the
// table of options call.
//
// read() is called with exactly one item unless the shape is a list or a map; it assigns nothing if
// it refuses anything.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/option_table.h"

namespace roundhouse::config {

// The texts of an enum's values, in the order of the enum.
template <typename E>
struct Names;
template <>
struct Names<Policy> {
  static constexpr std::string_view kAll[] = {"rr", "none", "least", "sticky", "rr_kernel"};
};
template <>
struct Names<PoolType> {
  static constexpr std::string_view kAll[] = {"hello", "proxy",      "native", "auto",
                                              "node",  "listen_fds", "port"};
};
template <>
struct Names<Via> {
  static constexpr std::string_view kAll[] = {"auto", "direct", "proxy"};
};
template <>
struct Names<PrivateSocket> {
  static constexpr std::string_view kAll[] = {"auto", "unix", "tcp"};
};
template <>
struct Names<ReadyBy> {
  static constexpr std::string_view kAll[] = {"auto", "notify", "connect", "http", "settle"};
};
template <>
struct Names<StopSignal> {
  static constexpr std::string_view kAll[] = {"TERM", "INT",  "QUIT", "HUP",
                                              "USR1", "USR2", "WINCH"};
};
template <>
struct Names<Output> {
  static constexpr std::string_view kAll[] = {"pass", "prefix"};
};
template <>
struct Names<Protocol> {
  static constexpr std::string_view kAll[] = {"http", "tcp"};
};
template <>
struct Names<ProxyProtocol> {
  static constexpr std::string_view kAll[] = {"off", "require"};
};
template <>
struct Names<ProxyHeader> {
  static constexpr std::string_view kAll[] = {"off", "v1", "v2"};
};
template <>
struct Names<UpstreamProtocol> {
  static constexpr std::string_view kAll[] = {"auto", "http/1.1", "h2"};
};
template <>
struct Names<TlsVersion> {
  static constexpr std::string_view kAll[] = {"1.2", "1.3"};
};
template <>
struct Names<ClientAuth> {
  static constexpr std::string_view kAll[] = {"off", "optional", "required"};
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
struct Names<Probe> {
  static constexpr std::string_view kAll[] = {"off", "connect", "http"};
};
template <>
struct Names<AccessFormat> {
  static constexpr std::string_view kAll[] = {"off", "json", "logfmt", "combined"};
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
  if constexpr (std::same_as<T, std::vector<AccessField>>) return kAccessFieldNames;
  return {};
}

template <typename E>
  requires std::is_enum_v<E>
Refusals read(const Option& option, std::span<const std::string> items, E& value) {
  const auto found = std::ranges::find(option.choices, items.front());
  if (found == option.choices.end()) return {Refusal{"is not known"}};
  value = static_cast<E>(found - option.choices.begin());
  return {};
}
Refusals read(const Option& option, std::span<const std::string> items, bool& value);
Refusals read(const Option& option, std::span<const std::string> items, std::uint32_t& value);
Refusals read(const Option& option, std::span<const std::string> items, Duration& value);
Refusals read(const Option& option, std::span<const std::string> items, Bytes& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::optional<std::uint32_t>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::optional<Bytes>& value);
Refusals read(const Option& option, std::span<const std::string> items, std::string& value);
Refusals read(const Option& option, std::span<const std::string> items, Rate& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::optional<Address>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<std::string>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<Variable>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<Address>& value);
Refusals read(const Option& option, std::span<const std::string> items, std::vector<Server>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<Network>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<Certificate>& value);
Refusals read(const Option& option, std::span<const std::string> items,
              std::vector<AccessField>& value);

template <typename E>
  requires std::is_enum_v<E>
Items write(const Option& option, E value) {
  return {std::string(option.choices[static_cast<std::size_t>(value)])};
}
Items write(const Option& option, bool value);
Items write(const Option& option, std::uint32_t value);
Items write(const Option& option, Duration value);
Items write(const Option& option, Bytes value);
Items write(const Option& option, std::optional<std::uint32_t> value);
Items write(const Option& option, std::optional<Bytes> value);
Items write(const Option& option, const std::string& value);
Items write(const Option& option, const Rate& value);
Items write(const Option& option, const std::optional<Address>& value);
Items write(const Option& option, const std::vector<std::string>& value);
Items write(const Option& option, const std::vector<Variable>& value);
Items write(const Option& option, const std::vector<Address>& value);
Items write(const Option& option, const std::vector<Server>& value);
Items write(const Option& option, const std::vector<Network>& value);
Items write(const Option& option, const std::vector<Certificate>& value);
Items write(const Option& option, const std::vector<AccessField>& value);

}  // namespace roundhouse::config
