// The certificates of a configuration as a process of its own finds them in their files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/options.h"
#include "edge/watched_folders.h"
#include "ipc/tls_material.h"

namespace roundhouse::edge {

inline constexpr const char* kCertificatesVariable = "ROUNDHOUSE_CERTIFICATES";
// What that process is given.
inline constexpr int kCertificatesConfigurationFd = 3;  // the configuration in force, sealed
inline constexpr int kCertificatesMaterialFd = 4;       // where it writes the material

// One certificate with its key, or the authorities, of a listener or upstream of a configuration.
struct CertificatePlace {
  static constexpr std::uint32_t kAuthorities = ~0U;
  bool of_upstream = false;
  std::uint32_t owner = 0;
  std::uint32_t number = 0;  // from 0
  auto operator<=>(const CertificatePlace&) const = default;
};

struct CertificateReport {
  struct Refused {
    CertificatePlace place;
    std::string why;  // "/etc/site.pem holds no certificate in PEM form, or a broken one"
  };
  struct Certificate {
    CertificatePlace place;
    std::string name;  // the first that it is for
    std::int64_t not_after = 0;
  };
  std::vector<Refused> refused;
  std::vector<Certificate> certificates;
  WatchedFolders folders;

  std::string text() const;
  // Error: the text is none of text()'s.
  static Result<CertificateReport> from_text(std::string_view text);
};

struct CertificatesRead {
  CertificateReport report;
  ipc::TlsMaterial material;  // no ticket keys; what is refused is empty
};
// Blocks, and looks at what is in the files.
CertificatesRead read_certificates(const config::Configuration& configuration);

// What was refused is in `material` as it was `before`.
void keep_refused(const CertificateReport& report, const ipc::TlsMaterial& before,
                  ipc::TlsMaterial& material);
// Where they differ. REQUIRES: both are of one configuration.
std::vector<CertificatePlace> changed_places(const ipc::TlsMaterial& before,
                                             const ipc::TlsMaterial& after);

}  // namespace roundhouse::edge
