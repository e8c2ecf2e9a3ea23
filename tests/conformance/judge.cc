// How what happened differs from what is owed.
#include <algorithm>
#include <string>
#include <vector>

#include "conformance/trial.h"

namespace roundhouse::conformance {
namespace {

using Kind = Difference::Kind;
using Seen = ScriptedOrigin::Seen;

std::string visible(const std::string& bytes) {
  std::string text;
  for (const char c : bytes.substr(0, 60)) {
    if (c == '\r')
      text += "\\r";
    else if (c == '\n')
      text += "\\n";
    else
      text += c >= ' ' && c < 127 ? c : '?';
  }
  return bytes.size() > 60 ? text + "..." : text;
}

std::string describe(const Message& request) {
  if (!request.has_head) return "a part of a head";
  std::string text = visible(request.start.substr(0, request.start.rfind(' ')));
  if (request.framing != Framing::kNone) text.append(", ").append(name_of(request.framing));
  if (!request.body.empty()) text += " '" + visible(request.body) + "'";
  if (!request.oddity.empty()) text += " with " + request.oddity;
  if (!request.whole) text += ", unfinished";
  return text;
}

std::string describe(const std::vector<Seen>& reached) {
  if (reached.empty()) return "nothing reached the origin";
  std::string text = "the origin got ";
  for (const Seen& seen : reached) {
    if (&seen != &reached.front()) text += "; and ";
    text += describe(seen.message);
  }
  return text;
}

std::vector<int> statuses_of(const Outcome& outcome) {
  std::vector<int> statuses;
  for (const Message& answer : outcome.answers) statuses.push_back(answer.status());
  return statuses;
}

std::string describe_client(const Outcome& outcome) {
  std::string text;
  const std::vector<int> statuses = statuses_of(outcome);
  for (std::size_t i = 0; i < statuses.size();) {
    const auto behind = std::find_if(statuses.begin() + static_cast<std::ptrdiff_t>(i),
                                     statuses.end(), [&](int s) { return s != statuses[i]; });
    const auto times = static_cast<std::size_t>(behind - statuses.begin()) - i;
    text +=
        (text.empty() ? "" : " ") + (statuses[i] == 0 ? "not HTTP" : std::to_string(statuses[i]));
    if (times > 1) text += " (" + std::to_string(times) + " times)";
    i += times;
  }
  if (!outcome.rest.empty()) {
    const std::string start = outcome.rest.substr(0, outcome.rest.find('\r'));
    text += (text.empty() ? "cut: " : " then cut: ") + visible(start);
  }
  if (text.empty()) text = "no answer";
  return text + (outcome.closed ? ", closed" : ", open");
}

// The same request, however it is framed.
bool same(const Reached& owed, const Message& message) {
  return message.whole && message.method() == owed.method && message.target() == owed.target &&
         message.body == owed.body;
}

void judge_reached(const Case& one, const Outcome& outcome, std::vector<Difference>& found) {
  const auto differs = [&](Kind kind) { found.push_back({kind, describe(outcome.reached)}); };
  if (one.rule == Case::Origin::kNothingWhole) {
    if (std::ranges::any_of(outcome.reached, [](const Seen& seen) { return seen.message.whole; }))
      differs(Kind::kReached);
    return;
  }
  if (one.of_responses && one.reached.empty()) return;
  const bool as_owed = std::ranges::equal(
      one.reached, outcome.reached,
      [](const Reached& owed, const Seen& seen) { return same(owed, seen.message); });
  if (!as_owed) {
    differs(Kind::kReached);
    return;
  }
  for (std::size_t i = 0; i < one.reached.size(); ++i) {
    if (one.reached[i].framing == name_of(outcome.reached[i].message.framing)) continue;
    differs(Kind::kManner);
    return;
  }
}

void judge_fields(const Case& one, const Outcome& outcome, std::vector<Difference>& found) {
  const auto differs = [&](const std::string& text) { found.push_back({Kind::kFields, text}); };
  const bool told = !found.empty();  // by judge_reached
  for (const Seen& seen : outcome.reached)
    if (!told && !seen.message.oddity.empty() && seen.message.whole)
      differs("reached the origin with " + seen.message.oddity);
  const Message* message = nullptr;
  if (one.of_responses && !outcome.answers.empty()) message = &outcome.answers.back();
  if (!one.of_responses && !outcome.reached.empty()) message = &outcome.reached.back().message;
  if (message == nullptr) return;
  for (const std::string& line : one.has) {
    const std::string name = line.substr(0, line.find(':'));
    const std::string value = line.substr(std::min(line.size(), name.size() + 2));
    const bool there = std::ranges::any_of(message->fields, [&](const auto& field) {
      return same_name(field.first, name) && field.second == value;
    });
    if (!there) differs("without " + visible(line));
  }
  for (const std::string& name : one.lacks)
    if (const auto value = message->find(name)) differs("with " + name + ": " + visible(*value));
  for (const std::string& text : one.hides)
    if (message->mentions(text)) differs("with " + visible(text));
}

bool is_served(int status) { return status > 0 && status < 400; }

void judge_client(const Case& one, const Outcome& outcome, std::vector<Difference>& found) {
  const auto differs = [&](Kind kind) { found.push_back({kind, describe_client(outcome)}); };
  const std::vector<int> statuses = statuses_of(outcome);
  const bool owed_served = !one.statuses.empty() && is_served(one.statuses.back());
  const bool was_served = !statuses.empty() && is_served(statuses.back());
  const bool owed_whole = one.end != Case::End::kCut;
  if (owed_whole ? owed_served != was_served : was_served || statuses.size() > 1) {
    differs(Kind::kServed);
  } else if (!owed_whole) {
    // Who has not yet begun to answer may refuse instead.
    if (!outcome.closed && statuses.empty()) differs(Kind::kServed);
  } else if (statuses != one.statuses || !outcome.rest.empty()) {
    differs(Kind::kManner);
  } else if (one.end == Case::End::kClosed ? !outcome.closed : !one.of_head && !outcome.went_on) {
    differs(Kind::kManner);
  }
  for (const Message& answer : outcome.answers)
    if (!answer.oddity.empty()) found.push_back({Kind::kFields, "answered with " + answer.oddity});
  if (one.body && (outcome.answers.empty() || outcome.answers.back().body != *one.body)) {
    const std::string body = outcome.answers.empty() ? "" : outcome.answers.back().body;
    found.push_back({Kind::kServed, "the client got the body '" + visible(body) + "'"});
  }
}

// Answers of our origin are to come in the order of its requests.
void judge_order(const Case& one, const Outcome& outcome, std::vector<Difference>& found) {
  if (one.of_responses || one.of_head) return;
  std::size_t row = 0;
  for (const Message& answer : outcome.answers) {
    if (answer.status() != 200) continue;
    const Message* request = nullptr;
    if (row < outcome.reached.size()) request = &outcome.reached[row++].message;
    if (request == nullptr || answer.body != request->method() + " " + request->target())
      found.push_back({Kind::kNextClient, "an answer that belongs to another request"});
  }
}

}  // namespace

std::vector<Difference> judge(const Case& one, const Outcome& outcome) {
  std::vector<Difference> found;
  judge_reached(one, outcome, found);
  judge_fields(one, outcome, found);
  judge_client(one, outcome, found);
  judge_order(one, outcome, found);
  if (!outcome.released)
    found.push_back({Kind::kManner, "the connection to the origin is not let go"});
  if (!outcome.next_is_own)
    found.push_back({Kind::kNextClient,
                     "the next client got " + (outcome.next.has_head ? visible(outcome.next.start)
                                                                     : std::string("no answer"))});
  const bool same_connection = one.next == Case::Next::kSame;
  if (one.next != Case::Next::kEither && outcome.next_on_same_connection != same_connection)
    found.push_back({Kind::kManner, same_connection ? "the connection to the origin is not kept"
                                                    : "the connection to the origin is kept"});
  return found;
}

std::string describe(const Case& one, const Outcome& outcome) {
  std::string text = describe_client(outcome);
  if (!one.of_responses) text += "; " + describe(outcome.reached);
  if (one.of_responses && !outcome.answers.empty() && !outcome.answers.back().body.empty())
    text += ", '" + visible(outcome.answers.back().body) + "'";
  return text;
}

}  // namespace roundhouse::conformance
