#include "conformance/trial.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace roundhouse::conformance {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// The client of one case.
class RawClient {
 public:
  RawClient(const Address& server, bool of_head, milliseconds patience)
      : fd_(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)),
        of_head_(of_head),
        patience_(patience) {
    if (::connect(fd_.get(), server.data(), server.size()) != 0) closed_ = true;
  }

  int fd() const { return fd_.get(); }
  bool closed() const { return closed_; }
  const std::vector<Message>& answers() const { return answers_; }
  const std::string& rest() const { return received_; }

  void send(const std::string& bytes, bool bytewise) {
    send_all(fd_.get(), bytes, bytewise ? 1 : bytes.size());
  }

  bool await_status(int status) {
    return read_until([&] {
      return std::ranges::any_of(answers_, [&](const Message& m) { return m.status() == status; });
    });
  }
  bool await_answers(std::size_t count) {
    return read_until([&] { return answers_.size() >= count; });
  }
  bool await_close() {
    return read_until([this] { return closed_; });
  }
  void reset() {
    make_close_a_reset(fd_.get());
    fd_.reset();
    closed_ = true;
  }

 private:
  template <typename Condition>
  bool read_until(Condition condition) {
    const auto deadline = SteadyClock::now() + patience_;
    while (!condition()) {
      if (closed_) return false;
      const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()).count();
      pollfd wanted{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (left <= 0 || ::poll(&wanted, 1, static_cast<int>(left)) <= 0) return false;
      fill();
    }
    return true;
  }

  void fill() {
    char piece[65536];
    const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (got <= 0)
      closed_ = true;
    else
      received_.append(piece, static_cast<std::size_t>(got));
    while (!received_.empty()) {
      Message answer;
      const Reading reading = of_head_ ? Reading::kAnswerWithoutBody : Reading::kAnswer;
      const std::size_t size = read_message(received_, reading, answer);
      const bool ends_here = closed_ && got == 0 && answer.framing == Framing::kUntilClose;
      if (size == 0 && !ends_here) return;
      answer.whole = true;
      answers_.push_back(std::move(answer));
      received_.erase(0, size == 0 ? received_.npos : size);
    }
  }

  UniqueFd fd_;
  bool of_head_;
  milliseconds patience_;
  std::string received_;
  std::vector<Message> answers_;
  bool closed_ = false;
};

bool is_own(const Message& answer, const std::string& target) {
  return answer.status() == 200 && answer.body == "GET " + target && answer.oddity.empty();
}

std::string get_of(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: t\r\n\r\n";
}

void take_steps(const Case& one, ScriptedOrigin& origin, RawClient& client, milliseconds patience) {
  for (const Step& step : one.client) {
    switch (step.kind) {
      case Step::Kind::kSend:
        client.send(step.bytes, one.bytewise);
        break;
      case Step::Kind::kAwaitStatus:
        client.await_status(step.status);
        break;
      case Step::Kind::kAwaitHead:
        origin.wait(patience, [](const auto& seen) {
          return std::ranges::any_of(seen, [](const auto& s) { return s.message.has_head; });
        });
        break;
      case Step::Kind::kHalfClose:
        ::shutdown(client.fd(), SHUT_WR);
        break;
      case Step::Kind::kReset:
        client.reset();
        return;
      case Step::Kind::kClose:
      case Step::Kind::kAwaitAnswered:
      case Step::Kind::kAwaitDropped:
        return;
    }
  }
}

constexpr const char* kAfter = "/after";
constexpr const char* kNext = "/next";

// Takes the row of a request of ours out of what was seen.
std::optional<ScriptedOrigin::Seen> take_out(std::vector<ScriptedOrigin::Seen>& seen,
                                             const std::string& target) {
  for (auto at = seen.begin(); at != seen.end(); ++at) {
    if (at->message.target() != target) continue;
    auto found = *at;
    seen.erase(at);
    return found;
  }
  return std::nullopt;
}

bool all_released(const std::vector<ScriptedOrigin::Seen>& seen) {
  return std::ranges::all_of(seen, [](const auto& s) { return s.message.whole || s.ended; });
}

}  // namespace

Outcome play(const Case& one, ScriptedOrigin& origin, const Address& proxy, milliseconds patience) {
  Outcome outcome;
  origin.begin(one);
  RawClient client(proxy, one.of_head, patience);
  take_steps(one, origin, client, patience);
  if (!client.closed()) {
    client.await_answers(one.statuses.size());
    if (!client.answers().empty()) origin.client_was_answered();
    if (one.end != Case::End::kOpen) client.await_close();
  }
  outcome.answers = client.answers();
  outcome.rest = client.rest();
  outcome.closed = client.closed();
  // The poison of a case may come to the origin's connection behind its answer.
  const bool waits_for_drop = std::ranges::any_of(
      one.origin, [](const Step& step) { return step.kind == Step::Kind::kAwaitDropped; });
  outcome.released = origin.wait(patience, [&](const auto& seen) {
    return all_released(seen) && (!waits_for_drop || seen.empty() || seen.front().ended);
  });
  if (one.end == Case::End::kOpen && !client.closed() && !one.of_head) {
    client.send(get_of(kAfter), false);
    client.await_answers(outcome.answers.size() + 1);
    outcome.closed = client.closed();
    outcome.went_on = client.answers().size() == outcome.answers.size() + 1 &&
                      is_own(client.answers().back(), kAfter);
  }
  RawClient next(proxy, false, patience);
  next.send(get_of(kNext), false);
  next.await_answers(1);
  if (!next.answers().empty()) outcome.next = next.answers().front();
  outcome.next_is_own =
      next.answers().size() == 1 && next.rest().empty() && is_own(outcome.next, kNext);
  outcome.reached = origin.seen();
  take_out(outcome.reached, kAfter);
  const auto own = take_out(outcome.reached, kNext);
  outcome.next_is_own &= own.has_value();
  outcome.next_on_same_connection =
      own && !outcome.reached.empty() && own->connection == outcome.reached.front().connection;
  return outcome;
}

}  // namespace roundhouse::conformance
