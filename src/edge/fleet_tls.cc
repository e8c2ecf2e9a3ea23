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
  all.tickets = *tickets_;
  for (const config::Pool& pool : made.configuration.pools) {
    const ipc::TlsMaterial part = part_for_pool(all, made.configuration, pool.name);
    if (!part.listeners.empty() || !part.upstreams.empty())
      made.tls.emplace(pool.name, TRY(ipc::seal(part)));
  }
  made.tls_certificates = TRY(ipc::seal(part_for_all(all)));
  if (!in_force_ || !in_force_->tls_certificates) return {};
  const std::string before = TRY(ipc::read_sealed_file(in_force_->tls_certificates.get()));
  made.renews_certificates = TRY(ipc::read_sealed_file(made.tls_certificates.get())) != before;
  return {};
}

// To workers that run, with the ticket keys of now.
void Fleet::hand_out_tls() {
  for (auto& [name, fd] : in_force_->tls) {
    auto material = ipc::open_tls_material(fd.get());
    if (material && material->tickets != *tickets_) {
      material->tickets = *tickets_;
      if (auto sealed = ipc::seal(*material)) {
        if (Pool* const pool = find_pool(name))
          pool->set_file(ipc::MessageType::kTlsMaterial, sealed->get());
        fd = *std::move(sealed);
        continue;
      }
    }
    if (Pool* const pool = find_pool(name))
      pool->set_file(ipc::MessageType::kTlsMaterial, fd.get());
  }
}

void Fleet::rotate_tickets(Time now) {
  if (!tickets_ || now - tickets_since_ < kTicketKeyLife) return;
  tickets_since_ = now;
  rotate(*tickets_);
  hand_out_tls();
  log::debug("tls_tickets_rotated", "session tickets are sealed with the next key");
}

}  // namespace roundhouse::edge
