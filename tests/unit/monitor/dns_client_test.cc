// Against a name server that a test scripts.
#include "monitor/dns_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "support/name_server.h"
#include "support/process.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using ipc::Resolution;

class DnsClientTest : public testing::Test {
 protected:
  // Long enough for a server on a busy machine; tests of what gets no answer have less.
  DnsClientTest() { make({.servers = {server_.address().to_string()}, .timeout = 10s}); }
  void make(const config::Resolver& config) { client_ = DnsClient::create(*loop_, config).value(); }

  template <typename Answer>
  Answer wait_for(std::optional<Answer>& answer) {
    Timer patience(*loop_, [this] { loop_->stop(); });
    patience.start_once(test::kPatience);
    if (!answer) loop_->run();
    EXPECT_TRUE(answer.has_value());
    return std::move(answer).value_or(Answer{});
  }
  AddressAnswer addresses(const std::string& name) {
    std::optional<AddressAnswer> answer;
    client_->addresses(name, [&](AddressAnswer came) {
      answer = std::move(came);
      loop_->stop();
    });
    return wait_for(answer);
  }
  ServiceAnswer services(const std::string& name) {
    std::optional<ServiceAnswer> answer;
    client_->services(name, [&](ServiceAnswer came) {
      answer = std::move(came);
      loop_->stop();
    });
    return wait_for(answer);
  }
  static std::vector<std::string> hosts_of(const AddressAnswer& answer) {
    std::vector<std::string> hosts;
    for (const Address& address : answer.addresses) hosts.push_back(address.host());
    std::ranges::sort(hosts);
    return hosts;
  }

  test::NameServer server_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  std::unique_ptr<DnsClient> client_;
};

using Hosts = std::vector<std::string>;

TEST_F(DnsClientTest, TellsAddressesOfBothFamiliesAndForHowLong) {
  server_.set("app.test", {"10.0.0.1", "10.0.0.2", "fd00::1"}, 77);
  const AddressAnswer answer = addresses("app.test");
  EXPECT_EQ(answer.result, Resolution::kAnswered);
  EXPECT_EQ(hosts_of(answer), (Hosts{"10.0.0.1", "10.0.0.2", "fd00::1"}));
  EXPECT_EQ(answer.ttl, 77s);
}

TEST_F(DnsClientTest, TellsServicesAndForHowLong) {
  server_.set_services("_http._tcp.test", {{10, 3, 8080, "a.test"}, {20, 0, 8081, "b.test"}}, 12);
  ServiceAnswer answer = services("_http._tcp.test");
  EXPECT_EQ(answer.result, Resolution::kAnswered);
  std::ranges::sort(answer.records, {}, &ServiceRecord::priority);
  EXPECT_EQ(answer.records,
            (std::vector<ServiceRecord>{{"a.test", 10, 3, 8080}, {"b.test", 20, 0, 8081}}));
  EXPECT_EQ(answer.ttl, 12s);
}

TEST_F(DnsClientTest, ANameThatIsNotOrHasNoAddressesIsNegative) {
  server_.set("empty.test", {});
  for (const char* name : {"none.test", "empty.test"}) {
    EXPECT_EQ(addresses(name).result, Resolution::kNegative) << name;
    EXPECT_EQ(services(name).result, Resolution::kNegative) << name;
  }
}

TEST_F(DnsClientTest, AServerThatRefusesIsSilentOrTalksNonsenseHasFailed) {
  server_.set("app.test", {"10.0.0.1"});
  using Mood = test::NameServer::Mood;
  make({.servers = {server_.address().to_string()}, .timeout = 50ms});
  for (const Mood mood : {Mood::kRefuses, Mood::kSilent, Mood::kGarbage}) {
    server_.be(mood);
    const AddressAnswer answer = addresses("app.test");
    EXPECT_EQ(answer.result, Resolution::kFailed);
    EXPECT_NE(answer.why, "");
    EXPECT_EQ(services("app.test").result, Resolution::kFailed);
  }
  server_.be(Mood::kAnswers);
  make({.servers = {server_.address().to_string()}, .timeout = 10s});
  EXPECT_EQ(hosts_of(addresses("app.test")), Hosts{"10.0.0.1"});
}

TEST_F(DnsClientTest, AnswersWithAWrongIdOrToAnotherQuestionAreNotBelieved) {
  server_.set("app.test", {"10.0.0.1"});
  server_.forge("6.6.6.6");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hosts_of(addresses("app.test")), Hosts{"10.0.0.1"});
}

TEST_F(DnsClientTest, WhatDoesNotFitIntoADatagramComesOverTcp) {
  std::vector<std::string> many;
  for (int i = 1; i <= 120; ++i) many.push_back("10.0.1." + std::to_string(i));
  server_.set("many.test", many);
  EXPECT_EQ(addresses("many.test").addresses.size(), 120U);
  EXPECT_GE(server_.asked_over_tcp(), 1U);
}

TEST_F(DnsClientTest, TheNextServerIsAskedWhenOneIsSilent) {
  test::NameServer other;
  other.set("app.test", {"10.0.0.9"});
  server_.be(test::NameServer::Mood::kSilent);
  make({.servers = {server_.address().to_string(), other.address().to_string()}, .timeout = 500ms});
  EXPECT_EQ(hosts_of(addresses("app.test")), Hosts{"10.0.0.9"});
}

TEST_F(DnsClientTest, AnAnswerMayAskTheNextQuestionHoweverOldTheSettingsAre) {
  server_.set_services("_http._tcp.test", {{10, 3, 8080, "a.test"}});
  server_.set("a.test", {"10.0.0.1"});
  client_ = DnsClient::create(*loop_, {.servers = {server_.address().to_string()}, .timeout = 10s},
                              Duration(0))
                .value();
  for (int i = 0; i < 3; ++i) {
    std::optional<AddressAnswer> answer;
    client_->services("_http._tcp.test", [&](const ServiceAnswer& service) {
      ASSERT_EQ(service.records.size(), 1U);
      client_->addresses(service.records[0].target, [&](AddressAnswer came) {
        answer = std::move(came);
        loop_->stop();
      });
    });
    EXPECT_EQ(hosts_of(wait_for(answer)), Hosts{"10.0.0.1"});
  }
}

TEST_F(DnsClientTest, MayBeDestroyedWhileItWaits) {
  server_.be(test::NameServer::Mood::kSilent);
  bool answered = false;
  client_->addresses("app.test", [&](const AddressAnswer&) { answered = true; });
  client_->services("app.test", [&](const ServiceAnswer&) { answered = true; });
  client_.reset();
  EXPECT_FALSE(answered);
}

TEST_F(DnsClientTest, ANameThatIsNoneFailsAtOnce) {
  EXPECT_NE(addresses(std::string(300, 'a')).result, Resolution::kAnswered);
  EXPECT_NE(services("a..b").result, Resolution::kAnswered);
}

}  // namespace
}  // namespace roundhouse::monitor
