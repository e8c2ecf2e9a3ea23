// The certificates of a fleet: read with each configuration, and given to workers that run when
// they are others.
#include <utility>

#include "base/log.h"
#include "edge/fleet.h"
#include "edge/tls_files.h"
#include "ipc/shared_memory.h"

namespace roundhouse::edge {

Result<void> Fleet::seal_tls(InForce& made) {
  ipc::TlsMaterial all = TRY(read_tls_files(made.configuration));
  if (all.listeners.empty() && all.upstreams.empty()) return {};
  if (!tickets_) {
    tickets_ = new_ticket_keys();
    tickets_since_ = loop_.now();
  }
  TRY_VOID(seal_parts(all, made));
  if (!in_force_ || !in_force_->tls_certificates) return {};
  const std::string before = TRY(ipc::read_sealed_file(in_force_->tls_certificates.get()));
  made.renews_certificates = TRY(ipc::read_sealed_file(made.tls_certificates.get())) != before;
  return {};
}

// REQUIRES: what was there before is given to nobody any more (hand_out_tls).
Result<void> Fleet::seal_parts(ipc::TlsMaterial& all, InForce& made) {
  UniqueFd files = TRY(ipc::seal(all));
  UniqueFd certificates = TRY(ipc::seal(part_for_all(all)));
  all.tickets = *tickets_;
  std::map<std::string, UniqueFd> parts;
  for (const config::Pool& pool : made.configuration.pools) {
    const ipc::TlsMaterial part = part_for_pool(all, made.configuration, pool.name);
    if (!part.listeners.empty() || !part.upstreams.empty())
      parts.emplace(pool.name, TRY(ipc::seal(part)));
  }
  made.tls_files = std::move(files);
  made.tls_certificates = std::move(certificates);
  made.tls = std::move(parts);
  made.tls_number = ++tls_number_;
  return {};
}

Result<std::vector<CertificatePlace>> Fleet::renew_certificates(const CertificateReport& report,
                                                                int material) {
  const ipc::TlsMaterial before = TRY(ipc::open_tls_material(in_force_->tls_files.get()));
  ipc::TlsMaterial all = TRY(ipc::open_tls_material(material));
  keep_refused(report, before, all);
  std::vector<CertificatePlace> changed = changed_places(before, all);
  if (changed.empty()) return changed;
  TRY_VOID(seal_parts(all, *in_force_));
  hand_out_tls();
  return changed;
}

// To workers that run, with the ticket keys of now.
void Fleet::hand_out_tls() {
  if (!in_force_->tls.empty()) in_force_->tls_number = ++tls_number_;
  for (auto& [name, fd] : in_force_->tls) {
    auto material = ipc::open_tls_material(fd.get());
    if (material && material->tickets != *tickets_) {
      material->tickets = *tickets_;
      if (auto sealed = ipc::seal(*material)) {
        if (Pool* const pool = find_pool(name)) pool->set_certificates(sealed->get(), tls_number_);
        fd = *std::move(sealed);
        continue;
      }
    }
    if (Pool* const pool = find_pool(name)) pool->set_certificates(fd.get(), tls_number_);
  }
}

std::size_t Fleet::workers_owing_certificates() const {
  std::size_t owing = 0;
  for (const auto& pool : pools_) owing += pool->certificates().owing();
  return owing;
}

std::string Fleet::certificate_refusals() const {
  std::string text;
  for (const auto& pool : pools_) {
    const CertificateLedger& ledger = pool->certificates();
    if (ledger.refusing() == 0) continue;
    const std::size_t count = ledger.refusing();
    text += (text.empty() ? "" : "\n") + ("pool " + pool->options().name) + ": " +
            std::to_string(count) + (count == 1 ? " worker" : " workers") +
            " cannot use the certificates; those before go on: " + ledger.refusal();
  }
  return text;
}

void Fleet::rotate_tickets(Time now) {
  if (!tickets_ || now - tickets_since_ < kTicketKeyLife) return;
  tickets_since_ = now;
  rotate(*tickets_);
  hand_out_tls();
  log::debug("tls_tickets_rotated", "session tickets are sealed with the next key");
}

}  // namespace roundhouse::edge
