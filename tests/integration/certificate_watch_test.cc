// Files of certificates that change while the real program runs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "edge/renewal_schedule.h"
#include "support/certificate_files.h"
#include "support/certificates.h"
#include "support/instance.h"
#include "support/tls_client.h"

namespace roundhouse::test {
namespace {

constexpr int kWorkers = 2;
const std::string kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const std::string kRefusal = "; what was read before goes on";
const std::string kRefused = "roundhouse_tls_certificates_refused";

Pem certificate(const std::string& subject, bool rsa = false) {
  return make_certificate({.names = {"a.test"}, .subject = subject, .rsa = rsa});
}

// An instance with a certificate whose subject is `old`, and a client that stays connected.
class CertificateWatch : public testing::Test {
 protected:
  void start(const std::string& tls, const Process::Options& process = {}) {
    instance_ = std::make_unique<Instance>("hello: {workers: 2}", "",
                                           Instance::Options{.process = process, .listener = tls});
    ASSERT_TRUE(instance_->all_ready("hello", kWorkers));
    pids_ = instance_->worker_pids(kWorkers);
    kept_ = std::make_unique<TlsClient>(instance_->web(), TlsClient::Options{});
    ASSERT_TRUE(kept_->shake_hands());
    ASSERT_EQ(kept_->peer_name(), "old");
  }

  bool all_workers_show(const std::string& subject, const std::string& server_name = "a.test") {
    for (int i = 0; i < kWorkers; ++i) {
      TlsClient client(instance_->web(), {.server_name = server_name});
      if (!client.shake_hands() || client.peer_name() != subject) return false;
    }
    return true;
  }
  // Without a reload, and whoever was connected is.
  void expect_renewed(const std::string& subject) {
    EXPECT_TRUE(eventually([&] { return all_workers_show(subject); }));
    EXPECT_TRUE(
        instance_->process().prints("listener web: the certificate for a.test is another now"));
    expect_untouched();
  }
  void expect_untouched() {
    ASSERT_TRUE(kept_->send(kGet));
    EXPECT_TRUE(kept_->receive_until("pid").starts_with("HTTP/1.1 200 OK"));
    // The monitor, which has other certificates too, may just be starting.
    EXPECT_TRUE(eventually([&] { return instance_->worker_pids(kWorkers) == pids_; }));
  }
  bool has_logged(const std::string& words) {
    return instance_->process().output().find(words) != std::string::npos;
  }

