// Files of certificates, which only their owner may read.
#pragma once

#include <sys/stat.h>

#include <string>

#include "support/certificates.h"
#include "support/process.h"

namespace roundhouse::test {

class CertificateFiles {
 public:
  explicit CertificateFiles(const Pem& pem) { put("site", pem); }
  void put(const std::string& name, const Pem& pem) const {
    directory_.write(name + ".pem", pem.cert);
    directory_.write(name + ".key", pem.key);
    ::chmod((directory_.path() + "/" + name + ".key").c_str(), 0600);
  }
  void put(const std::string& name, const std::string& content) const {
    directory_.write(name, content);
  }
  const std::string& directory() const { return directory_.path(); }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  // YAML, with more keys of `tls`.
  std::string tls(const std::string& more = "") const {
    return "tls: {cert: " + path("site.pem") + ", key: " + path("site.key") + more + "}";
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace roundhouse::test
