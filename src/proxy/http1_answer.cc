#include "proxy/http1_answer.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "http/http1_writer.h"

namespace roundhouse::proxy {
namespace {

// Of each chunk; and what the end of a body without trailers needs, always kept free.
constexpr std::size_t kChunkFrame = http::kChunkLineBytesMax + http::kChunkEnd.size();
constexpr std::size_t kEndReserve = http::kLastChunkWithoutTrailers.size();
// What interim answers leave for the final one.
constexpr std::size_t kInterimReserve = 8192;
// From here on a copy into the buffer costs more than a second piece to send.
constexpr std::size_t kSentDirectlyMin = 8192;

}  // namespace

void Http1Answer::start(Buffer& out, Outlet& outlet, const http::Request& request, bool close,
                        std::string_view date_line) {
  start(out, outlet, date_line);
  close_ = close;
  of_head_ = request.method == http::Method::kHead;
  http10_ = request.version == http::Version::kHttp10;
}

void Http1Answer::start(Buffer& out, Outlet& outlet, std::string_view date_line) {
  clear(date_line);
  out_ = &out;
  outlet_ = &outlet;
  chunk_left_ = 0;
  http10_ = false;
}

bool Http1Answer::end_interim() {
  if (http10_ || !head_.end().ok() || head_.size() + kInterimReserve > out_->room_size())
    return false;
  out_->filled(head_.size());
  return true;
}

bool Http1Answer::send_tunnel_head() {
  if (!head_.end().ok()) return false;
  out_->filled(head_.size());
  return true;
}

void Http1Answer::write_framing() {
  using http::Framing;
  if (length_.framing == Framing::kChunked && http10_) {
    length_.framing = Framing::kUntilClose;
    close_ = true;
  }
  if (!never_has_a_body(status_)) {
    if (length_.framing == Framing::kChunked) head_.trusted_lines("Transfer-Encoding: chunked\r\n");
    if (length_.framing == Framing::kLength) head_.field("Content-Length", length_.bytes);
    if (length_.framing == Framing::kNone) head_.trusted_lines("Content-Length: 0\r\n");
  }
  if (close_) head_.trusted_lines("Connection: close\r\n");
  if (!close_ && http10_) head_.trusted_lines("Connection: keep-alive\r\n");
}

bool Http1Answer::send_head() {
  write_framing();
  if (!head_.end().ok()) return false;
  out_->filled(head_.size());
  return true;
}

std::size_t Http1Answer::body_room() const {
  const std::size_t room = out_->room_size();
  const std::size_t frame = length_.framing == http::Framing::kChunked ? kChunkFrame : 0;
  return room > frame + kEndReserve ? room - frame - kEndReserve : 0;
}

bool Http1Answer::has_room_for_whole(std::size_t body) const {
  return out_->room_size() >= head_.size() + body + kWholeBodyMax;
}

// Into the buffer, which has this much room, or past it.
std::size_t Http1Answer::write_now(std::string_view data, std::size_t room) {
  if (data.size() >= kSentDirectlyMin) return outlet_->send_with(data);
  const std::string_view taken = data.substr(0, room);
  out_->append(taken);
  return taken.size();
}

std::size_t Http1Answer::write_chunk(std::string_view data) {
  const std::size_t room = body_room();
  if (chunk_left_ == 0) {
    if (room == 0) return 0;
    chunk_left_ = data.size() >= kSentDirectlyMin ? data.size() : std::min(data.size(), room);
    std::array<char, http::kChunkLineBytesMax> line;
    out_->append({line.data(), http::write_chunk_line(line, chunk_left_)});
  }
  const std::size_t taken = write_now(data.substr(0, chunk_left_), room);
  chunk_left_ -= taken;
  if (chunk_left_ == 0) out_->append(http::kChunkEnd);
  return taken;
}

std::size_t Http1Answer::write_body(std::string_view data) {
  return length_.framing == http::Framing::kChunked ? write_chunk(data)
                                                    : write_now(data, body_room());
}

bool Http1Answer::goes_as_it_is() const {
  return begun_ && !bodiless_ && length_.framing == http::Framing::kLength;
}

std::size_t Http1Answer::write_from(Pipe& pipe) {
  CHECK(goes_as_it_is() && pipe.size() <= left_);
  const std::size_t taken = outlet_->send_from(pipe);
  if (!pipe.empty()) starved_ = true;
  body_bytes_ += taken;
  left_ -= taken;
  return taken;
}

bool Http1Answer::end_body(const http::FieldTable* trailers) {
  CHECK(chunk_left_ == 0);
  if (length_.framing != http::Framing::kChunked) return true;
  http::HeadWriter writer(out_->room());
  writer.trusted_lines(http::kLastChunkLine);
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i)
    writer.field((*trailers)[i].name, (*trailers)[i].value);
  if (!writer.end().ok()) return false;
  out_->filled(writer.size());
  return true;
}

}  // namespace roundhouse::proxy
