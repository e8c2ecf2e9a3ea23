// Connections that are encrypted before they are given to anybody.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "asker.h"
#include "looped_test.h"
#include "support/certificates.h"
#include "support/tls_origin.h"

namespace roundhouse::upstream {
namespace {

using ipc::UpstreamTlsOutcome;
using test::Pem;
using test::TlsOrigin;

const Pem kAuthority = test::make_certificate({.subject = "authority"});

std::unique_ptr<TlsClientContext> context_of(const Pem& authority,
                                             std::vector<std::string> alpn = {"http/1.1"}) {
  auto made = TlsClientContext::create({.ca = authority.cert, .alpn = std::move(alpn)});
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

class ConnectorTls : public LoopedTest {
 protected:
  ConnectorTls() {
    config_.name = "api";
    config_.tls.enabled = true;
    config_.tls.server_name = "app.test";
    cluster_ = std::make_unique<Cluster>(Cluster::Parts{.loop = *loop_,
                                                        .deadlines = deadlines_,
                                                        .slot = *slot_,
                                                        .config = config_,
                                                        .find_tls = [this] { return tls_.get(); }});
  }
  void set(const Address& address) {
    const std::vector<EndpointSpec> specs = {{.address = address, .name = address.to_string()}};
    cluster_->set_endpoints(specs);
  }
  std::unique_ptr<Connection> get() {
    cluster_->acquire(asker_, {.fresh = true});
    run_until([&] { return asker_.calls_ > 0; });
    asker_.calls_ = 0;
    return std::move(asker_.connection_);
  }
  std::uint64_t handshakes(UpstreamTlsOutcome outcome) const {
    return slot_->endpoints[0].tls_handshakes[static_cast<std::size_t>(outcome)].load();
  }

  TlsOrigin origin_{{.pem = test::make_certificate({.names = {"app.test"}, .issuer = &kAuthority})},
                    TlsOrigin::echo};
  std::unique_ptr<TlsClientContext> tls_ = context_of(kAuthority);
  Asker asker_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ConnectorTls, WhoseEndpointChoosesHttp2GetsACall) {
  TlsOrigin origin({.pem = test::make_certificate({.names = {"app.test"}, .issuer = &kAuthority}),
                    .protocol = "h2"},
                   TlsOrigin::echo);
  tls_ = context_of(kAuthority, {"h2", "http/1.1"});
  set(origin.address());
  EXPECT_EQ(get(), nullptr);
  ASSERT_NE(asker_.call_, nullptr);
  EXPECT_FALSE(asker_.call_->reused());
  cluster_->release(std::move(asker_.call_), {.counted = false});
  cluster_->acquire(asker_, {.carries = Carries::kUpgrade});
  run_until([&] { return asker_.calls_ > 0; });
  ASSERT_NE(asker_.connection_, nullptr) << "HTTP/1.1 alone is offered";
  EXPECT_EQ(asker_.connection_->protocol(), "http/1.1");
  cluster_->release(std::move(asker_.connection_), {});
}

TEST_F(ConnectorTls, WhoGetsAConnectionKnowsWhatIsSpokenOverIt) {
  set(origin_.address());
  auto connection = get();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->protocol(), "http/1.1");
  cluster_->release(std::move(connection), {});
  tls_ = context_of(kAuthority, {});
  connection = get();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->protocol(), "");
  cluster_->release(std::move(connection), {});
}

TEST_F(ConnectorTls, TheContextOfNowIsUsedAndSessionsOfAnotherAreNot) {
  set(origin_.address());
  for (int i = 0; i < 2; ++i) {
    auto connection = get();
    ASSERT_NE(connection, nullptr);
    std::array<char, 8> room;
    ASSERT_EQ(connection->transport().write("x").bytes, 1U);
    bool echoed = false;  // the ticket comes before it
    run_until([&] {
      if (!echoed) echoed = connection->transport().read(room).bytes == 1;
      return echoed;
    });
    cluster_->release(std::move(connection), {});
  }
  EXPECT_EQ(handshakes(UpstreamTlsOutcome::kFull), 1U);
  EXPECT_EQ(handshakes(UpstreamTlsOutcome::kResumed), 1U);
  tls_ = context_of(kAuthority);
  cluster_->release(get(), {});
  EXPECT_EQ(handshakes(UpstreamTlsOutcome::kFull), 2U);
  tls_ = context_of(test::make_certificate({.subject = "another authority"}));
  EXPECT_EQ(get(), nullptr);
  EXPECT_EQ(asker_.failure_, http::Failure::kUpstreamTls);
  EXPECT_TRUE(is_unreached(asker_.failure_));
  EXPECT_NE(asker_.endpoint_, 0U);
  EXPECT_EQ(handshakes(UpstreamTlsOutcome::kCertificate), 1U);
  EXPECT_EQ(slot_->endpoints[0].connections_active.load(), 0U);
}

TEST_F(ConnectorTls, AHandshakeThatNobodyWaitsForIsGivenUp) {
  const test::TcpOrigin silent([](test::Stream& stream) { stream.receive_all(); });
  set(silent.address());
  cluster_->acquire(asker_, {});
  run_until([&] { return silent.connections() == 1; });
  cluster_->cancel(asker_);
  EXPECT_EQ(slot_->endpoints[0].connections_active.load(), 0U);
  EXPECT_EQ(slot_->endpoints[0].requests_in_flight.load(), 0U);
  EXPECT_EQ(asker_.calls_, 0);
}

TEST_F(ConnectorTls, AKeptConnectionStaysWhileTicketsComeAndGoesWithItsServer) {
  auto origin = std::make_unique<TlsOrigin>(
      TlsOrigin::Setting{
          .pem = test::make_certificate({.names = {"app.test"}, .issuer = &kAuthority})},
      TlsOrigin::echo);
  set(origin->address());
  cluster_->release(get(), {.reusable = true});
  cluster_->acquire(asker_, {});
  ASSERT_EQ(asker_.calls_, 1) << "it was kept, although its tickets were not read";
  auto connection = std::move(asker_.connection_);
  EXPECT_TRUE(connection->is_quiet());
  cluster_->release(std::move(connection), {.reusable = true});
  origin.reset();
  run_until([&] { return slot_->endpoints[0].connections_active.load() == 0; });
}

}  // namespace
}  // namespace roundhouse::upstream
