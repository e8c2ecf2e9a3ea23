// One direction of a tunnel: bytes from one connection to another, as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "net/buffer.h"
#include "net/pipe.h"
#include "net/transport.h"

namespace roundhouse::proxy {

// What the flows of one worker share. Outlives them.
struct FlowHost {
  static constexpr std::size_t kScratch = 32 * std::size_t{1024};

  DescriptorAllowance* descriptors = nullptr;  // of pipes
  PipePool pipes = PipePool(descriptors);
  std::vector<char> scratch = std::vector<char>(kScratch);
};

// Reads only what the sink has room for: at most one piece is on its way. Small pieces are copied
// through the scratch of all, a read and a write each; a flow that moves much at a time goes
// through a pipe and is never seen here. It has a buffer or a pipe only while bytes are on their
// way.
//
// For sockets that are watched edge-triggered. Passive: told what is ready, then asked to advance.
class Flow {
 public:
  enum class Status : std::uint8_t {
    kWaits,   // for bytes, or for room
    kYields,  // it has had its share of this turn: to be called in the next
    kEnded,   // and the end was passed on
    kSourceFailed,
    kSinkFailed
  };
  static constexpr std::uint64_t kTurnBytesMax = 1024 * std::uint64_t{1024};

  explicit Flow(FlowHost& host) : host_(host) {}
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow();

  // `ending`: an end may lie behind the bytes, so that a short read does not mean that no more is
  // there. So it is at the start.
  void source_is_ready(bool ending) {
    readable_ = true;
    thorough_ = thorough_ || ending;
  }
  void sink_is_ready() { blocked_ = false; }

  Status advance(Transport& from, Transport& to);

  // How many bytes the sink has taken since this was asked last.
  std::uint64_t take_moved() { return std::exchange(moved_, 0); }
  // Whether it looks at its source when that is ready.
  bool reads() const { return !ended_ && !blocked_; }
  bool holds_bytes() const { return held_ != nullptr || pipe_ != nullptr; }

 private:
  std::optional<Status> copy(Transport& from, Transport& to);
  std::optional<Status> splice(Transport& from);
  std::optional<Status> deliver(Transport& to);
  std::string_view send(std::string_view bytes, Transport& to, std::optional<Status>& failure);
  std::optional<Status> stop_reading(Transport::Status why);
  void count(std::size_t bytes) {
    moved_ += bytes;
    turn_ += bytes;
  }
  void release_pipe();

  FlowHost& host_;
  std::unique_ptr<Buffer> held_;  // what the sink did not take
  std::unique_ptr<Pipe> pipe_;
  std::uint64_t moved_ = 0;
  std::uint64_t turn_ = 0;   // moved in this turn
  std::uint64_t burst_ = 0;  // spliced since nothing more was there
  std::uint32_t full_reads_ = 0;
  bool readable_ = true;
  bool thorough_ = true;  // reads until nothing is there
  bool blocked_ = false;  // the sink takes nothing
  bool ended_ = false;    // the source
  bool passed_ = false;   // its end
  bool splices_ = false;
  bool steady_ = true;  // the sink took the last pipe's content at once
  bool may_splice_ = true;
};

}  // namespace roundhouse::proxy
