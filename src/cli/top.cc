#include "cli/top.h"

#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/json.h"
#include "cli/control_client.h"
#include "cli/screen.h"
#include "cli/status_fields.h"
#include "cli/top_view.h"

namespace roundhouse::cli {
namespace {

constexpr Duration kAskEvery = std::chrono::seconds(1);
// Keys wait so long when the instance is silent.
constexpr Duration kAnswerWithin = std::chrono::seconds(1);

class Top {
 public:
  Top(std::string socket, Screen screen) : socket_(std::move(socket)), screen_(std::move(screen)) {}

  void run() {
    Time next = Clock::now();
    while (true) {
      if (Clock::now() >= next) {
        ask();
        next = Clock::now() + kAskEvery;
      }
      screen_.show(view_.frame(screen_.size()));
      const Screen::Event event = screen_.wait(next);
      if (event.ends) return;
      for (const char key : event.keys) {
        switch (view_.press(key)) {
          case TopView::Act::kQuit:
            return;
          case TopView::Act::kRestart:
            restart(view_.selected());
            break;
          case TopView::Act::kNone:
            break;
        }
      }
    }
  }

 private:
  std::optional<Json> answer(std::string_view method, const std::string& path) {
    const auto reply = request(socket_, method, path, kAnswerWithin);
    if (!reply) {
      view_.lost(reply.error().message);
      return std::nullopt;
    }
    auto json = parse_json(reply->body);
    if (!json) view_.lost(socket_ + ": " + std::to_string(reply->status));
    return json;
  }

  void ask() {
    if (auto status = answer("GET", "/api/v1/status"))
      view_.update(*std::move(status), seconds(Clock::now().time_since_epoch()));
    if (ticket_.empty()) return;
    const auto operation = answer("GET", "/api/v1/operations/" + ticket_);
    if (!operation) return;
    const std::string state = text(*operation, "state");
    view_.note("restart " + state + ": " + text(*operation, "text"));
    if (state != "running") ticket_.clear();
  }

  void restart(const std::string& worker) {
    const auto slash = worker.find('/');
    const auto reply = answer("POST", "/api/v1/pools/" + worker.substr(0, slash) + "/workers/" +
                                          worker.substr(slash + 1) + "/restart");
    if (!reply) return;
    const bool taken = member(*reply, "operation").is_string();
    ticket_ = taken ? text(*reply, "operation") : "";
    view_.note(taken ? "restart of " + worker + " begun" : "refused: " + text(*reply, "error"));
  }

  const std::string socket_;
  Screen screen_;
  TopView view_;
  std::string ticket_;  // of the restart that runs
};

}  // namespace

Outcome top(const CommandLine& line, const std::vector<std::string>& folders) {
  if (const auto possible = Screen::check(); !possible) return Outcome::of(possible.error());
  const auto instance = find_instance(line.socket, folders);
  if (!instance) return Outcome::of(instance.error());
  auto screen = Screen::create();
  if (!screen) return Outcome::of(screen.error());
  Top(instance->socket, *std::move(screen)).run();
  return {};
}

}  // namespace roundhouse::cli
