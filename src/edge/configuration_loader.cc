#include "edge/configuration_loader.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "config/effective.h"

namespace roundhouse::edge {
namespace {

constexpr std::string_view kGood = "good";
constexpr std::string_view kRefused = "refused";

std::string_view next_part(std::string_view& text, char end) {
  const auto at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text = at == text.npos ? std::string_view() : text.substr(at + 1);
  return part;
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

// "good 1 1\n", the warnings, a line each, places, "KEY PLACE\n" each, and the effective text; or
// "refused 78\n" and why.
std::string LoadReport::text() const {
  if (!configuration)
    return std::string(kRefused) + " " +
           std::to_string(static_cast<int>(configuration.error().code)) + "\n" +
           configuration.error().message;
  std::string text = std::string(kGood) + " " + std::to_string(warnings.size()) + " " +
                     std::to_string(places.size()) + "\n";
  for (const std::string& warning : warnings) text += warning + "\n";
  for (const auto& [key, place] : places) text.append(key).append(" ").append(place).append("\n");
  return text + config::to_effective_text(*configuration);
}

LoadReport LoadReport::from_text(const std::string& text) {
  std::string_view rest = text;
  const std::string_view verdict = next_part(rest, ' ');
  std::string_view counts = next_part(rest, '\n');
  const std::size_t count = number(next_part(counts, ' '));
  if (verdict == kRefused)
    return {.configuration = fail(std::string(rest), static_cast<ExitCode>(count)), .warnings = {}};
  if (verdict != kGood)
    return {
        .configuration = fail("the process that reads the configuration ended without an answer",
                              ExitCode::kSystem),
        .warnings = {}};
  LoadReport report{.configuration = config::Configuration(), .warnings = {}};
  for (std::size_t i = 0; i < count; ++i) report.warnings.emplace_back(next_part(rest, '\n'));
  for (std::size_t i = number(counts); i > 0; --i) {
    const std::string_view key = next_part(rest, ' ');
    report.places[std::string(key)] = next_part(rest, '\n');
  }
  report.configuration = config::from_effective_text(rest);
  return report;
}

ConfigurationLoader::ConfigurationLoader(EventLoop& loop, std::vector<std::string> arguments,
                                         Done done)
    : done_(std::move(done)),
      process_(
          loop,
          {.task = "reading the configuration",
           .arguments = std::move(arguments),
           .variable = kLoadVariable},
          [this](Result<std::string> printed) {
            if (printed) return done_(LoadReport::from_text(*printed));
            done_({.configuration = std::unexpected(std::move(printed).error()), .warnings = {}});
          }) {}

}  // namespace roundhouse::edge
