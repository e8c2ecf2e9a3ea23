#include "bench/load/options.h"

#include <charconv>
#include <functional>
#include <map>
#include <string_view>

namespace roundhouse::bench {
namespace {

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::optional<Mode> mode_of(std::string_view text) {
  if (text == "close") return Mode::kClose;
  if (text == "keep-alive") return Mode::kKeepAlive;
  if (text == "hold") return Mode::kHold;
  return std::nullopt;
}

using Setter = std::function<bool(Options&, const std::string&)>;

template <typename Store>
Setter number(Store store) {
  return [store](Options& options, const std::string& text) {
    const auto value = number_of(text);
    if (value) store(options, *value);
    return value.has_value();
  };
}

template <typename Member>
Setter seconds_into(Member member) {
  return number([member](Options& options, double value) {
    options.*member = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
  });
}

template <typename Integer>
Setter integer_into(Integer Options::* member) {
  return number(
      [member](Options& options, double value) { options.*member = static_cast<Integer>(value); });
}

Setter text_into(std::string Options::* member) {
  return [member](Options& options, const std::string& text) {
    options.*member = text;
    return true;
  };
}

const std::map<std::string_view, Setter>& setters() {
  static const std::map<std::string_view, Setter> all = {
      {"--port", integer_into(&Options::port)},
      {"--clients", integer_into(&Options::clients)},
      {"--requests", integer_into(&Options::requests)},
      {"--seconds", seconds_into(&Options::time)},
      {"--rate", number([](Options& options, double value) { options.rate = value; })},
      {"--connect-timeout", seconds_into(&Options::connect_timeout)},
      {"--timeout", seconds_into(&Options::timeout)},
      {"--hold", seconds_into(&Options::hold)},
      {"--path", text_into(&Options::path)},
      {"--expect", text_into(&Options::expected)},
      {"--mode",
       [](Options& options, const std::string& text) {
         const auto mode = mode_of(text);
         if (mode) options.mode = *mode;
         return mode.has_value();
       }},
  };
  return all;
}

}  // namespace

const char kUsage[] =
    "bench_load --port PORT [--mode close|keep-alive|hold] [--clients 64] [--requests N] "
    "[--seconds S]\n"
    "           [--rate PER_SECOND] [--path /] [--expect TEXT] [--connect-timeout 3] [--timeout "
    "10] [--hold S]\n"
    "Prints a JSON report when the requests or the seconds are over, or at SIGTERM.\n";

std::optional<Options> parse_options(int argc, char** argv, std::string& why) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const auto setter = setters().find(argv[i]);
    if (setter == setters().end() || i + 1 == argc || !setter->second(options, argv[i + 1])) {
      why = std::string("cannot make sense of ") + argv[i];
      return std::nullopt;
    }
  }
  if (options.port == 0 || options.clients == 0) {
    why = "a port and at least one client are needed";
    return std::nullopt;
  }
  return options;
}

}  // namespace roundhouse::bench
