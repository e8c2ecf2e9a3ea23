#include "worker/tls_contexts.h"

#include <sys/prctl.h>

#include <utility>

namespace roundhouse::worker {
namespace {

TlsSetting::Clients clients_of(const config::Tls& tls) {
  switch (tls.client_auth) {
    case config::ClientAuth::kOff:
      return TlsSetting::Clients::kNotAsked;
    case config::ClientAuth::kOptional:
      return TlsSetting::Clients::kMayShow;
    case config::ClientAuth::kRequired:
      return TlsSetting::Clients::kMustShow;
  }
  return TlsSetting::Clients::kMustShow;
}

Result<std::unique_ptr<TlsContext>> make_context(const config::Listener& listener,
                                                 const ipc::TlsMaterial::Listener& material,
                                                 const TlsTicketKeys& tickets) {
  TlsSetting setting{.name = listener.name,
                     .certificates = {},
                     .tls13_only = listener.tls.min_version == config::TlsVersion::k13,
                     .ciphers = listener.tls.ciphers,
                     .alpn = listener.tls.alpn,
                     .clients = clients_of(listener.tls),
                     .client_ca = material.client_ca,
                     .tickets = tickets};
  for (const ipc::TlsMaterial::Certificate& files : material.certificates)
    setting.certificates.push_back({.cert = files.cert, .key = files.key});
  auto context = TlsContext::create(setting);
  if (!context)
    context.error().message = "listener " + listener.name + ": " + context.error().message;
  return context;
}

}  // namespace

Result<TlsContexts> TlsContexts::create(const config::Configuration& configuration,
                                        UniqueFd material) {
  TlsContexts contexts;
  if (!material) return contexts;
  ::prctl(PR_SET_DUMPABLE, 0);
  TRY_VOID(contexts.replace(configuration, std::move(material)));
  return contexts;
}

Result<void> TlsContexts::replace(const config::Configuration& configuration, UniqueFd material) {
  const ipc::TlsMaterial given = TRY(ipc::open_tls_material(material.get()));
  std::vector<std::unique_ptr<TlsContext>> contexts(configuration.listeners.size());
  for (const ipc::TlsMaterial::Listener& listener : given.listeners) {
    if (listener.index >= contexts.size() || !configuration.listeners[listener.index].tls.on())
      continue;  // of a configuration that is newer than this worker
    contexts[listener.index] =
        TRY(make_context(configuration.listeners[listener.index], listener, given.tickets));
  }
  upstream::TlsContexts upstreams = TRY(upstream::make_tls_contexts(configuration, given));
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (contexts[i] == nullptr && i < contexts_.size()) contexts[i] = std::move(contexts_[i]);
  }
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    if (upstreams[i] == nullptr && i < upstreams_.size()) upstreams[i] = std::move(upstreams_[i]);
  }
  contexts_ = std::move(contexts);
  upstreams_ = std::move(upstreams);
  return {};
}

}  // namespace roundhouse::worker
