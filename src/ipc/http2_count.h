// What is counted of HTTP/2 connections from clients: the closed list that workers count and
// metrics show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace roundhouse::ipc {

enum class Http2Count : std::uint8_t {
  kConnections,
  kStreams,
  kClientResets,
  kServerResets,
  kConnectionErrors,  // of the protocol, or of what TLS or TCP made of it
  kFloods,            // the first of kHttp2Floods
};

// What a client sent too much of, in the order of http::Http2Flood.
inline constexpr std::string_view kHttp2Floods[] = {
    "resets", "pings", "settings", "empty_frames", "window_updates", "priorities", "continuations"};
inline constexpr std::size_t kHttp2Counts =
    static_cast<std::size_t>(Http2Count::kFloods) + std::size(kHttp2Floods);

}  // namespace roundhouse::ipc
