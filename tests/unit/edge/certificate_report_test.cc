#include "edge/certificate_report.h"

#include <gtest/gtest.h>

#include "support/certificates.h"
#include "support/process.h"

namespace roundhouse::edge {
namespace {

using test::make_certificate;
using test::Pem;

class CertificateReportTest : public testing::Test {
 protected:
  config::Certificate files(const std::string& name, const Pem& pem) const {
    return {.cert = directory_.write(name + ".pem", pem.cert),
            .key = directory_.write(name + ".key", pem.key)};
  }
  void listen_with(std::vector<config::Certificate> certificates) {
    config::Listener& listener = configuration_.listeners.emplace_back();
    listener.name = "web";
    listener.tls.certificates = std::move(certificates);
  }

  const Pem one_ = make_certificate({.names = {"one.test"}});
  const Pem other_ = make_certificate({.names = {"other.test"}});
  const test::TemporaryDirectory directory_;
  config::Configuration configuration_;
};

TEST_F(CertificateReportTest, WhatCanBeUsedIsReadAndTold) {
  configuration_.listeners.emplace_back();  // speaks no TLS
  listen_with({files("one", one_), files("other", other_)});
  const CertificatesRead read = read_certificates(configuration_);
  EXPECT_TRUE(read.report.refused.empty());
  ASSERT_EQ(read.material.listeners.size(), 1U);
  EXPECT_EQ(read.material.listeners[0].index, 1U);
  EXPECT_EQ(read.material.listeners[0].certificates[1].key, other_.key);
  ASSERT_EQ(read.report.certificates.size(), 2U);
  EXPECT_EQ(read.report.certificates[1].name, "other.test");
  EXPECT_EQ(read.report.certificates[1].place, (CertificatePlace{.owner = 1, .number = 1}));
  EXPECT_EQ(read.report.folders.at(directory_.path()),
            (std::set<std::string>{"one.pem", "one.key", "other.pem", "other.key"}));
}

TEST_F(CertificateReportTest, OnlyWhatIsWrongIsRefused) {
  listen_with({files("one", one_),
               files("mixed", {.cert = one_.cert, .key = other_.key}),
               {.cert = "/none.pem", .key = "/none.pem"}});
  config::Upstream& upstream = configuration_.upstreams.emplace_back();
  upstream.tls.enabled = true;
  upstream.tls.ca = directory_.write("ca.pem", "nobody");
  const CertificatesRead read = read_certificates(configuration_);
  ASSERT_EQ(read.report.refused.size(), 3U);
  EXPECT_EQ(read.report.refused[0].why,
            directory_.path() + "/mixed.key is not the key of the certificate");
  EXPECT_EQ(read.report.refused[0].place.number, 1U);
  EXPECT_EQ(read.report.refused[1].why, "reading /none.pem: No such file or directory");
  EXPECT_EQ(read.report.refused[2].why, directory_.path() +
                                            "/ca.pem holds no certificate in PEM form, or a broken "
                                            "one");
  EXPECT_TRUE(read.report.refused[2].place.of_upstream);
  EXPECT_EQ(read.material.listeners[0].certificates[0].key, one_.key);
  EXPECT_EQ(read.material.listeners[0].certificates[1].cert, "");
}

TEST_F(CertificateReportTest, WhatWasRefusedStaysAndTheRestIsRenewed) {
  listen_with({files("one", one_), files("other", other_)});
  configuration_.listeners[0].tls.client_ca = directory_.write("ca.pem", one_.cert);
  const ipc::TlsMaterial before = read_certificates(configuration_).material;
  files("one", make_certificate({.names = {"one.test"}}));
  directory_.write("other.pem", "broken");
  directory_.write("ca.pem", "broken");
  CertificatesRead read = read_certificates(configuration_);
  keep_refused(read.report, before, read.material);
  EXPECT_EQ(read.material.listeners[0].certificates[1], before.listeners[0].certificates[1]);
  EXPECT_EQ(read.material.listeners[0].client_ca, one_.cert);
  EXPECT_EQ(changed_places(before, read.material),
            (std::vector<CertificatePlace>{{.owner = 0, .number = 0}}));
  EXPECT_TRUE(changed_places(before, before).empty());
}

TEST_F(CertificateReportTest, AReportSurvivesItsWay) {
  listen_with({files("one", one_), {.cert = "/none.pem", .key = "/none.pem"}});
  const CertificateReport report = read_certificates(configuration_).report;
  const auto back = CertificateReport::from_text(report.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), report.text());
  EXPECT_EQ(back->folders, report.folders);
  EXPECT_EQ(back->certificates[0].not_after, report.certificates[0].not_after);
  EXPECT_FALSE(CertificateReport::from_text(""));
  EXPECT_FALSE(CertificateReport::from_text("{\"refused\":[[1]]}"));
}

}  // namespace
}  // namespace roundhouse::edge
