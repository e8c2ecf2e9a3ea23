// Needs root, or CAP_BPF and CAP_NET_ADMIN: elsewhere probe() says so, and that is what is tested.
#include "net/reuseport_rotation.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>
#include <vector>

#include "net/listener.h"

namespace roundhouse {
namespace {

class ReuseportRotationTest : public testing::Test {
 protected:
  // False where the kernel does not let this process.
  bool start(std::size_t count) {
    if (const auto possible = ReuseportRotation::probe(); !possible) {
      EXPECT_NE(possible.error().system_errno, 0) << possible.error().message;
      return false;
    }
    std::vector<int> fds;
    Address address = Address::loopback(0);
    for (std::size_t i = 0; i < count; ++i) {
      sockets_.push_back(listen_on(address, {.backlog = 1000, .shares_port = true}).value());
      address = sockets_.back().address;
      fds.push_back(sockets_.back().fd.get());
    }
    rotation_.emplace(ReuseportRotation::attach(fds).value());
    return true;
  }

  void connect(int count) {
    const Address& address = sockets_.front().address;
    for (int i = 0; i < count; ++i) {
      clients_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      ASSERT_EQ(::connect(clients_.back().get(), address.data(), address.size()), 0);
    }
  }

  // How many connections wait at each socket; takes them.
  std::vector<int> waiting() {
    std::vector<int> counts;
    for (const ListeningSocket& socket : sockets_) {
      counts.push_back(0);
      Accepted accepted;
      while (accept_from(socket.fd.get(), accepted) == AcceptStatus::kAccepted) ++counts.back();
    }
    return counts;
  }

  std::vector<ListeningSocket> sockets_;
  std::optional<ReuseportRotation> rotation_;
  std::vector<UniqueFd> clients_;
};

TEST_F(ReuseportRotationTest, WhoeverComesLateIsRefusedAndWhatWaitsIsKept) {
  if (!start(2)) return;
  rotation_->set_turns(std::vector<std::uint32_t>{0, 1});
  connect(4);
  rotation_->refuse();
  const UniqueFd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address& address = sockets_.front().address;
  EXPECT_EQ(::connect(late.get(), address.data(), address.size()), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_EQ(waiting(), (std::vector<int>{2, 2}));
  rotation_->set_turns(std::vector<std::uint32_t>{1});
  connect(2);
  EXPECT_EQ(waiting(), (std::vector<int>{0, 2}));
}

TEST_F(ReuseportRotationTest, EachGetsTheSame) {
  if (!start(4)) return;
  rotation_->set_turns(std::vector<std::uint32_t>{0, 1, 2, 3});
  connect(400);
  EXPECT_EQ(waiting(), (std::vector<int>{100, 100, 100, 100}));
}

TEST_F(ReuseportRotationTest, WhoIsNotInTurnGetsNothing) {
  if (!start(4)) return;
  rotation_->set_turns(std::vector<std::uint32_t>{3, 1});
  connect(100);
  EXPECT_EQ(waiting(), (std::vector<int>{0, 50, 0, 50}));
  rotation_->set_turns(std::vector<std::uint32_t>{0, 1, 2});
  connect(99);
  EXPECT_EQ(waiting(), (std::vector<int>{33, 33, 33, 0}));
}

TEST_F(ReuseportRotationTest, WithNobodyInTurnTheyWaitSomewhere) {
  if (!start(3)) return;
  connect(30);
  int all = 0;
  for (const int count : waiting()) all += count;
  EXPECT_EQ(all, 30);
}

TEST_F(ReuseportRotationTest, EverySocketOfALargeGroupHasItsTurn) {
  if (!start(200)) return;
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < 200; ++i) all.push_back(i);
  rotation_->set_turns(all);
  connect(200);
  EXPECT_EQ(waiting(), std::vector<int>(200, 1));
}

// The other way round it is Acceptor's to tell when.
TEST_F(ReuseportRotationTest, AGroupTakesOverFromASocketThatListenedAlone) {
  if (!ReuseportRotation::probe()) return;
  sockets_.push_back(listen_on(Address::loopback(0), {.backlog = 100}).value());
  const Address bound = sockets_.front().address;
  connect(2);
  EXPECT_EQ(waiting(), std::vector<int>{2});  // connections that live are in nobody's way
  {
    auto given_up =
        listen_in_rotation_after(sockets_[0].fd.get(), bound, bound, {.backlog = 100}, 2);
    ASSERT_TRUE(given_up) << given_up.error().message;
    connect(4);
    EXPECT_EQ(waiting(), std::vector<int>{4});
  }
  connect(4);
  EXPECT_EQ(waiting(), std::vector<int>{4});
  auto group = listen_in_rotation_after(sockets_[0].fd.get(), bound, bound, {.backlog = 100}, 2);
  ASSERT_TRUE(group) << group.error().message;
  for (ListeningSocket& socket : group->sockets) sockets_.push_back(std::move(socket));
  group->rotation.set_turns(std::vector<std::uint32_t>{0, 1});
  connect(4);
  EXPECT_EQ(waiting(), (std::vector<int>{0, 2, 2}));
  group->before.forget();
  sockets_.erase(sockets_.begin());
  connect(4);
  EXPECT_EQ(waiting(), (std::vector<int>{2, 2}));
  ListeningSocket alone = listen_on(bound, {.backlog = 100, .shares_port = true}).value();
  ASSERT_TRUE(group->rotation.add_beside(alone.fd.get()));
  group->rotation.turn_to_beside();
  sockets_.push_back(std::move(alone));
  connect(4);
  EXPECT_EQ(waiting(), (std::vector<int>{0, 0, 4}));
  sockets_.erase(sockets_.begin(), sockets_.begin() + 2);
  stop_sharing(sockets_.front().fd.get());
  connect(4);
  EXPECT_EQ(waiting(), std::vector<int>{4});
  EXPECT_FALSE(listen_on(bound, {.backlog = 1}));
}

}  // namespace
}  // namespace roundhouse
