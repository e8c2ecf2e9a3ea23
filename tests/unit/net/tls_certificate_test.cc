#include "net/tls_certificate.h"

#include <gtest/gtest.h>

#include "support/certificates.h"

namespace roundhouse {
namespace {

using test::make_certificate;

TEST(TlsCertificate, TellsItsNamesItsKeyAndItsEnd) {
  const test::Pem pem = make_certificate({.names = {"Site.test", "*.site.test"}, .days = 10});
  const auto facts = examine_certificate(pem.cert, pem.key);
  ASSERT_TRUE(facts) << facts.error().what;
  EXPECT_EQ(facts->names, (std::vector<std::string>{"site.test", "*.site.test"}));
  EXPECT_EQ(facts->key_type, "EC");
  EXPECT_EQ(facts->not_after - facts->not_before, 40 * 86400);
}

TEST(TlsCertificate, WithoutOtherNamesIsForItsSubject) {
  const test::Pem pem = make_certificate({.subject = "Old.test", .rsa = true});
  const auto facts = facts_of_certificate(pem.cert);
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_EQ(facts->names, std::vector<std::string>{"old.test"});
  EXPECT_EQ(facts->key_type, "RSA");
}

TEST(TlsCertificate, IsRefusedWithWhatIsWrong) {
  const test::Pem one = make_certificate({});
  const test::Pem other = make_certificate({});
  const auto fault = [](std::string_view cert, std::string_view key) {
    const auto facts = examine_certificate(cert, key);
    return facts ? "" : (facts.error().of_key ? "key " : "cert ") + facts.error().what;
  };
  EXPECT_EQ(fault(one.cert, one.key), "");
  EXPECT_EQ(fault(one.cert, other.key), "key is not the key of the certificate");
  EXPECT_EQ(fault("garbage", one.key), "cert holds no certificate in PEM form, or a broken one");
  EXPECT_EQ(fault(one.cert.substr(0, one.cert.size() - 60), one.key),
            "cert holds no certificate in PEM form, or a broken one");
  EXPECT_EQ(fault(one.cert, one.cert), "key holds no private key in PEM form, or a broken one");
  EXPECT_EQ(fault(one.cert, ""), "key holds no private key in PEM form, or a broken one");
  EXPECT_EQ(fault(one.cert + one.key, one.key + one.cert), "");
}

TEST(TlsCertificate, AuthoritiesAndCiphersAreLookedAtToo) {
  EXPECT_EQ(fault_of_authorities(make_certificate({}).cert), "");
  EXPECT_EQ(fault_of_authorities("x"), "holds no certificate in PEM form, or a broken one");
  EXPECT_EQ(fault_of_ciphers("ECDHE+AESGCM"), "");
  EXPECT_EQ(fault_of_ciphers("NONSENSE"),
            "names no cipher suite that OpenSSL knows; expected as in ECDHE+AESGCM");
}

}  // namespace
}  // namespace roundhouse
