#include "config/tls_rules.h"

#include <algorithm>
#include <utility>

#include "config/option_table.h"
#include "config/tls_file_checks.h"

namespace roundhouse::config {
namespace {

using From = Source::From;

std::string section_of(const Listener& listener) { return "listeners." + listener.name + ".tls"; }

bool any_key(const Listener& listener, const auto& is_so) {
  return std::ranges::any_of(options(), [&](const Option& option) {
    return option.section == Section::kListener && option.key.starts_with("tls.") &&
           is_so("listeners." + listener.name + "." + std::string(option.key));
  });
}

// Where a file of a certificate was named: in the short form, in its map, or in the list.
std::string key_of(const Listener& listener, std::size_t index, const char* part,
                   const Report& report) {
  const std::string section = section_of(listener);
  const bool is_short = report.is_set(section + ".cert");
  if (is_short && index == 0) return section + "." + part;
  const std::string place =
      section + ".certificates." + std::to_string(index + (is_short ? 0 : 1)) + ".";
  if (report.is_set(place + part)) return place + part;
  return report.is_set(place + "cert") ? place + "cert" : section + ".certificates";
}

}  // namespace

bool is_of_tls(std::string_view key) {
  return key.starts_with("tls.") || key == "timeouts.handshake";
}

void derive_tls(Listener& listener, Provenance& provenance,
                const std::function<std::string(const std::string&)>& placed) {
  Tls& tls = listener.tls;
  const std::string section = section_of(listener);
  if (!tls.cert.empty()) {
    tls.certificates.insert(tls.certificates.begin(), {.cert = std::exchange(tls.cert, ""),
                                                       .key = std::exchange(tls.key, "")});
    Source& source = provenance[section + ".certificates"];
    if (source.from == From::kDefault)
      source = {From::kDerived, provenance[section + ".cert"].at, "`cert` and `key`",
                provenance[section + ".cert"].secret};
  }
  for (Certificate& certificate : tls.certificates) {
    certificate.cert = placed(certificate.cert);
    certificate.key = certificate.key.empty() ? certificate.cert : placed(certificate.key);
  }
  if (!tls.client_ca.empty()) tls.client_ca = placed(tls.client_ca);
  if (tls.on() && tls.alpn.empty() && listener.protocol == Protocol::kHttp) {
    if (listener.http2) tls.alpn.emplace_back("h2");
    tls.alpn.emplace_back("http/1.1");
    Source& source = provenance[section + ".alpn"];
    if (source.from == From::kDefault) source = {From::kDerived, {}, "`http2`", false};
  }
}

void check_tls(const Configuration& configuration, const Listener& listener, Report& report) {
  const Tls& tls = listener.tls;
  const std::string section = section_of(listener);
  if (any_key(listener, [&](const std::string& key) { return report.is_refused(key); })) return;
  const bool is_set = any_key(listener, [&](const std::string& key) { return report.is_set(key); });
  if (is_set && !tls.on()) {
    report.add(section, "names no certificate; expected `cert` and `key`, or `certificates`");
    return;
  }
  const std::string handshake = "listeners." + listener.name + ".timeouts.handshake";
  if (!tls.on() && listener.proxy_protocol == ProxyProtocol::kOff && report.is_set(handshake) &&
      !report.is_refused(handshake))
    report.add(handshake, "is for TLS, and this listener has none; expected `tls`, or no such key");
  if (tls.certificates.size() > kMaxCertificates)
    report.add(section + ".certificates", "has " + std::to_string(tls.certificates.size()) +
                                              " entries; expected at most " +
                                              std::to_string(kMaxCertificates));
  const Pool* const pool = configuration.find_pool(listener.pool);
  if (tls.on() && pool != nullptr && pool->type == PoolType::kNative)
    report.add(section, "is ended by built-in workers, and those of pool " + pool->name +
                            " are a program of type native; expected no such key");
  for (const std::string& protocol : tls.alpn) {
    if (listener.protocol == Protocol::kTcp || protocol == "http/1.1") continue;
    if (protocol != "h2")
      report.add(section + ".alpn", "'" + report.shown(section + ".alpn", protocol) +
                                        "' is not spoken here; expected h2 or http/1.1");
    else if (!listener.http2)
      report.add(section + ".alpn",
                 "has 'h2', and `http2: false` switches that off; expected one of the two");
  }
  if (tls.client_auth != ClientAuth::kOff && tls.client_ca.empty())
    report.add(section + ".client_auth",
               "asks clients for certificates that nobody vouches for; expected `client_ca`");
  if (tls.client_auth == ClientAuth::kOff && !tls.client_ca.empty())
    report.add(section + ".client_ca",
               "is for clients that are asked for a certificate; expected `client_auth` as well");
}

namespace {

void check_files_of(const Listener& listener, const TlsKnowledge& knowledge, Report& report,
                    Report& doubts) {
  for (std::size_t i = 0; i < listener.tls.certificates.size(); ++i)
    check_pair(listener.tls.certificates[i], key_of(listener, i, "cert", report),
               key_of(listener, i, "key", report), knowledge, report, doubts);
  const std::string section = section_of(listener);
  if (!listener.tls.client_ca.empty())
    check_authorities(listener.tls.client_ca, section + ".client_ca", knowledge, report);
  check_ciphers(listener.tls.ciphers, section + ".ciphers", knowledge, report);
}

}  // namespace

void check_tls_files(const Configuration& configuration, const TlsKnowledge& knowledge,
                     Report& report, Report& doubts) {
  if (!knowledge.certificate) return;
  for (const Listener& listener : configuration.listeners) {
    if (listener.tls.on()) check_files_of(listener, knowledge, report, doubts);
  }
}

}  // namespace roundhouse::config
