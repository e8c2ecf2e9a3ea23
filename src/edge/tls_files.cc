#include "edge/tls_files.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/file.h"
#include "config/tls_rules.h"

namespace roundhouse::edge {
namespace {

// `owner`: "listener web".
Result<std::string> read_for(const std::string& owner, const std::string& path) {
  auto content = read_file(path, config::kMaxPemBytes);
  const std::string whose = owner + ": ";
  if (!content) return fail(whose + content.error().message, ExitCode::kConfiguration);
  if (content->size() > config::kMaxPemBytes)
    return fail(whose + path + " is larger than 256 KiB", ExitCode::kConfiguration);
  return *std::move(content);
}

// A file may hold a key as well: that goes no further than it must.
std::string certificates_alone(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  std::string alone;
  for (auto at = pem.find(kBegin); at != pem.npos; at = pem.find(kBegin, at + 1)) {
    const auto end = pem.find(kEnd.substr(0, kEnd.size() - 1), at);
    if (end == pem.npos) break;
    alone.append(pem.substr(at, end - at)).append(kEnd);
  }
  return alone;
}

TlsTicketKey new_ticket_key() {
  TlsTicketKey key{};
  ssize_t got = -1;
  do {
    got = ::getrandom(&key, sizeof key, 0);  // so few bytes come at once
  } while (got < 0 && errno == EINTR);
  CHECK(got == sizeof key);
  return key;
}

}  // namespace

Result<ipc::TlsMaterial> read_tls_files(const config::Configuration& configuration) {
  ipc::TlsMaterial material;
  for (std::uint32_t i = 0; i < configuration.listeners.size(); ++i) {
    const config::Listener& listener = configuration.listeners[i];
    if (!listener.tls.on()) continue;
    ipc::TlsMaterial::Listener& read = material.listeners.emplace_back();
    read.index = i;
    const std::string whose = "listener " + listener.name;
    for (const config::Certificate& files : listener.tls.certificates)
      read.certificates.push_back(
          {.cert = TRY(read_for(whose, files.cert)), .key = TRY(read_for(whose, files.key))});
    if (!listener.tls.client_ca.empty())
      read.client_ca = TRY(read_for(whose, listener.tls.client_ca));
  }
  for (std::uint32_t i = 0; i < configuration.upstreams.size(); ++i) {
    const config::Upstream& upstream = configuration.upstreams[i];
    if (!upstream.tls.enabled) continue;
    ipc::TlsMaterial::Upstream& read = material.upstreams.emplace_back();
    read.index = i;
    const std::string whose = "upstream " + upstream.name;
    if (!upstream.tls.ca.empty()) read.ca = TRY(read_for(whose, upstream.tls.ca));
    if (upstream.tls.cert.empty()) continue;
    read.certificate.cert = TRY(read_for(whose, upstream.tls.cert));
    read.certificate.key = TRY(read_for(whose, upstream.tls.key));
  }
  return material;
}

ipc::TlsMaterial part_for_pool(const ipc::TlsMaterial& all,
                               const config::Configuration& configuration, std::string_view pool) {
  ipc::TlsMaterial part;
  part.tickets = all.tickets;
  for (const ipc::TlsMaterial::Listener& listener : all.listeners) {
    if (configuration.listeners[listener.index].pool == pool) part.listeners.push_back(listener);
  }
  const config::Pool* const options = configuration.find_pool(pool);
  if (options != nullptr && options->type == config::PoolType::kProxy)
    part.upstreams = all.upstreams;
  return part;
}

ipc::TlsMaterial part_for_all(const ipc::TlsMaterial& all) {
  ipc::TlsMaterial part;
  for (const ipc::TlsMaterial::Listener& listener : all.listeners) {
    ipc::TlsMaterial::Listener& open = part.listeners.emplace_back();
    open.index = listener.index;
    open.client_ca = listener.client_ca;
    for (const ipc::TlsMaterial::Certificate& certificate : listener.certificates)
      open.certificates.push_back({.cert = certificates_alone(certificate.cert), .key = {}});
  }
  for (const ipc::TlsMaterial::Upstream& upstream : all.upstreams)
    part.upstreams.push_back(
        {.index = upstream.index,
         .ca = certificates_alone(upstream.ca),
         .certificate = {.cert = certificates_alone(upstream.certificate.cert), .key = {}}});
  return part;
}

TlsTicketKeys new_ticket_keys() {
  return {.current = new_ticket_key(), .next = new_ticket_key(), .previous = new_ticket_key()};
}

void rotate(TlsTicketKeys& keys) {
  keys.previous = keys.current;
  keys.current = keys.next;
  keys.next = new_ticket_key();
}

}  // namespace roundhouse::edge
