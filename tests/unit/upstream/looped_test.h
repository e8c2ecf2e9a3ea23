// What tests of clusters stand on: an event loop, its deadlines, and a slot to count in.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "config/proxy_options.h"
#include "ipc/slot.h"
#include "net/deadline_queue.h"
#include "net/event_loop.h"

namespace roundhouse::upstream {

class LoopedTest : public testing::Test {
 protected:
  // Until it holds; fails after ten seconds.
  void run_until(const std::function<bool()>& condition) {
    const Time give_up = Clock::now() + std::chrono::seconds(10);
    Timer tick(*loop_, [&] {
      deadlines_.advance(loop_->now());
      if (condition() || Clock::now() > give_up) loop_->stop();
    });
    tick.start_periodic(std::chrono::milliseconds(2));
    loop_->run();
    ASSERT_TRUE(condition());
  }

  std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create());
  DeadlineQueue deadlines_{loop_->now()};
  std::unique_ptr<ipc::Slot> slot_ = std::make_unique<ipc::Slot>();
  config::Upstream config_;
};

}  // namespace roundhouse::upstream
