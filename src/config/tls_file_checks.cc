#include "config/tls_file_checks.h"

#include <utility>

#include "base/file.h"

namespace roundhouse::config {
namespace {

// What is in a file; or nothing, and reported.
std::string content_of(const std::string& path, const std::string& key, Report& report) {
  auto content = read_file(path, kMaxPemBytes);
  if (!content) {
    report.add(key, report.shown(key, content.error().message) +
                        "; expected a file that this user may read");
    return "";
  }
  if (content->size() <= kMaxPemBytes) return *std::move(content);
  report.add(key, report.shown(key, path) + " is larger than 256 KiB; expected a file in PEM form");
  return "";
}

}  // namespace

void check_pair(const Certificate& files, const std::string& cert_key, const std::string& key_key,
                const TlsKnowledge& knowledge, Report& report, Report& doubts) {
  const std::string cert = content_of(files.cert, cert_key, report);
  if (cert.empty()) return;
  const bool together = files.key == files.cert;
  const std::string key = together ? cert : content_of(files.key, key_key, report);
  if (key.empty()) return;
  for (const CertificateFinding& finding : knowledge.certificate(cert, key)) {
    const std::string& where = finding.of_key ? key_key : cert_key;
    const std::string& file = finding.of_key ? files.key : files.cert;
    (finding.is_doubt ? doubts : report).add(where, report.shown(where, file) + " " + finding.what);
  }
}

void check_authorities(const std::string& path, const std::string& key,
                       const TlsKnowledge& knowledge, Report& report) {
  const std::string pem = content_of(path, key, report);
  const std::string wrong = pem.empty() ? "" : knowledge.authorities(pem);
  if (!wrong.empty()) report.add(key, report.shown(key, path) + " " + wrong);
}

void check_ciphers(const std::string& list, const std::string& key, const TlsKnowledge& knowledge,
                   Report& report) {
  const std::string wrong = knowledge.ciphers(list);
  if (!wrong.empty()) report.add(key, "'" + report.shown(key, list) + "' " + wrong);
}

}  // namespace roundhouse::config
