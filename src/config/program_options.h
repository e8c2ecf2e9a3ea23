// What an operator can set for pools of programs.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace roundhouse::config {

// hello, proxy: built in. native: a program that speaks the native protocol on the descriptors it
// inherits. node: an unmodified Node program, which is told what Node's own cluster primary would
// tell it. listen_fds: one that gets its listening sockets by systemd's convention. port: one that
// listens by itself, on an address of ours. auto: which of these, its command says; as loaded
// never.
enum class PoolType : std::uint8_t { kHello, kProxy, kNative, kAuto, kNode, kListenFds, kPort };

// A program, not one of our built-in workers.
constexpr bool is_program(PoolType type) {
  return type != PoolType::kHello && type != PoolType::kProxy;
}
// A program that knows nothing of us: no channel, no slot, no heartbeat.
constexpr bool is_foreign(PoolType type) {
  return type == PoolType::kListenFds || type == PoolType::kPort;
}
// Whether its workers can be the endpoints of an upstream.
constexpr bool can_be_proxied(PoolType type) { return is_foreign(type) || type == PoolType::kNode; }
// What the private sockets of workers are called where listeners have their names: LISTEN_FDNAMES,
// `pools.NAME.listen`.
inline constexpr std::string_view kPrivateSockets = "private";

// How the connections of a listener get to a program: to it, or by built-in workers that forward
// each request. auto: the former where nothing asks for the latter; as loaded never.
enum class Via : std::uint8_t { kAuto, kDirect, kProxy };

// What the private listening socket of a proxied worker is. auto: a path for listen_fds and node, a
// port for port; as loaded never.
enum class PrivateSocket : std::uint8_t { kAuto, kUnix, kTcp };

// By what a foreign program is known to be ready: READY=1 on $NOTIFY_SOCKET, a connection to it, an
// answer to a GET, having lived for a while. auto: http where there is a path, else listen_fds
// notifies or settles, and port is connected to.
enum class ReadyBy : std::uint8_t { kAuto, kNotify, kConnect, kHttp, kSettle };

enum class StopSignal : std::uint8_t { kTerm, kInt, kQuit, kHup, kUsr1, kUsr2, kWinch };
int number_of(StopSignal signal);

// What is done with the lines that a program prints.
enum class Output : std::uint8_t { kPass, kPrefix };

std::string_view to_string(PoolType type);
std::string_view to_string(PrivateSocket socket);

}  // namespace roundhouse::config
