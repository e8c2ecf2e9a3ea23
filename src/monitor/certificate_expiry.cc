#include "monitor/certificate_expiry.h"

#include <algorithm>

#include "net/tls_certificate.h"

namespace roundhouse::monitor {
namespace {

constexpr double kDay = 24 * 3600;
constexpr double kSoon = 14 * kDay;

void add(std::string_view pem, const char* kind, const std::string& owner,
         std::vector<CertificateEnd>& ends) {
  const auto facts = facts_of_certificate(pem);
  if (!facts) return;
  ends.push_back({.kind = kind,
                  .owner = owner,
                  .name = facts->names.empty() ? "none" : facts->names.front(),
                  .not_after = facts->not_after});
}

}  // namespace

std::vector<CertificateEnd> certificate_ends(const ipc::TlsMaterial& material,
                                             const config::Configuration& configuration) {
  std::vector<CertificateEnd> ends;
  for (const ipc::TlsMaterial::Listener& given : material.listeners) {
    if (given.index >= configuration.listeners.size()) continue;
    for (const ipc::TlsMaterial::Certificate& pem : given.certificates)
      add(pem.cert, "listener", configuration.listeners[given.index].name, ends);
  }
  for (const ipc::TlsMaterial::Upstream& given : material.upstreams) {
    if (given.index < configuration.upstreams.size() && !given.certificate.cert.empty())
      add(given.certificate.cert, "upstream", configuration.upstreams[given.index].name, ends);
  }
  return ends;
}

std::string expiry_warning(const CertificateEnd& certificate, double now) {
  const double left = static_cast<double>(certificate.not_after) - now;
  if (left >= kSoon) return "";
  const std::string which =
      certificate.kind + " " + certificate.owner + ": the certificate for " + certificate.name;
  if (left < 0) return which + " has expired";
  const auto days = static_cast<int>(left / kDay);
  if (days == 0) return which + " expires within a day";
  return which + " expires in " + std::to_string(days) + (days == 1 ? " day" : " days");
}

}  // namespace roundhouse::monitor
