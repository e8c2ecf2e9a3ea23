#include "ipc/heritage.h"

#include <fcntl.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "ipc/messages.h"

namespace roundhouse::ipc {
namespace {

template <typename T>
std::optional<T> parse(std::string_view text) {
  T number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string copy = value == nullptr ? "" : value;
  ::unsetenv(name);
  return copy;
}

Result<std::uint32_t> take_number(const char* name) {
  const std::string text = take_variable(name);
  const auto number = parse<std::uint32_t>(text);
  if (!number)
    return fail(std::string(name) + "='" + text + "' is not a number", ExitCode::kSystem);
  return *number;
}

Result<UniqueFd> own(const char* name, std::optional<int> number) {
  if (!number || *number < kFirstDescriptor || ::fcntl(*number, F_SETFD, FD_CLOEXEC) != 0) {
    return fail(std::string(name) + " names no open descriptor", ExitCode::kSystem);
  }
  return UniqueFd(*number);
}

Result<UniqueFd> take_descriptor(const char* name) {
  return own(name, parse<int>(take_variable(name)));
}

Result<UniqueFd> take_optional_descriptor(const char* name) {
  if (std::getenv(name) == nullptr) return UniqueFd();
  return take_descriptor(name);
}

Result<std::vector<OwnedListener>> take_listeners() {
  constexpr const char* kName = "ROUNDHOUSE_LISTENERS";
  const std::string text = take_variable(kName);
  std::vector<OwnedListener> listeners;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const auto colon = item.find(':');
    const auto listener = parse<std::uint32_t>(item.substr(0, colon));
    if (!listener || colon == item.npos)
      return fail(std::string(kName) + " is malformed", ExitCode::kSystem);
    listeners.push_back({*listener, TRY(own(kName, parse<int>(item.substr(colon + 1))))});
  }
  return listeners;
}

// Those that not every process gets.
struct OptionalDescriptor {
  const char* name;
  int Bequest::* given;
  UniqueFd Heritage::* taken;
};
constexpr OptionalDescriptor kOptional[] = {
    {"ROUNDHOUSE_POOLS_FD", &Bequest::pools, &Heritage::pools},
    {"ROUNDHOUSE_ENDPOINTS_FD", &Bequest::endpoints, &Heritage::endpoints},
    {"ROUNDHOUSE_LIMITS_FD", &Bequest::limits, &Heritage::limits},
    {"ROUNDHOUSE_ACCESS_LOG_FD", &Bequest::access_log, &Heritage::access_log},
    {"ROUNDHOUSE_OUTPUT_FD", &Bequest::output, &Heritage::output},
    {"ROUNDHOUSE_HISTORY_FD", &Bequest::history, &Heritage::history},
    {"ROUNDHOUSE_LINE_FD", &Bequest::line, &Heritage::line}};

}  // namespace

std::vector<int> Bequest::descriptors() const {
  std::vector<int> all{channel, configuration, memory};
  for (const OptionalDescriptor& optional : kOptional)
    if (this->*optional.given >= 0) all.push_back(this->*optional.given);
  for (const InheritedListener& listener : listeners) all.push_back(listener.fd);
  return all;
}

std::vector<std::string> Bequest::environment() const {
  const bool worker = role == Role::kWorker;
  int number = kFirstDescriptor;
  std::vector<std::string> all{
      "ROUNDHOUSE_PROTOCOL=" + std::to_string(kProtocolVersion),
      std::string("ROUNDHOUSE_ROLE=") + (worker ? "worker" : "monitor"),
      "ROUNDHOUSE_WORKER_ID=" + std::to_string(worker_id),
      "ROUNDHOUSE_GENERATION=" + std::to_string(generation),
      "ROUNDHOUSE_CHANNEL_FD=" + std::to_string(number),
      "ROUNDHOUSE_CONFIGURATION_FD=" + std::to_string(number + 1),
      (worker ? "ROUNDHOUSE_SLOT_FD=" : "ROUNDHOUSE_BOARD_FD=") + std::to_string(number + 2),
  };
  if (worker) all.push_back("ROUNDHOUSE_POOL=" + pool);
  number += 3;
  for (const OptionalDescriptor& optional : kOptional) {
    if (this->*optional.given >= 0)
      all.push_back(std::string(optional.name) + "=" + std::to_string(number++));
  }
  std::string listening;
  for (const InheritedListener& listener : listeners) {
    listening += (listening.empty() ? "" : ",") + std::to_string(listener.listener) + ":" +
                 std::to_string(number++);
  }
  if (!listening.empty()) all.push_back("ROUNDHOUSE_LISTENERS=" + listening);
  return all;
}

bool Heritage::present() { return std::getenv("ROUNDHOUSE_ROLE") != nullptr; }

Result<Heritage> Heritage::take() {
  Heritage heritage;
  const std::string role = take_variable("ROUNDHOUSE_ROLE");
  if (role != "worker" && role != "monitor")
    return fail("ROUNDHOUSE_ROLE='" + role + "' is unknown", ExitCode::kSystem);
  heritage.role = role == "worker" ? Role::kWorker : Role::kMonitor;
  const std::uint32_t protocol = TRY(take_number("ROUNDHOUSE_PROTOCOL"));
  if (protocol != kProtocolVersion) {
    return fail("the edge speaks protocol " + std::to_string(protocol) + ", this worker " +
                    std::to_string(kProtocolVersion),
                ExitCode::kSystem);
  }
  heritage.pool = take_variable("ROUNDHOUSE_POOL");
  heritage.worker_id = TRY(take_number("ROUNDHOUSE_WORKER_ID"));
  heritage.generation = TRY(take_number("ROUNDHOUSE_GENERATION"));
  heritage.channel = TRY(take_descriptor("ROUNDHOUSE_CHANNEL_FD"));
  heritage.configuration = TRY(take_descriptor("ROUNDHOUSE_CONFIGURATION_FD"));
  const bool worker = heritage.role == Role::kWorker;
  heritage.memory = TRY(take_descriptor(worker ? "ROUNDHOUSE_SLOT_FD" : "ROUNDHOUSE_BOARD_FD"));
  for (const OptionalDescriptor& optional : kOptional)
    heritage.*optional.taken = TRY(take_optional_descriptor(optional.name));
  heritage.listeners = TRY(take_listeners());
  return heritage;
}

}  // namespace roundhouse::ipc
