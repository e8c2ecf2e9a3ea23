#include "upstream/http2_output.h"

#include <algorithm>
#include <utility>

namespace roundhouse::upstream {
namespace {

// Four of the largest frames that everybody takes (RFC 9113 4.2), and some small ones.
constexpr std::size_t kCapacity = 4 * (16384 + 9) + 2048;
// Below this a piece of data is not worth a frame: what is there is sent first.
constexpr std::size_t kRoomMin = 1024;
constexpr std::size_t kFreeMax = 64;

}  // namespace

std::unique_ptr<Buffer> Http2Output::Pool::acquire() {
  if (free_.empty()) return std::make_unique<Buffer>(kCapacity);
  std::unique_ptr<Buffer> buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void Http2Output::Pool::release(std::unique_ptr<Buffer> buffer) {
  if (free_.size() >= kFreeMax) return;
  buffer->clear();
  free_.push_back(std::move(buffer));
}

std::size_t Http2Output::room(const http::Http2Stream& stream) const {
  const bool full = buffer_ != nullptr && buffer_->room_size() < kRoomMin;
  return full ? 0 : codec_.window(stream);
}

http::Http2Codec::Written Http2Output::write(http::Http2Stream& stream, std::string_view data,
                                             bool ends) {
  http::Http2Codec::Written total{};
  while (!failed_) {
    if (buffer_ == nullptr) buffer_ = pool_.acquire();
    const auto written = codec_.write(stream, data.substr(total.taken), ends, buffer_->room());
    buffer_->filled(written.produced);
    total.taken += written.taken;
    total.produced += written.produced;
    total.ended = written.ended;
    if (total.taken == data.size() || codec_.window(stream) == 0) break;
    if (!send()) break;
  }
  return total;
}

// True: all of the buffer has gone.
bool Http2Output::send() {
  if (!writable_ || turn_left_ == 0 || buffer_ == nullptr || buffer_->empty()) return false;
  if (transport_.holds_unsent() && !flush_sealed()) return false;
  const Transport::Transfer out = transport_.write(buffer_->bytes());
  if (out.status == Transport::Status::kFailed) {
    failed_ = true;
    return false;
  }
  buffer_->drop(out.bytes);
  moved_ += out.bytes;
  turn_left_ -= std::min<std::uint64_t>(turn_left_, out.bytes);
  writable_ = buffer_->empty() && !transport_.holds_unsent();
  return writable_;
}

// What TLS has sealed already.
bool Http2Output::flush_sealed() {
  const Transport::Status status = transport_.flush();
  writable_ = status != Transport::Status::kWouldBlock;
  if (status == Transport::Status::kFailed) failed_ = true;
  return status == Transport::Status::kMoved;
}

bool Http2Output::flush() {
  if (!writable_ || failed_) return false;
  if (transport_.holds_unsent() && !flush_sealed()) return false;
  if (codec_.has_output()) {
    if (buffer_ == nullptr) buffer_ = pool_.acquire();
    buffer_->filled(codec_.produce(buffer_->room()));
  }
  return send();
}

bool Http2Output::empty() const {
  return (buffer_ == nullptr || buffer_->empty()) && !transport_.holds_unsent() &&
         !codec_.has_output();
}

bool Http2Output::blocked() const {
  return !writable_ && ((buffer_ != nullptr && !buffer_->empty()) || transport_.holds_unsent());
}

void Http2Output::rest() {
  if (buffer_ != nullptr && buffer_->empty()) pool_.release(std::move(buffer_));
}

}  // namespace roundhouse::upstream
