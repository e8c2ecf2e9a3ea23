// What became of headers of the PROXY protocol: the closed list that workers count and metrics
// show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace roundhouse::ipc {

enum class ProxyHeaderOutcome : std::uint8_t {
  kAccepted,   // it told the client's address
  kLocal,      // it told none, and the peer's is kept
  kUntrusted,  // from who may not send one
  kMalformed,
  kTimeout,
  kGone,  // the peer left
};

inline constexpr std::string_view kProxyHeaderOutcomes[] = {"accepted",  "local",   "untrusted",
                                                            "malformed", "timeout", "gone"};
inline constexpr std::size_t kProxyHeaderOutcomeCount = std::size(kProxyHeaderOutcomes);
static_assert(kProxyHeaderOutcomeCount == static_cast<std::size_t>(ProxyHeaderOutcome::kGone) + 1);

}  // namespace roundhouse::ipc
