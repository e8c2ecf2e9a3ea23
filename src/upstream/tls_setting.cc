#include "upstream/tls_setting.h"

#include <utility>

#include "config/upstream_tls.h"

namespace roundhouse::upstream {

Result<TlsContexts> make_tls_contexts(const config::Configuration& configuration,
                                      const ipc::TlsMaterial& material) {
  TlsContexts contexts(configuration.upstreams.size());
  for (const ipc::TlsMaterial::Upstream& given : material.upstreams) {
    if (given.index >= contexts.size()) continue;
    const config::Upstream& upstream = configuration.upstreams[given.index];
    if (!upstream.tls.enabled) continue;
    const bool has_key = !given.certificate.key.empty();  // the monitor has none
    auto context = TlsClientContext::create(
        {.verify = upstream.tls.verify,
         .ca = given.ca,
         .cert = has_key ? std::string_view(given.certificate.cert) : std::string_view(),
         .key = given.certificate.key,
         .tls13_only = upstream.tls.min_version == config::TlsVersion::k13,
         .ciphers = upstream.tls.ciphers,
         .alpn = config::protocols_offered(configuration, upstream)});
    if (!context)
      return fail("upstream " + upstream.name + ": " + context.error().message,
                  ExitCode::kConfiguration);
    contexts[given.index] = *std::move(context);
  }
  return contexts;
}

}  // namespace roundhouse::upstream
