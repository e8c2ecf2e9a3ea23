#include "upstream/endpoint_source.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace roundhouse::upstream {
namespace {

ipc::WantedEndpoint wanted(std::uint32_t last) {
  const Address address = Address::ipv4(0x0A000000 + last, 80);
  return {address, address.to_string(), 1};
}

class EndpointSourceTest : public testing::Test {
 protected:
  void publish() { board_.publish(*table_); }
  void assign(std::uint32_t upstream, const std::vector<ipc::WantedEndpoint>& all) {
    table_->assign(upstream, all, now_);
    publish();
  }
  void tick() {
    now_ += 2 * DeadlineQueue::kResolution;
    deadlines_.advance(now_);
  }
  // What was told since the last call: "0[10.0.0.1:80 10.0.0.2:80(unhealthy)]".
  std::string told() { return std::exchange(told_, ""); }

  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  Time now_ = loop_->now();
  DeadlineQueue deadlines_{now_};
  ipc::EndpointBoard board_ = ipc::EndpointBoard::create().value();
  std::unique_ptr<ipc::EndpointTable> table_ = std::make_unique<ipc::EndpointTable>();
  std::string told_;
  EndpointSource source_{{.loop = *loop_, .deadlines = deadlines_, .board = board_, .upstreams = 2},
                         [this](std::size_t upstream, std::span<const EndpointSpec> specs) {
                           std::string names;
                           for (const EndpointSpec& spec : specs)
                             names += (names.empty() ? "" : " ") + spec.name +
                                      (spec.healthy ? "" : "(unhealthy)");
                           told_ += std::to_string(upstream) + "[" + names + "]";
                         }};
};

TEST_F(EndpointSourceTest, TellsOfEachUpstreamAtTheStart) {
  assign(1, {wanted(1), wanted(2)});
  source_.start();
  EXPECT_EQ(told(), "1[10.0.0.1:80 10.0.0.2:80]0[]");
}

TEST_F(EndpointSourceTest, ARowOfAPoolsWorkerIsNoneOfItsAndNobodyElseGetsIt) {
  for (std::size_t row = 1; row < ipc::kMaxEndpoints; ++row) table_->reserve(row, 1, "app/1");
  EXPECT_EQ(table_->assign(0, {{wanted(1), wanted(2)}}, now_).left_out, 1U);
  publish();
  source_.start();
  EXPECT_EQ(told(), "0[10.0.0.1:80]1[]");
}

TEST_F(EndpointSourceTest, TellsOnlyOfTheUpstreamThatChanged) {
  assign(0, {wanted(1), wanted(2)});
  assign(1, {wanted(3)});
  source_.start();
  told();
  tick();
  EXPECT_EQ(told(), "");
  table_->set_healthy(1, false);
  publish();
  tick();
  EXPECT_EQ(told(), "0[10.0.0.1:80 10.0.0.2:80(unhealthy)]");
  assign(1, {});
  tick();
  EXPECT_EQ(told(), "1[]");
  publish();
  tick();
  EXPECT_EQ(told(), "") << "the same again";
}

TEST_F(EndpointSourceTest, RowsThatMakeNoSenseArePassedOver) {
  assign(0, {wanted(1), wanted(2), wanted(3)});
  table_->rows[0].upstream = 77;
  table_->rows[1].address_size = 3;
  publish();
  source_.start();
  EXPECT_EQ(told(), "0[10.0.0.3:80]1[]");
}

}  // namespace
}  // namespace roundhouse::upstream
