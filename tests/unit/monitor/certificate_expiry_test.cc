#include "monitor/certificate_expiry.h"

#include <gtest/gtest.h>

#include <ctime>

#include "support/certificates.h"

namespace roundhouse::monitor {
namespace {

constexpr double kDay = 86400;

TEST(CertificateExpiry, EachCertificateHasItsEnd) {
  config::Configuration configuration;
  configuration.listeners.resize(2);
  configuration.listeners[1].name = "web";
  configuration.upstreams.resize(1);
  configuration.upstreams[0].name = "site";
  const auto pem = [](const std::string& name, int days) {
    return test::make_certificate({.names = {name}, .days = days}).cert;
  };
  ipc::TlsMaterial material;
  material.listeners.push_back({.index = 1,
                                .certificates = {{pem("a.test", 30), ""}, {pem("b.test", 3), ""}},
                                .client_ca = ""});
  material.upstreams.push_back({.index = 0, .ca = "", .certificate = {pem("client.test", -1), ""}});
  const auto ends = certificate_ends(material, configuration);
  ASSERT_EQ(ends.size(), 3U);
  const double now = static_cast<double>(::time(nullptr));
  EXPECT_EQ(expiry_warning(ends[0], now), "");
  EXPECT_EQ(expiry_warning(ends[1], now + 60),
            "listener web: the certificate for b.test expires in 2 days");
  EXPECT_EQ(expiry_warning(ends[2], now),
            "upstream site: the certificate for client.test has expired");
}

TEST(CertificateExpiry, ThereIsTimeForTwoWeeks) {
  const CertificateEnd end{
      .kind = "listener", .owner = "web", .name = "a", .not_after = 100 * 86400};
  EXPECT_EQ(expiry_warning(end, 86 * kDay), "");
  EXPECT_NE(expiry_warning(end, 86 * kDay + 1), "");
  EXPECT_TRUE(expiry_warning(end, 98.5 * kDay).ends_with("expires in 1 day"));
  EXPECT_TRUE(expiry_warning(end, 99.5 * kDay).ends_with("expires within a day"));
  EXPECT_TRUE(expiry_warning(end, 101 * kDay).ends_with("has expired"));
}

}  // namespace
}  // namespace roundhouse::monitor
