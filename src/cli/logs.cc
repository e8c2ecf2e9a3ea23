// `roundhouse logs`: asks for what is newer than the last line, again and again. What programs
// printed is in shared memory, so nothing is lost while nobody asks, up to the size of its rings.
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/control_client.h"
#include "cli/operate.h"

namespace roundhouse::cli {
namespace {

constexpr int kAskEveryMilliseconds = 200;

// For a terminal: nothing in it moves the cursor.
std::string plain(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 127; },
      '?');
  return text;
}

// Prints the lines of a reply; returns the sequence of the last one.
std::uint64_t print_lines(const Json& reply, bool with_worker, std::uint64_t last,
                          const std::function<void(std::string_view)>& print) {
  if (!reply.is_object() || !reply.contains("lines") || !reply["lines"].is_array()) return last;
  std::string text;
  for (const Json& line : reply["lines"]) {
    if (!line.is_object() || !line.contains("text") || !line["text"].is_string()) continue;
    if (with_worker && line.contains("worker") && line["worker"].is_string())
      text += plain(line["worker"].get<std::string>()) + " | ";
    text += plain(line["text"].get<std::string>()) + "\n";
    if (line.contains("sequence") && line["sequence"].is_number_unsigned())
      last = std::max(last, line["sequence"].get<std::uint64_t>());
  }
  if (!text.empty()) print(text);
  return last;
}

}  // namespace

Outcome logs(const CommandLine& line, const std::vector<std::string>& folders,
             const std::function<void(std::string_view)>& print) {
  if (const auto checked = check_subject(line.subject, true); !line.subject.empty() && !checked)
    return Outcome::of(checked.error());
  const auto instance = find_instance(line.socket, folders);
  if (!instance) return Outcome::of(instance.error());
  const std::string path =
      "/api/v1/logs" + (line.subject.empty() ? "" : "/" + line.subject) + "?after=";
  const bool with_worker = !line.subject.contains('/');
  std::uint64_t last = 0;
  for (bool first = true;; first = false) {
    const auto reply = request(instance->socket, "GET", path + std::to_string(last));
    if (!reply) return first ? Outcome::of(reply.error()) : Outcome{ExitCode::kOk, "", ""};
    if (reply->status == 404) {
      return {ExitCode::kFailure, "", "there is no pool or worker '" + line.subject + "'\n"};
    }
    const auto json = parse_json(reply->body);
    if (reply->status != 200 || !json)
      return {ExitCode::kFailure, "", instance->socket + ": what answers tells no lines\n"};
    last = print_lines(*json, with_worker, last, print);
    if (!line.follow) return {ExitCode::kOk, "", ""};
    ::poll(nullptr, 0, kAskEveryMilliseconds);
  }
}

}  // namespace roundhouse::cli
