#include "cli/operate.h"

#include <poll.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "cli/control_client.h"
#include "config/values.h"

namespace roundhouse::cli {
namespace {

constexpr int kLookEveryMilliseconds = 50;
// The edge reads its channel at once, or does not run.
constexpr Duration kBegunWithin = std::chrono::seconds(5);
// Every worker of a large pool may take its whole time to start and to drain.
constexpr Duration kDoneWithin = std::chrono::hours(24);

constexpr Duration kQuietFor = std::chrono::seconds(1);

struct Wish {
  std::string path;
  std::string body;
};

Outcome failure(std::string message) { return {ExitCode::kFailure, "", std::move(message) + "\n"}; }

std::string text_of(const Json& json, const char* key) {
  return json.is_object() && json.contains(key) && json[key].is_string()
             ? json[key].get<std::string>()
             : std::string();
}

Wish wish_of(const CommandLine& line) {
  const std::string pools = "/api/v1/pools/";
  if (line.command == Command::kReload) return {"/api/v1/reload", ""};
  if (line.command == Command::kScale)
    return {pools + line.subject + "/scale", "{\"workers\": " + line.count + "}"};
  if (line.subject.empty()) return {"/api/v1/restart", ""};
  const auto slash = line.subject.find('/');
  if (slash == line.subject.npos) return {pools + line.subject + "/restart", ""};
  return {pools + line.subject.substr(0, slash) + "/workers/" + line.subject.substr(slash + 1) +
              "/restart",
          ""};
}

bool is_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Outcome outcome_of(const Json& operation) {
  const std::string text = text_of(operation, "text") + "\n";
  const std::string state = text_of(operation, "state");
  if (state == "applied") return {ExitCode::kOk, text, ""};
  return {state == "refused" ? ExitCode::kConfiguration : ExitCode::kFailure, "", text};
}

// 4xx: what was asked for cannot be, or nobody may ask for it. 5xx: it was not taken.
ExitCode code_of(int status) {
  return status >= 400 && status < 500 ? ExitCode::kConfiguration : ExitCode::kFailure;
}

// Says each state of it once.
class Teller {
 public:
  explicit Teller(const Progress& progress) : progress_(progress) {}

  void tell(const Json& operation) {
    const std::string text = text_of(operation, "text");
    if (!progress_.say || text == told_) return;
    if (!progress_.at_once && Clock::now() - began_ < kQuietFor) return;
    told_ = text;
    progress_.say(text_of(operation, "kind") + ": " + text + "\n");
  }

 private:
  const Progress& progress_;
  const Time began_ = Clock::now();
  std::string told_;
};

// The monitor may be started anew meanwhile: whoever does not answer is asked again.
Outcome wait_for_end_of(const std::string& socket, const std::string& ticket,
                        const Progress& progress) {
  const Time began = Clock::now();
  Teller teller(progress);
  bool begun = false;
  while (Clock::now() - began < kDoneWithin) {
    const auto reply = request(socket, "GET", "/api/v1/operations/" + ticket);
    const auto json = reply && reply->status == 200 ? parse_json(reply->body) : std::nullopt;
    begun = begun || json.has_value();
    if (json && text_of(*json, "state") != "running") return outcome_of(*json);
    if (json) teller.tell(*json);
    if (!begun && Clock::now() - began > kBegunWithin)
      return failure(socket + ": the edge has not begun it within " +
                     std::to_string(kBegunWithin / std::chrono::seconds(1)) + " s");
    if (begun && !reply && Clock::now() - began > kBegunWithin && !find_instance(socket, {}))
      return failure(socket + ": the instance has gone");
    ::poll(nullptr, 0, kLookEveryMilliseconds);
  }
  return failure(socket + ": it is under way still");
}

}  // namespace

Result<void> check_subject(const std::string& subject, bool may_be_worker) {
  const auto slash = may_be_worker ? subject.find('/') : subject.npos;
  const std::string pool = subject.substr(0, slash);
  if (!config::is_valid_name(pool))
    return fail("'" + pool + "' cannot be the name of a pool", ExitCode::kUsage);
  if (slash != subject.npos && !is_number(std::string_view(subject).substr(slash + 1)))
    return fail("'" + subject.substr(slash + 1) + "' is no number of a worker", ExitCode::kUsage);
  return {};
}

Outcome operate(const CommandLine& line, const std::vector<std::string>& folders,
                const Progress& progress) {
  if (const auto checked = check_subject(line.subject, line.command == Command::kRestart);
      !line.subject.empty() && !checked)
    return {ExitCode::kUsage, "",
            "roundhouse: " + checked.error().message + "\nusage: " + usage(line.command) + "\n"};
  if (line.command == Command::kScale && !is_number(line.count))
    return {ExitCode::kUsage, "",
            "roundhouse: '" + line.count +
                "' is no number of workers\nusage: " + usage(Command::kScale) + "\n"};
  const auto instance = find_instance(line.socket, folders);
  if (!instance) return Outcome::of(instance.error());
  const Wish wish = wish_of(line);
  const auto reply = request(instance->socket, "POST", wish.path, kReplyWithin, wish.body);
  if (!reply) return Outcome::of(reply.error());
  const auto json = parse_json(reply->body);
  const std::string ticket = json ? text_of(*json, "operation") : "";
  if (reply->status != 202 || ticket.empty()) {
    const std::string why = json ? text_of(*json, "error") : "";
    return {code_of(reply->status), "",
            (why.empty() ? instance->socket + ": " + std::to_string(reply->status) : why) + "\n"};
  }
  if (line.no_wait) return {ExitCode::kOk, "begun\n", ""};
  return wait_for_end_of(instance->socket, ticket, progress);
}

}  // namespace roundhouse::cli
