#include "monitor/discovery.h"

#include <gtest/gtest.h>

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;

ServiceRecord record(const std::string& target, std::uint16_t priority = 10,
                     std::uint16_t weight = 1, std::uint16_t port = 80) {
  return {target, priority, weight, port};
}

std::vector<Address> addresses(const std::vector<std::string>& texts) {
  std::vector<Address> all;
  for (const std::string& text : texts) all.push_back(Address::parse(text + ":0").value());
  return all;
}

std::string names_of(const std::vector<ipc::WantedEndpoint>& endpoints) {
  std::string text;
  for (const auto& endpoint : endpoints) text += (text.empty() ? "" : " ") + endpoint.name;
  return text;
}

TEST(Discovery, OfSrvRecordsThoseOfTheLowestPriorityCount) {
  EXPECT_EQ(usable({record("c", 20), record("b", 10), record("a", 10), record("d", 0, 1, 0)}),
            (std::vector{record("a"), record("b")}));
}

TEST(Discovery, ATargetThatIsNoneIsLeftOut) {
  EXPECT_TRUE(usable({record("."), record(""), record("a", 1, 1, 0)}).empty());
  EXPECT_TRUE(usable({}).empty());
}

TEST(Discovery, TheOrderInTheAnswerSaysNothing) {
  const std::vector<ServiceRecord> forth{record("a"), record("b", 10, 2), record("b", 10, 1)};
  EXPECT_EQ(usable(forth), usable({forth.rbegin(), forth.rend()}));
}

TEST(Discovery, AddressesGetPortAndWeight) {
  const auto endpoints = endpoints_of(addresses({"10.0.0.2", "10.0.0.1", "[fd00::1]"}), 8080, 7);
  EXPECT_EQ(names_of(endpoints), "10.0.0.1:8080 10.0.0.2:8080 [fd00::1]:8080");
  for (const auto& endpoint : endpoints) {
    EXPECT_EQ(endpoint.weight, 7U);
    EXPECT_EQ(endpoint.address.to_string(), endpoint.name);
  }
  EXPECT_EQ(endpoints_of(addresses({"10.0.0.1"}), 80, 0).at(0).weight, 1U);
}

TEST(Discovery, WhatNobodyCanConnectToIsLeftOut) {
  EXPECT_EQ(names_of(endpoints_of(addresses({"0.0.0.0", "224.0.0.1", "255.255.255.255", "[::]",
                                             "[ff02::1]", "127.0.0.1", "10.0.0.1", "10.0.0.1"}),
                                  80, 1)),
            "10.0.0.1:80 127.0.0.1:80");
}

TEST(Discovery, OfOneAnswerAHundredAddressesAreUsedTheSameEachTime) {
  std::vector<Address> all;
  for (std::uint32_t i = 0; i < 300; ++i) all.push_back(Address::ipv4(0x0A000000 + i, 0));
  const auto forth = endpoints_of(all, 80, 1);
  EXPECT_EQ(forth.size(), 100U);
  EXPECT_EQ(names_of(forth), names_of(endpoints_of({all.rbegin(), all.rend()}, 80, 1)));
  std::vector<ServiceRecord> records;
  for (int i = 0; i < 300; ++i) records.push_back(record("t" + std::to_string(i)));
  EXPECT_EQ(usable(records).size(), 100U);
}

TEST(Discovery, TimesToLiveAreHeldWithinBounds) {
  EXPECT_EQ(clamp_ttl(0s), 1s);
  EXPECT_EQ(clamp_ttl(30s), 30s);
  EXPECT_EQ(clamp_ttl(24h), 5min);
}

TEST(LookupSchedule, FailuresAreTriedAgainAfterPausesThatGrow) {
  LookupSchedule schedule;
  EXPECT_FALSE(schedule.failing());
  for (const Duration pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s})
    EXPECT_EQ(schedule.after_failure(0.5), pause);
  EXPECT_TRUE(schedule.failing());
  EXPECT_EQ(schedule.after_answer(7s), 7s);
  EXPECT_FALSE(schedule.failing());
  EXPECT_NEAR(seconds(schedule.after_failure(0)), 0.8, 1e-6);
  EXPECT_NEAR(seconds(schedule.after_failure(1)), 2.4, 1e-6);
}

}  // namespace
}  // namespace roundhouse::monitor