  const CertificateFiles files_{certificate("old")};
  std::unique_ptr<Instance> instance_;
  std::unique_ptr<TlsClient> kept_;
  std::vector<pid_t> pids_;
};

TEST_F(CertificateWatch, FilesWrittenInPlaceAreNoticed) {
  start(files_.tls());
  files_.put("site", certificate("new"));
  expect_renewed("new");
  EXPECT_TRUE(instance_->metric_reaches("roundhouse_tls_certificate_renewals_total", 1));
  EXPECT_FALSE(has_logged(kRefusal));
  EXPECT_FALSE(has_logged("the configuration is read anew"));
}

TEST_F(CertificateWatch, FilesMovedInPlaceAreNoticed) {
  start(files_.tls());
  files_.put("next", certificate("new"));
  std::filesystem::rename(files_.path("next.key"), files_.path("site.key"));
  std::filesystem::rename(files_.path("next.pem"), files_.path("site.pem"));
  expect_renewed("new");
}

TEST_F(CertificateWatch, LinksToOtherFilesAreNoticedAsCertbotMakesThem) {
  const auto archive = [&](const std::string& number, const Pem& pem) {
    files_.put("archive/site/fullchain" + number + ".pem", pem.cert);
    files_.put("archive/site/privkey" + number + ".pem", pem.key);
    std::filesystem::create_directories(files_.path("live/site"));
    for (const std::string name : {"privkey", "fullchain"}) {
      std::filesystem::remove(files_.path("live/site/" + name + ".pem"));
      std::filesystem::create_symlink("../../archive/site/" + name + number + ".pem",
                                      files_.path("live/site/" + name + ".pem"));
    }
  };
  archive("1", certificate("old"));
  start("tls: {cert: " + files_.path("live/site/fullchain.pem") +
        ", key: " + files_.path("live/site/privkey.pem") + "}");
  archive("2", certificate("new"));
  expect_renewed("new");
}

TEST_F(CertificateWatch, AFolderBehindALinkIsNoticedAsKubernetesSwapsIt) {
  const auto publish = [&](const std::string& version, const Pem& pem) {
    files_.put("secret/.." + version + "/tls.crt", pem.cert);
    files_.put("secret/.." + version + "/tls.key", pem.key);
    std::filesystem::create_symlink(".." + version, files_.path("secret/..data_tmp"));
    std::filesystem::rename(files_.path("secret/..data_tmp"), files_.path("secret/..data"));
  };
  publish("1", certificate("old"));
  for (const std::string name : {"tls.crt", "tls.key"})
    std::filesystem::create_symlink("..data/" + name, files_.path("secret/" + name));
  start("tls: {cert: " + files_.path("secret/tls.crt") + ", key: " + files_.path("secret/tls.key") +
        "}");
  for (const std::string version : {"2", "3"}) {
    publish(version, certificate("new" + version));
    std::filesystem::remove_all(files_.path("secret/.." + std::to_string(std::stoi(version) - 1)));
    expect_renewed("new" + version);
  }
}

TEST_F(CertificateWatch, AKeyThatComesFirstIsNoFault) {
  start(files_.tls());
  const Pem next = certificate("new");
  files_.put("site.key", next.key);
  EXPECT_TRUE(
      instance_->process().prints(files_.path("site.key") + " is not the key of the certificate"));
  EXPECT_TRUE(all_workers_show("old"));
  files_.put("site.pem", next.cert);
  expect_renewed("new");
  EXPECT_FALSE(has_logged(kRefusal));
}

TEST_F(CertificateWatch, ABrokenFileIsToldOnceAndWhatWasReadBeforeGoesOn) {
  start(files_.tls());
  files_.put("site.pem", "broken");
  const std::string fault = "listener web: " + files_.path("site.pem") +
                            " holds no certificate in PEM form, or a broken one";
  EXPECT_TRUE(instance_->process().prints(fault + kRefusal));
  EXPECT_TRUE(instance_->metric_reaches(kRefused, 1));
  EXPECT_TRUE(all_workers_show("old"));
  const Finished status = run({binary(), "status", "--socket", instance_->control_socket()});
  EXPECT_NE(status.output.find("CERTIFICATES REFUSED: 1, those before go on: " + fault),
            std::string::npos)
      << status.output;
  files_.put("site", certificate("new"));
  expect_renewed("new");
  EXPECT_TRUE(instance_->metric_reaches(kRefused, 0));
  EXPECT_TRUE(instance_->process().prints("all files of certificates can be used again"));
  const std::string log = instance_->process().output();
  EXPECT_EQ(log.find(kRefusal), log.rfind(kRefusal));
}

TEST_F(CertificateWatch, AFileThatIsGoneAndComesBackChangesNothing) {
  start(files_.tls());
  std::filesystem::rename(files_.path("site.key"), files_.path("away"));
  EXPECT_TRUE(instance_->metric_reaches(kRefused, 1));
  EXPECT_TRUE(instance_->process().prints("listener web: reading " + files_.path("site.key") +
                                          ": No such file or directory"));
  EXPECT_TRUE(all_workers_show("old"));
  std::filesystem::rename(files_.path("away"), files_.path("site.key"));
  EXPECT_TRUE(instance_->metric_reaches(kRefused, 0));
  EXPECT_FALSE(has_logged("is another now"));
  expect_untouched();
}

TEST_F(CertificateWatch, OneBrokenFileKeepsNoOtherFromBeingRenewed) {
  files_.put("other", make_certificate({.names = {"b.test"}, .subject = "other"}));
  start(files_.tls(", certificates: [{cert: " + files_.path("other.pem") +
                   ", key: " + files_.path("other.key") + "}]"));
  files_.put("other.key", "broken");
  files_.put("site", certificate("new"));
  expect_renewed("new");
  EXPECT_TRUE(all_workers_show("other", "b.test"));
  EXPECT_TRUE(instance_->metric_reaches(kRefused, 1));
}

// A look begins a pause after the end of the one before, and each renews at most once. So those
// that begin while files are written are one for each pause of that time and one more, whatever the
// machine makes of it; behind the last writing one finds something new.
TEST_F(CertificateWatch, ManyChangesAreFewRenewalsAndTheLastOneCounts) {
  constexpr Duration kPause = edge::RenewalSchedule::kPause;
  start(files_.tls());
  const Pem one = certificate("one");
  const Pem other = certificate("other");
  const Time began = Clock::now();
  int changes = 0;
  while (Clock::now() < began + 3 * kPause / 2)
    files_.put("site", ++changes % 2 == 0 ? one : other);
  files_.put("site", certificate("last"));
  const auto looks_at_most = (Clock::now() - began) / kPause + 2;
  ASSERT_GT(changes, 20 * looks_at_most) << "written too slowly to tell";
  expect_renewed("last");
  EXPECT_LE(instance_->metric("roundhouse_tls_certificate_renewals_total"), looks_at_most);
}

TEST_F(CertificateWatch, AfterAReloadTheFilesOfTheNewConfigurationAreWatched) {
  start(files_.tls());
  ASSERT_EQ(run({binary(), "reload", "--socket", instance_->control_socket()}).ended.code, 0);
  files_.put("site", certificate("new"));
  expect_renewed("new");
}

// Workers that were started with a demand which the process that reads the files does not make: an
// RSA key of 2048 bits is too short for them.
class DemandingWorkers : public CertificateWatch {
 protected:
  void start_demanding() {
    demand(3);
    start(files_.tls(), {.environment = {"OPENSSL_CONF=" + files_.path("openssl.cnf")}});
    demand(1);
  }
  void demand(int level) const {
    files_.put("openssl.cnf",
               "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n"
               "[defaults]\nCipherString = DEFAULT@SECLEVEL=" +
                   std::to_string(level) + "\n");
  }
  static std::string refused(int worker) {
    return "roundhouse_worker_certificates_refused{pool=\"hello\",worker=\"" +
           std::to_string(worker) + "\"}";
  }
};

TEST_F(DemandingWorkers, AWorkerThatCannotUseThemSaysSoAndTheNextOnesHealIt) {
  start_demanding();
  EXPECT_EQ(instance_->metric(refused(1)), 0);
  files_.put("site", certificate("short", true));
  for (const int worker : {1, 2}) {
    EXPECT_TRUE(instance_->process().prints(
        "worker " + std::to_string(worker) +
        " cannot use the certificates that it was given, and goes on with those before: "
        "listener web: a certificate cannot be used:"));
    EXPECT_TRUE(instance_->metric_reaches(refused(worker), 1));
  }
  EXPECT_TRUE(all_workers_show("old"));
  const Finished status = run({binary(), "status", "--socket", instance_->control_socket()});
  EXPECT_NE(status.output.find("ready (OLD CERTIFICATES)"), std::string::npos) << status.output;
  files_.put("site", certificate("new"));
  expect_renewed("new");
  for (const int worker : {1, 2}) EXPECT_TRUE(instance_->metric_reaches(refused(worker), 0));
}

TEST_F(DemandingWorkers, AReloadWhoseCertificatesTheyRefuseHasFailed) {
  start_demanding();
  files_.put("site", certificate("short", true));
  const Finished reload = run({binary(), "reload", "--socket", instance_->control_socket()});
  EXPECT_EQ(reload.ended.code, 1) << reload.output;
  EXPECT_NE(reload.output.find("pool hello: 2 workers cannot use the certificates; those before go "
                               "on: listener web:"),
            std::string::npos)
      << reload.output;
  EXPECT_TRUE(all_workers_show("old"));
  expect_untouched();
}

TEST_F(CertificateWatch, AReloadIsAppliedWhenAllWorkersUseTheNewOnes) {
  start(files_.tls());
  files_.put("site", certificate("new"));
  ASSERT_EQ(run({binary(), "reload", "--socket", instance_->control_socket()}).ended.code, 0);
  EXPECT_TRUE(all_workers_show("new")) << "at once";
}

}  // namespace
}  // namespace roundhouse::test
