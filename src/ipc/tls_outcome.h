// What became of TLS handshakes: the closed list that workers count and metrics show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace roundhouse::ipc {

enum class TlsOutcome : std::uint8_t {
  k12Full,
  k12Resumed,
  k13Full,
  k13Resumed,
  kFailed,       // no TLS, or nothing in common
  kCertificate,  // the client's was missing or not good
  kPlainHttp,    // HTTP without TLS
  kTimeout,
  kGone,  // the client left
};

struct TlsOutcomeLabels {
  std::string_view version;  // "none" where there was no handshake
  std::string_view result;
};
inline constexpr TlsOutcomeLabels kTlsOutcomes[] = {
    {"1.2", "full"},        {"1.2", "resumed"},  {"1.3", "full"},
    {"1.3", "resumed"},     {"none", "failed"},  {"none", "client_certificate"},
    {"none", "plain_http"}, {"none", "timeout"}, {"none", "gone"},
};
inline constexpr std::size_t kTlsOutcomeCount = std::size(kTlsOutcomes);
static_assert(kTlsOutcomeCount == static_cast<std::size_t>(TlsOutcome::kGone) + 1);

// The same of those to upstreams.
enum class UpstreamTlsOutcome : std::uint8_t {
  kFull,
  kResumed,
  kCertificate,  // the server's does not hold
  kFailed,       // no TLS, nothing in common, or it refused us
  kTimeout,
  kGone,  // it closed the connection
};
inline constexpr std::string_view kUpstreamTlsResults[] = {"full",   "resumed", "certificate",
                                                           "failed", "timeout", "gone"};
inline constexpr std::size_t kUpstreamTlsOutcomes = std::size(kUpstreamTlsResults);
static_assert(kUpstreamTlsOutcomes == static_cast<std::size_t>(UpstreamTlsOutcome::kGone) + 1);

}  // namespace roundhouse::ipc
