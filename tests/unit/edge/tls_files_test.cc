#include "edge/tls_files.h"

#include <gtest/gtest.h>

#include "support/certificates.h"
#include "support/process.h"

namespace roundhouse::edge {
namespace {

class TlsFiles : public testing::Test {
 protected:
  config::Listener& listener(const std::string& name, const std::string& pool) {
    config::Listener& made = configuration_.listeners.emplace_back();
    made.name = name;
    made.pool = pool;
    return made;
  }
  config::Certificate files(const std::string& name, const std::string& cert,
                            const std::string& key) const {
    return {.cert = directory_.write(name + ".pem", cert),
            .key = directory_.write(name + ".key", key)};
  }

  const test::TemporaryDirectory directory_;
  config::Configuration configuration_;
};

TEST_F(TlsFiles, EachPoolGetsWhatItsListenersNeed) {
  listener("plain", "one");
  listener("web", "one").tls.certificates = {files("a", "cert a", "key a")};
  listener("admin", "other").tls.certificates = {files("b", "cert b", "key b"),
                                                 files("c", "cert c", "key c")};
  const auto all = read_tls_files(configuration_);
  ASSERT_TRUE(all) << all.error().message;
  const ipc::TlsMaterial one = part_for_pool(*all, configuration_, "one");
  ASSERT_EQ(one.listeners.size(), 1U);
  EXPECT_EQ(one.listeners[0].index, 1U);
  EXPECT_EQ(one.listeners[0].certificates[0].key, "key a");
  const ipc::TlsMaterial other = part_for_pool(*all, configuration_, "other");
  ASSERT_EQ(other.listeners.size(), 1U);
  EXPECT_EQ(other.listeners[0].certificates[1].cert, "cert c");
  EXPECT_TRUE(part_for_pool(*all, configuration_, "third").listeners.empty());
}

TEST_F(TlsFiles, WhatAllMaySeeHoldsNoKeyEvenIfItIsInTheSameFile) {
  const test::Pem pem = test::make_certificate({});
  const std::string path = directory_.write("both.pem", pem.key + pem.cert + "rest\n" + pem.cert);
  listener("web", "one").tls.certificates = {{.cert = path, .key = path}};
  auto all = read_tls_files(configuration_);
  ASSERT_TRUE(all) << all.error().message;
  all->tickets = new_ticket_keys();
  const ipc::TlsMaterial open = part_for_all(*all);
  EXPECT_EQ(open.listeners[0].certificates[0].cert, pem.cert + pem.cert);
  EXPECT_EQ(open.listeners[0].certificates[0].key, "");
  EXPECT_EQ(open.tickets, TlsTicketKeys{});
}

TEST_F(TlsFiles, UpstreamsAreForProxiesAndTheirKeysForNobodyElse) {
  const test::Pem pem = test::make_certificate({});
  for (const char* name : {"gateway", "hello"}) configuration_.pools.emplace_back().name = name;
  configuration_.pools[0].type = config::PoolType::kProxy;
  configuration_.upstreams.resize(3);
  configuration_.upstreams[1].tls = {.enabled = true};
  config::UpstreamTls& tls = configuration_.upstreams[2].tls;
  tls.enabled = true;
  tls.ca = directory_.write("ca.pem", pem.key + pem.cert);
  tls.cert = directory_.write("ours.pem", pem.cert);
  tls.key = directory_.write("ours.key", "its key");
  const auto all = read_tls_files(configuration_);
  ASSERT_TRUE(all) << all.error().message;
  const ipc::TlsMaterial proxies = part_for_pool(*all, configuration_, "gateway");
  ASSERT_EQ(proxies.upstreams.size(), 2U);
  EXPECT_EQ(proxies.upstreams[0].index, 1U);
  EXPECT_EQ(proxies.upstreams[0].ca, "");
  EXPECT_EQ(proxies.upstreams[1].certificate.key, "its key");
  EXPECT_TRUE(part_for_pool(*all, configuration_, "hello").upstreams.empty());
  const ipc::TlsMaterial open = part_for_all(*all);
  EXPECT_EQ(open.upstreams[1].ca, pem.cert);
  EXPECT_EQ(open.upstreams[1].certificate.cert, pem.cert);
  EXPECT_EQ(open.upstreams[1].certificate.key, "");
}

TEST_F(TlsFiles, WhatCannotBeReadIsSaid) {
  listener("web", "one").tls.certificates = {{.cert = "/none.pem", .key = "/none.key"}};
  const auto all = read_tls_files(configuration_);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().message, "listener web: reading /none.pem: No such file or directory");
  EXPECT_EQ(all.error().code, ExitCode::kConfiguration);
}

TEST(TicketKeys, OneAfterTheOtherSealsAndOpensForOneTurnMore) {
  TlsTicketKeys keys = new_ticket_keys();
  const TlsTicketKeys before = keys;
  EXPECT_NE(before.current, before.next);
  rotate(keys);
  EXPECT_EQ(keys.previous, before.current);
  EXPECT_EQ(keys.current, before.next);
  EXPECT_NE(keys.next, before.next);
  EXPECT_NE(keys.next, before.previous);
}

}  // namespace
}  // namespace roundhouse::edge
