#include "proxy/connection_limiter.h"

#include <gtest/gtest.h>

#include <memory>

namespace roundhouse::proxy {
namespace {

using Ticket = ConnectionLimiter::Ticket;

ipc::ConnectionInfo from(const char* host, std::uint32_t listener = 0) {
  ipc::ConnectionInfo info{};
  info.listener = listener;
  ipc::set_peer(info, *Address::parse(std::string(host) + ":1"));
  return info;
}

config::Configuration two_listeners() {
  config::Configuration configuration;
  configuration.listeners.resize(3);
  configuration.listeners[0].connections_per_address = 2;
  configuration.listeners[1].connections_per_address = 1;
  configuration.trusted_proxies = {*Network::parse("10.9.0.0/16")};
  return configuration;
}

// Two workers of one pool.
class ConnectionLimiterTest : public testing::Test {
 protected:
  ConnectionLimiter limiter(std::size_t place, ipc::Slot& slot) {
    return ConnectionLimiter(
        {.limits = &limits, .place = place, .slot = slot, .configuration = configuration});
  }
  std::uint64_t refused(std::uint32_t listener = 0) const {
    return slots[0].refused_connections[listener] + slots[1].refused_connections[listener];
  }

  config::Configuration configuration = two_listeners();
  ipc::Limits limits = std::move(
      ipc::Limits::create({.places = 2, .worker_connections = 10, .by_address = true}, Time())
          .value());
  std::unique_ptr<ipc::Slot[]> slots = std::make_unique<ipc::Slot[]>(2);
  ConnectionLimiter one = limiter(0, slots[0]);
  ConnectionLimiter two = limiter(1, slots[1]);
};

TEST_F(ConnectionLimiterTest, CountsWhatBothWorkersHold) {
  const std::optional<Ticket> first = one.admit(from("10.0.0.1"));
  std::optional<Ticket> second = two.admit(from("10.0.0.1"));
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(one.admit(from("10.0.0.1")));
  EXPECT_FALSE(two.admit(from("10.0.0.1")));
  EXPECT_EQ(refused(), 2);
  second.reset();
  EXPECT_TRUE(one.admit(from("10.0.0.1")));
}

TEST_F(ConnectionLimiterTest, AddressesAndListenersHaveTheirOwnCounts) {
  const std::optional<Ticket> tickets[] = {one.admit(from("10.0.0.1")), one.admit(from("10.0.0.1")),
                                           one.admit(from("10.0.0.2")),
                                           one.admit(from("10.0.0.1", 1))};
  for (const auto& ticket : tickets) EXPECT_TRUE(ticket);
  EXPECT_FALSE(one.admit(from("10.0.0.1", 1)));
  EXPECT_EQ(refused(0), 0);
  EXPECT_EQ(refused(1), 1);
}

TEST_F(ConnectionLimiterTest, WithoutALimitAndForTrustedPeersNothingIsCounted) {
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i) {
    tickets.push_back(one.admit(from("10.0.0.1", 2)).value());
    tickets.push_back(one.admit(from("10.9.0.1")).value());
  }
  EXPECT_EQ(limits.connections_of(limits.key(2, *Address::parse("10.0.0.1:1"))), 0);
  EXPECT_EQ(limits.connections_of(limits.key(0, *Address::parse("10.9.0.1:1"))), 0);
}

TEST_F(ConnectionLimiterTest, ATicketIsGivenBackOnceWhoeverHoldsIt) {
  const std::uint64_t key = limits.key(0, *Address::parse("10.0.0.1:1"));
  Ticket first = one.admit(from("10.0.0.1")).value();
  Ticket second = one.admit(from("10.0.0.1")).value();
  EXPECT_EQ(limits.connections_of(key), 2);
  Ticket moved = std::move(first);
  moved.release();
  moved.release();
  EXPECT_EQ(limits.connections_of(key), 1);
  second = Ticket();
  EXPECT_EQ(limits.connections_of(key), 0);
}

TEST_F(ConnectionLimiterTest, WithoutMemoryNothingIsLimited) {
  ConnectionLimiter free(
      {.limits = nullptr, .place = 0, .slot = slots[0], .configuration = configuration});
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i) tickets.push_back(free.admit(from("10.0.0.1")).value());
  EXPECT_EQ(refused(), 0);
}

}  // namespace
}  // namespace roundhouse::proxy
