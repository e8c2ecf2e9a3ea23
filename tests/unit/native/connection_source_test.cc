// How many connections a worker takes when descriptors are few.
#include "native/connection_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <vector>

namespace roundhouse::native {
namespace {

std::uint32_t open_descriptors() {
  return static_cast<std::uint32_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

class ConnectionSourceTest : public testing::Test, public ConnectionSink {
 protected:
  static constexpr std::uint32_t kFree = 60;  // descriptors when the source begins

  ConnectionSourceTest() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    connect();
    limit(open_descriptors() + kFree);
  }
  ~ConnectionSourceTest() override { ::setrlimit(RLIMIT_NOFILE, &before_); }

  void connect() {
    auto pair = ipc::Channel::create_pair().value();
    edge_ = std::move(pair.first);
    heritage_ = {};
    heritage_.worker_id = 1;
    heritage_.channel = pair.second.release();
  }
  void limit(rlim_t descriptors) const {
    const rlimit few{.rlim_cur = descriptors, .rlim_max = before_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  void start(std::uint32_t descriptors_each) {
    source_ =
        std::make_unique<ConnectionSource>(*loop_, std::move(heritage_), *slot_,
                                           SourceOptions{.heartbeat = std::chrono::milliseconds(5),
                                                         .descriptors_each = descriptors_each,
                                                         .allowance = &allowance_},
                                           *this);
    source_->start();
  }
  // One connection each.
  void send(int messages) {
    for (int i = 0; i < messages; ++i) {
      ipc::ConnectionsMessage message{};
      message.header = {ipc::MessageType::kConnections,
                        static_cast<std::uint32_t>(ipc::connections_message_size(1)), ++sequence_};
      message.count = 1;
      const int descriptor = any_.get();
      ASSERT_EQ(edge_.send(std::as_bytes(std::span(&message, 1)).first(message.header.size),
                           std::span(&descriptor, 1)),
                ipc::Sent::kYes);
    }
  }
  // Until it holds, or ten seconds have passed.
  bool until(const std::function<bool()>& holds) {
    const Time give_up = Clock::now() + std::chrono::seconds(10);
    Timer tick(*loop_, [&] {
      if (holds() || Clock::now() > give_up) loop_->stop();
    });
    tick.start_periodic(std::chrono::milliseconds(1));
    loop_->run();
    return holds();
  }
  // It has looked at what there is a few times.
  void settle() {
    std::int64_t beat = slot_->heartbeat_ns.load();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(until([&] { return slot_->heartbeat_ns.load() != beat; }));
      beat = slot_->heartbeat_ns.load();
    }
  }
  void close(std::size_t connections) {
    for (; connections > 0; --connections) {
      taken_.pop_back();
      source_->connection_closed(0);
    }
  }

  void on_connection(UniqueFd fd, const ipc::ConnectionInfo& /*info*/) override {
    taken_.push_back(std::move(fd));
  }
  void on_drain(const ipc::DrainTerms& /*terms*/) override {}
  void on_shortage() override {
    ++shortages_;
    allowance_.give_back(allowance_.taken());
  }

  rlimit before_{};
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  std::unique_ptr<ipc::Slot> slot_ = std::make_unique<ipc::Slot>();
  UniqueFd any_{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  ipc::Channel edge_;
  ipc::Heritage heritage_;
  DescriptorAllowance allowance_;
  std::vector<UniqueFd> taken_;
  int shortages_ = 0;
  std::uint64_t sequence_ = 0;
  std::unique_ptr<ConnectionSource> source_;
};

TEST_F(ConnectionSourceTest, WhatItTakesHasTheDescriptorsThatItNeeds) {
  start(2);
  send(static_cast<int>(kFree));
  settle();
  EXPECT_GT(taken_.size(), 10U);
  // A connection to an endpoint for each; and another message fits.
  std::vector<UniqueFd> others;
  for (std::size_t i = 0; i < taken_.size() + ipc::kMaxDescriptors; ++i) {
    others.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(others.back()) << i;
  }
}

TEST_F(ConnectionSourceTest, WhatHasLeftMakesRoomForWhatWaits) {
  start(2);
  send(static_cast<int>(kFree));
  settle();
  const std::size_t first = taken_.size();
  close(5);
  EXPECT_TRUE(until([&] { return taken_.size() == first; }));
}

TEST_F(ConnectionSourceTest, WhatIsDispensableGetsHalfOfTheRestAndGivesWay) {
  start(1);
  ASSERT_TRUE(allowance_.allows(10));
  EXPECT_FALSE(allowance_.allows(kFree / 2));
  while (allowance_.allows(1)) allowance_.take(1);
  const std::uint32_t dispensable = allowance_.taken();
  send(8);
  settle();
  EXPECT_EQ(taken_.size(), 8U);
  EXPECT_EQ(shortages_, 0) << "half was left";
  EXPECT_TRUE(allowance_.exceeded()) << "nobody is to take more";
  send(static_cast<int>(kFree));
  EXPECT_TRUE(until([&] { return taken_.size() > kFree - ipc::kMaxDescriptors - dispensable; }));
  EXPECT_GT(shortages_, 0);
  EXPECT_FALSE(allowance_.allows(1));
  close(taken_.size());
  EXPECT_TRUE(allowance_.allows(10));
}

TEST_F(ConnectionSourceTest, WhereNoDescriptorIsFreeToLookWithNoneIsFreeToTake) {
  start(1);
  send(1);
  settle();
  EXPECT_EQ(taken_.size(), 1U);
  // Again with none; a sanitizer that looks at objects by way of descriptors has seen these by now.
  source_.reset();
  taken_.clear();
  connect();
  std::vector<UniqueFd> others;
  while (others.empty() || others.back())
    others.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  start(1);
  send(1);
  settle();
  EXPECT_TRUE(taken_.empty());
  EXPECT_EQ(slot_->taken.load(), 1U) << "it still lies in the channel";
}

}  // namespace
}  // namespace roundhouse::native
