// Certificates that are replaced while the real program runs, and nobody asks for a reload.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "support/certificates.h"
#include "support/instance.h"
#include "support/tls_client.h"

namespace roundhouse::test {
namespace {

namespace fs = std::filesystem;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string kRefused = "roundhouse_config_reloads_total{result=\"refused\"}";

Pem certificate_of(const std::string& subject) {
  return make_certificate({.names = {"a.test"}, .subject = subject});
}

class CertificateWatch : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
  void write(const std::string& folder, const Pem& pem) const {
    directory.write(folder + "tls.crt", pem.cert);
    directory.write(folder + "tls.key", pem.key);
  }
  std::string tls() const {
    return "tls: {cert: " + path("tls.crt") + ", key: " + path("tls.key") + "}";
  }
  // Each of two workers shows it: connections are given to them in turn.
  static bool shown(const Instance& instance, const std::string& subject) {
    return eventually([&] {
      int seen = 0;
      for (int i = 0; i < 2; ++i) {
        TlsClient client(instance.web(), {});
        if (client.shake_hands() && client.peer_name() == subject) ++seen;
      }
      return seen == 2;
    });
  }
  // A link that leads elsewhere from one moment to the next.
  void link(const std::string& to, const std::string& name) const {
    fs::create_symlink(to, path(name + ".new"));
    fs::rename(path(name + ".new"), path(name));
  }

  const TemporaryDirectory directory;
};

TEST_F(CertificateWatch, FilesThatAreWrittenOverAreForTheNextHandshake) {
  write("", certificate_of("first"));
  Instance instance("hello: {workers: 2}", "", {.listener = tls()});
  const auto pids = instance.worker_pids(2);
  TlsClient before(instance.web(), {});
  ASSERT_TRUE(before.shake_hands());
  write("", certificate_of("second"));
  EXPECT_TRUE(shown(instance, "second"));
  EXPECT_TRUE(instance.process().prints("certificates are renewed"));
  EXPECT_EQ(instance.worker_pids(2), pids);
  ASSERT_TRUE(before.send(kGet));
  EXPECT_TRUE(before.receive_until("pid").starts_with("HTTP/1.1 200 OK"));
  write("", certificate_of("third"));
  EXPECT_TRUE(shown(instance, "third")) << "it goes on watching";
}

TEST_F(CertificateWatch, FilesThatAreRenamedOverAreNoticed) {
  write("", certificate_of("first"));
  Instance instance("hello: {workers: 2}", "", {.listener = tls()});
  write("next.", certificate_of("second"));
  fs::rename(path("next.tls.key"), path("tls.key"));
  fs::rename(path("next.tls.crt"), path("tls.crt"));
  EXPECT_TRUE(shown(instance, "second"));
}

// As certbot does it: live/NAME/FILE is a link into archive/NAME.
TEST_F(CertificateWatch, LinksToOtherFilesAreNoticed) {
  write("archive/1.", certificate_of("first"));
  link("archive/1.tls.crt", "tls.crt");
  link("archive/1.tls.key", "tls.key");
  Instance instance("hello: {workers: 2}", "", {.listener = tls()});
  write("archive/2.", certificate_of("second"));
  link("archive/2.tls.key", "tls.key");
  link("archive/2.tls.crt", "tls.crt");
  EXPECT_TRUE(shown(instance, "second"));
}

// As Kubernetes mounts a secret: FILE is a link to ..data/FILE, and ..data one to a folder.
TEST_F(CertificateWatch, AFolderThatALinkLeadsToIsNoticed) {
  write("..1/", certificate_of("first"));
  link("..1", "..data");
  link("..data/tls.crt", "tls.crt");
  link("..data/tls.key", "tls.key");
  Instance instance("hello: {workers: 2}", "", {.listener = tls()});
  write("..2/", certificate_of("second"));
  link("..2", "..data");
  fs::remove_all(path("..1"));
  EXPECT_TRUE(shown(instance, "second"));
}

TEST_F(CertificateWatch, WhatCannotBeUsedIsRefusedOnceAndTheOldOneGoesOn) {
  write("", certificate_of("first"));
  Instance instance("hello: {workers: 2}", "", {.listener = tls()});
  directory.write("tls.crt", "broken");
  EXPECT_TRUE(instance.metric_reaches(kRefused, 1));
  EXPECT_TRUE(instance.process().prints("listeners.web.tls.certificates: " + path("tls.crt") +
                                        " holds no certificate in PEM form, or a broken one"))
      << instance.process().output();
  EXPECT_TRUE(shown(instance, "first"));
  const Pem second = certificate_of("second");
  directory.write("tls.key", second.key);
  EXPECT_TRUE(instance.metric_reaches(kRefused, 2)) << "another state is looked at again";
  directory.write("tls.crt", second.cert);
  EXPECT_TRUE(shown(instance, "second"));
  EXPECT_EQ(instance.metric(kRefused), 2);
}

TEST_F(CertificateWatch, TheConfigurationFileIsNotReadForIt) {
  write("", certificate_of("first"));
  Instance instance("hello: {workers: 2}", "", {.listener = tls()});
  const auto pids = instance.worker_pids(2);
  for (const auto& entry : fs::directory_iterator(instance.directory()))
    if (entry.path().extension() == ".yaml") {
      fs::resize_file(entry.path(), 0);
    }
  write("", certificate_of("second"));
  EXPECT_TRUE(shown(instance, "second"));
  EXPECT_EQ(instance.worker_pids(2), pids);
}

}  // namespace
}  // namespace roundhouse::test
