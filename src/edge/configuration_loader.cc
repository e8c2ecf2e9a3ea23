#include "edge/configuration_loader.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string_view>
#include <utility>

#include "config/effective.h"
#include "edge/spawn.h"

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
    : loop_(loop),
      arguments_(std::move(arguments)),
      done_(std::move(done)),
      deadline_(loop, [this] {
        end({.configuration = fail("reading the configuration took longer than " +
                                       std::to_string(kLoadWithin / std::chrono::seconds(1)) + " s",
                                   ExitCode::kSystem),
             .warnings = {}});
      }) {}

ConfigurationLoader::~ConfigurationLoader() {
  watcher_.stop();
  if (pid_ != 0) ::kill(pid_, SIGKILL);
}

void ConfigurationLoader::start() {
  printed_.clear();
  auto started = spawn_process();
  if (started) return deadline_.start_once(kLoadWithin);
  loop_.defer([this, error = std::move(started).error()] {
    end({.configuration = std::unexpected(error), .warnings = {}});
  });
}

Result<void> ConfigurationLoader::spawn_process() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  output_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  Program program{.path = "/proc/self/exe", .arguments = arguments_, .environment = {}, .cwd = ""};
  program.environment.push_back(std::string(kLoadVariable) + "=1");
  for (char** inherited = environ; *inherited != nullptr; ++inherited)
    program.environment.emplace_back(*inherited);
  program.die_with_us = true;
  program.out = theirs.get();
  pid_ = TRY(spawn(program, {}));
  watcher_.watch(loop_, output_.get(), Interest::kRead, Trigger::kLevel, *this);
  return {};
}

void ConfigurationLoader::on_ready(Ready /*ready*/) {
  std::array<char, 65536> part;
  const ssize_t got = ::read(output_.get(), part.data(), part.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0 && printed_.size() < kLoadedBytesMax) {
    printed_.append(part.data(), static_cast<std::size_t>(got));
    return;
  }
  end(LoadReport::from_text(printed_));
}

void ConfigurationLoader::end(LoadReport report) {
  watcher_.stop();
  deadline_.stop();
  output_.reset();
  if (pid_ != 0) ::kill(pid_, SIGKILL);  // it has said all, or will not
  pid_ = 0;
  done_(std::move(report));
}

// It has printed all; what it printed is read when the pipe says so.
bool ConfigurationLoader::reaped(pid_t pid) { return pid_ != 0 && pid == pid_; }

}  // namespace roundhouse::edge
