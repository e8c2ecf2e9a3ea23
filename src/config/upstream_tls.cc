#include "config/upstream_tls.h"

#include <algorithm>

#include "base/address.h"
#include "config/option_table.h"
#include "config/tls_file_checks.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

using From = Source::From;

std::string section_of(const Upstream& upstream) { return "upstreams." + upstream.name + ".tls"; }

bool has_unix_server(const Upstream& upstream) {
  return std::ranges::any_of(
      upstream.servers, [](const Server& server) { return server.address.starts_with("unix:"); });
}

bool is_name_or_address(const std::string& text) {
  return is_host_name(text) || Address::parse("[" + text + "]:1").has_value();
}

}  // namespace

bool is_of_upstream_tls(std::string_view key) {
  return key.starts_with("tls.") && key != "tls.enabled";
}

void derive_upstream_tls(Upstream& upstream, Provenance& provenance,
                         const std::function<std::string(const std::string&)>& placed) {
  UpstreamTls& tls = upstream.tls;
  const std::string section = section_of(upstream);
  if (provenance.contains(section) && !provenance.contains(section + ".enabled")) {
    tls.enabled = true;
    provenance[section + ".enabled"] = {From::kDerived, provenance[section].at, "`tls` is set",
                                        false};
  }
  if (!tls.cert.empty() && tls.key.empty()) {
    tls.key = tls.cert;
    provenance[section + ".key"] = {From::kDerived, provenance[section + ".cert"].at,
                                    "in the file of `cert`", provenance[section + ".cert"].secret};
  }
  for (std::string* path : {&tls.ca, &tls.cert, &tls.key})
    if (!path->empty()) *path = placed(*path);
}

void check_upstream_tls(const Upstream& upstream, Report& report) {
  const UpstreamTls& tls = upstream.tls;
  const std::string section = section_of(upstream);
  if (!tls.enabled) return;
  if (!upstream.pool.empty())
    report.add(section,
               "is for servers, and workers of pools are spoken to on their private sockets; "
               "expected no such key");
  if (tls.cert.empty() && !tls.key.empty() && !report.is_refused(section + ".cert"))
    report.add(section + ".key", "is the key of no certificate; expected `cert` as well");
  if (!tls.server_name.empty() && !report.is_refused(section + ".server_name") &&
      !is_name_or_address(tls.server_name))
    report.add(section + ".server_name",
               "'" + report.shown(section + ".server_name", tls.server_name) +
                   "' is not the name of a host; expected as in app.example.com");
  if (!tls.verify && !tls.ca.empty())
    report.add(section + ".ca",
               "vouches for certificates that nobody looks at; expected `verify: true`, or no "
               "such key");
  const char* const nameless = !upstream.srv.empty()       ? "`srv`"
                               : has_unix_server(upstream) ? "a unix socket"
                                                           : nullptr;
  if (tls.verify && tls.server_name.empty() && nameless != nullptr &&
      !report.is_refused(section + ".server_name"))
    report.add(section, "is for no name: " + std::string(nameless) +
                            " does not say for which the certificates must be; expected "
                            "`server_name`");
  // Keys are for who must have them: who listens to scrapers has none.
  if (!tls.cert.empty() && upstream.health.probe == Probe::kHttp) {
    const std::string health = "upstreams." + upstream.name + ".health";
    report.add(report.is_set(health + ".path") ? health + ".path" : health + ".probe",
               "is asked by the monitor, which has no key for `tls.cert`; expected `probe: "
               "connect`, or none");
  }
}

void check_upstream_tls_files(const Configuration& configuration, const TlsKnowledge& knowledge,
                              Report& report, Report& doubts) {
  if (!knowledge.certificate) return;
  for (const Upstream& upstream : configuration.upstreams) {
    const UpstreamTls& tls = upstream.tls;
    const std::string section = section_of(upstream);
    if (!tls.enabled) continue;
    if (!tls.cert.empty())
      check_pair({.cert = tls.cert, .key = tls.key}, section + ".cert",
                 report.is_set(section + ".key") ? section + ".key" : section + ".cert", knowledge,
                 report, doubts);
    if (!tls.ca.empty())
      check_authorities(tls.ca, section + ".ca", knowledge, report);
    else if (tls.verify && knowledge.lacks_roots())
      doubts.add(section,
                 "believes the roots of the system, and there are none; expected `ca`, or the "
                 "package ca-certificates");
    check_ciphers(tls.ciphers, section + ".ciphers", knowledge, report);
  }
}

void doubt_upstream_tls(const Configuration& configuration, Report& doubts) {
  for (const Upstream& upstream : configuration.upstreams) {
    if (upstream.tls.enabled && !upstream.tls.verify)
      doubts.add(section_of(upstream) + ".verify",
                 "lets anyone between here and the servers of " + upstream.name +
                     " answer in their place and read along; better `ca` with who vouches for "
                     "them");
  }
}

std::string tls_name_of(const Upstream& upstream, std::string_view endpoint) {
  if (!upstream.tls.server_name.empty()) return upstream.tls.server_name;
  if (!upstream.dns.empty() &&
      std::ranges::find(upstream.servers, endpoint, &Server::address) == upstream.servers.end())
    endpoint = upstream.dns;
  if (endpoint.starts_with("unix:")) return "";
  std::string_view host = endpoint.substr(0, endpoint.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

std::vector<std::string> protocols_offered(const Configuration& configuration,
                                           const Upstream& upstream) {
  const bool carries_any =
      std::ranges::any_of(configuration.listeners, [&](const Listener& listener) {
        return listener.protocol == Protocol::kTcp && listener.upstream == upstream.name;
      });
  if (carries_any) return {};
  if (upstream.protocol == UpstreamProtocol::kHttp2) return {"h2"};
  // A connection that begins with a header is one client's.
  if (upstream.protocol == UpstreamProtocol::kHttp1 || upstream.proxy_protocol != ProxyHeader::kOff)
    return {"http/1.1"};
  return {"h2", "http/1.1"};
}

}  // namespace roundhouse::config
