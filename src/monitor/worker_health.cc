#include "monitor/worker_health.h"

namespace roundhouse::monitor {
namespace {

// One that starts is asked again so soon, and has so long for an answer: what its own timeout is
// for, whether it hangs, is not the question yet.
constexpr Duration kAskAgain = std::chrono::milliseconds(100);
constexpr Duration kFirstAnswer = std::chrono::seconds(5);
// A question that ends this long after its time was not looked after: this process did not run.
constexpr Duration kLate = std::chrono::milliseconds(500);

}  // namespace

const std::string& WorkerHealth::path() const {
  return starts() ? pool_.ready.path : pool_.liveness.path;
}

Duration WorkerHealth::timeout() const { return starts() ? kFirstAnswer : pool_.liveness.timeout; }

Duration WorkerHealth::interval(double dice) const {
  return starts()
             ? kAskAgain
             : std::chrono::duration_cast<Duration>(pool_.liveness.interval * (0.9 + 0.2 * dice));
}

bool WorkerHealth::follow(std::int32_t pid, ipc::WorkerState state, Time now, double dice) {
  if (pid == pid_ && state == state_) return false;
  pid_ = pid;
  state_ = state;
  failures_ = 0;
  due_.reset();
  if (pid == 0) return true;
  if (starts() && pool_.ready.by == config::ReadyBy::kHttp) due_ = now;
  if (state == ipc::WorkerState::kReady && !pool_.liveness.path.empty())
    due_ = now + interval(dice);
  return true;
}

WorkerHealth::Verdict WorkerHealth::ended(bool well, Time began, Time now, double dice) {
  if (!well && now - began > timeout() + kLate) {
    postpone(now);
    return Verdict::kNone;
  }
  due_ = (starts() ? now : began) + interval(dice);
  if (starts()) return well ? Verdict::kReady : Verdict::kNotYet;
  if (well) {
    failures_ = 0;
    return Verdict::kNone;
  }
  if (failures_ == 0) failing_since_ = began;
  if (++failures_ < pool_.liveness.failures) return Verdict::kNone;
  failures_ = 0;
  return Verdict::kHangs;
}

void WorkerHealth::postpone(Time now) { due_ = now + interval(0.5); }

}  // namespace roundhouse::monitor
