// What travels on a channel: trivially copyable structs, versioned by kProtocolVersion, sizes
// checked on arrival.
//
// Every message opens with a MessageHeader. An unknown type, a short message or a wrong number of
// descriptors is a breach of protocol: the receiver closes the channel (and the edge replaces the
// worker).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "base/address.h"
#include "base/clock.h"

namespace roundhouse::ipc {

inline constexpr std::uint32_t kProtocolVersion = 1;
// Of one message. The kernel takes 253; eight keep a message small and a take-back cheap.
inline constexpr std::size_t kMaxDescriptors = 8;

enum class MessageType : std::uint32_t {
  // edge -> worker
  kConnections = 1,  // ConnectionsMessage, `count` descriptors
  kNudge = 2,        // NudgeMessage: read me, so that I see you read again
  kDrain = 3,        // DrainMessage: finish what has begun, take nothing new, exit 0
  kAccessLog = 4,    // FileMessage, one descriptor; to built-in workers only, as is:
  kTlsMaterial = 5,  // FileMessage, one descriptor
  // worker -> edge
  kReady = 16,      // I serve: give me connections
  kDraining = 17,   // I stop by myself (a signal to me): give me nothing
  kRoom = 18,       // there is room again (answer to Slot::room_wanted)
  kReturn = 19,     // ConnectionsMessage, `count` descriptors: idle ones, for another worker; only
                    // from one that was asked to drain, and of the listeners in give_back
  kTlsAnswer = 20,  // TlsAnswerMessage: what became of a kTlsMaterial
  // edge -> monitor
  kSlots = 32,  // SlotsMessage, `count` descriptors
  // monitor -> edge
  kCommand = 48,  // CommandMessage
};

struct MessageHeader {
  MessageType type;
  std::uint32_t size;      // of the whole message, this header included
  std::uint64_t sequence;  // edge -> worker: 1, 2, 3, ... per channel; Slot::taken is the last one
                           // read. Else 0
};

// One accepted connection; its descriptor is at the same place in the message.
struct ConnectionInfo {
  std::uint64_t id;               // counts accepted connections of this edge, from 1
  std::int64_t accepted_ns;       // CLOCK_MONOTONIC; of a returned one, when it was
  std::uint32_t listener;         // index in the configuration
  std::uint32_t requests_served;  // on this connection, by those who had it before
  std::uint16_t peer_family;      // AF_INET, AF_INET6, AF_UNIX
  std::uint16_t peer_port;        // host byte order
  std::uint8_t peer_host[16];     // network byte order; 4 bytes of it for AF_INET
  std::uint32_t begun;            // 1: what precedes its first request (a header of the PROXY
                                  // protocol) was read, and the peer is whom that named
};

struct ConnectionsMessage {
  MessageHeader header;
  std::uint32_t count;
  std::uint32_t reserved;
  std::array<ConnectionInfo, kMaxDescriptors> connections;  // only `count` of them travel
};

struct NudgeMessage {
  MessageHeader header;
};

// Times are CLOCK_MONOTONIC.
struct DrainMessage {
  MessageHeader header;
  std::int64_t deadline_ns;        // after it the edge kills
  std::int64_t requests_until_ns;  // what is no tunnel ends by then, which may be sooner
  std::uint64_t give_back;         // bit i: idle connections of listener i are wanted back
};

// The same, as those who ask and who are asked have it.
struct DrainTerms {
  Time deadline{};
  Time requests_until{};
  std::uint64_t give_back = 0;

  bool wants_back(std::uint32_t listener) const {
    return listener < 64 && (give_back >> listener & 1) != 0;
  }
};
DrainMessage to_message(const DrainTerms& terms);
DrainTerms terms_of(const DrainMessage& message);

// kAccessLog: it goes on in the file that comes along. kTlsMaterial: what comes along is for the
// handshakes from now on (ipc/tls_material.h). Sequence 0.
struct FileMessage {
  MessageHeader header;
  std::uint64_t number;  // of these certificates, for the answer; else 0
};

// The certificates of this number are used from now on, or those before go on.
struct TlsAnswerMessage {
  MessageHeader header;
  std::uint64_t number;
  std::uint32_t accepted;  // 0 or 1
  std::uint32_t reserved;
  char reason[160];  // why not; cut
};

// Ready, Draining, Room: nothing but the header.
struct NoticeMessage {
  MessageHeader header;
};

// Slots of workers `first` .. `first + count - 1` (index over all pools, in configuration order).
struct SlotsMessage {
  MessageHeader header;
  std::uint32_t first;
  std::uint32_t count;
};

enum class Command : std::uint32_t {
  kStop = 1,
  kWorkerReady = 2,   // its process `pid` has answered the probe that it is ready by
  kWorkerNotYet = 3,  // that has failed, in another way than before
  kWorkerHangs = 4,   // its process `pid` has failed the probes that began at `since_ns` or later
  kReload = 5,        // read the configuration anew; as is, with a ticket of the operation ring:
  kRestart = 6,       // a worker of a pool, or with worker 0 all, or with kAllPools all of all
  kScale = 7,         // the pool to `number` workers
};
inline constexpr std::uint32_t kAllPools = ~0U;

// What ended a probe that was not answered well.
enum class ProbeEnd : std::uint32_t {
  kConnect = 1,  // no connection; detail: errno
  kSilence,      // no answer in time
  kReset,
  kClosed,   // ended without an answer
  kNotHttp,  // an answer of another protocol
  kStatus,   // detail: the status
};
struct ProbeFinding {
  ProbeEnd end;
  std::uint32_t detail;
  bool operator==(const ProbeFinding&) const = default;
};
// "no answer in time", "it answered 503". Any values may come.
std::string describe(const ProbeFinding& finding);

struct CommandMessage {
  MessageHeader header;
  Command command;
  std::uint32_t pool;    // index in the configuration; of all but kStop and kReload, as is:
  std::uint32_t worker;  // id
  std::int32_t pid;
  std::int64_t since_ns;        // CLOCK_MONOTONIC
  ProbeFinding last;            // the last probe's
  std::uint32_t configuration;  // whose indexes these are: BoardHeader::configuration
  std::uint32_t number;
  std::uint64_t ticket;
};

inline constexpr std::size_t kMaxMessageSize = sizeof(ConnectionsMessage);

// The bytes of a ConnectionsMessage that carries `count` connections.
constexpr std::size_t connections_message_size(std::size_t count) {
  return offsetof(ConnectionsMessage, connections) + count * sizeof(ConnectionInfo);
}

static_assert(sizeof(MessageHeader) == 16);
static_assert(sizeof(ConnectionInfo) == 48);
static_assert(std::is_trivially_copyable_v<ConnectionsMessage>);

void set_peer(ConnectionInfo& info, const Address& peer);
Address peer_of(const ConnectionInfo& info);

}  // namespace roundhouse::ipc
