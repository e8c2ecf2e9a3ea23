#include "proxy/answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace roundhouse::proxy {
namespace {

// Of each chunk; and what the end of a body without trailers needs, always kept free.
constexpr std::size_t kChunkFrame = http::kChunkLineBytesMax + http::kChunkEnd.size();
constexpr std::size_t kEndReserve = http::kLastChunkWithoutTrailers.size();
// What interim answers leave for the final one.
constexpr std::size_t kInterimReserve = 8192;
// From here on a copy into the buffer costs more than a second piece to send.
constexpr std::size_t kSentDirectlyMin = 8192;

bool never_has_a_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

void Answer::start(Buffer& out, Outlet& outlet, const http::Request& request, bool close,
                   std::string_view date_line) {
  start(out, outlet, date_line);
  close_ = close;
  of_head_ = request.method == http::Method::kHead;
  http10_ = request.version == http::Version::kHttp10;
}

void Answer::start(Buffer& out, Outlet& outlet, std::string_view date_line) {
  out_ = &out;
  outlet_ = &outlet;
  chunk_left_ = 0;
  date_line_ = date_line;
  close_ = true;
  of_head_ = http10_ = begun_ = bodiless_ = done_ = starved_ = false;
  body_bytes_ = 0;
}

http::HeadWriter& Answer::begin_head(int status) {
  CHECK(!begun_);
  status_ = status;
  head_ = http::HeadWriter(out_->room());
  return head_.status_line(status);
}

http::HeadWriter& Answer::begin(int status) { return begin_head(status).trusted_lines(date_line_); }

http::HeadWriter& Answer::begin_forwarded(int status) { return begin_head(status); }

http::HeadWriter& Answer::begin_interim(int status) {
  CHECK(status >= 100 && status < 200 && status != 101);
  return begin_head(status);
}

bool Answer::end_interim() {
  if (http10_ || !head_.end().ok() || head_.size() + kInterimReserve > out_->room_size())
    return false;
  out_->filled(head_.size());
  return true;
}

bool Answer::begin_tunnel() {
  CHECK(!begun_ && status_ == 101);
  head_.end();
  if (!head_.ok()) return false;
  out_->filled(head_.size());
  begun_ = close_ = true;
  bodiless_ = false;
  length_ = {http::Framing::kUntilClose, 0};
  left_ = 0;
  return true;
}

void Answer::write_framing(http::BodyLength length) {
  using http::Framing;
  length_ = length;
  left_ = length.framing == Framing::kLength ? length.bytes : 0;
  bodiless_ = of_head_ || never_has_a_body(status_);
  if (length.framing == Framing::kChunked && http10_) {
    length_.framing = Framing::kUntilClose;
    close_ = true;
  }
  if (!never_has_a_body(status_)) {
    if (length_.framing == Framing::kChunked) head_.trusted_lines("Transfer-Encoding: chunked\r\n");
    if (length_.framing == Framing::kLength) head_.field("Content-Length", length.bytes);
    if (length_.framing == Framing::kNone) head_.trusted_lines("Content-Length: 0\r\n");
  }
  if (close_) head_.trusted_lines("Connection: close\r\n");
  if (!close_ && http10_) head_.trusted_lines("Connection: keep-alive\r\n");
  head_.end();
}

bool Answer::begin_body(http::BodyLength length) {
  CHECK(!begun_ && (length.framing != http::Framing::kUntilClose || of_head_));
  const bool close = close_;
  write_framing(length);
  if (!head_.ok()) {
    close_ = close;
    return false;
  }
  out_->filled(head_.size());
  begun_ = true;
  return true;
}

std::size_t Answer::body_room() const {
  const std::size_t room = out_->room_size();
  const std::size_t frame = length_.framing == http::Framing::kChunked ? kChunkFrame : 0;
  return room > frame + kEndReserve ? room - frame - kEndReserve : 0;
}

bool Answer::has_room(std::size_t bytes) {
  const bool has = bodiless_ || body_room() >= bytes;
  if (!has) starved_ = true;
  return has;
}

// Into the buffer, which has this much room, or past it.
std::size_t Answer::write_now(std::string_view data, std::size_t room) {
  if (data.size() >= kSentDirectlyMin) return outlet_->send_with(data);
  const std::string_view taken = data.substr(0, room);
  out_->append(taken);
  return taken.size();
}

std::size_t Answer::write_chunk(std::string_view data) {
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

std::size_t Answer::write(std::string_view data) {
  CHECK(begun_ && !done_);
  if (length_.framing == http::Framing::kLength) CHECK(data.size() <= left_);
  std::size_t taken = data.size();
  if (!bodiless_ && taken > 0) {
    taken = length_.framing == http::Framing::kChunked ? write_chunk(data)
                                                       : write_now(data, body_room());
    if (taken < data.size()) starved_ = true;
    body_bytes_ += taken;
  }
  if (length_.framing == http::Framing::kLength) left_ -= taken;
  return taken;
}

bool Answer::goes_as_it_is() const {
  return begun_ && !bodiless_ && length_.framing == http::Framing::kLength;
}

std::size_t Answer::write_from(Pipe& pipe) {
  CHECK(goes_as_it_is() && pipe.size() <= left_);
  const std::size_t taken = outlet_->send_from(pipe);
  if (!pipe.empty()) starved_ = true;
  body_bytes_ += taken;
  left_ -= taken;
  return taken;
}

bool Answer::end(const http::FieldTable* trailers) {
  CHECK(begun_ && !done_ && chunk_left_ == 0 && (left_ == 0 || bodiless_));
  if (length_.framing == http::Framing::kChunked && !bodiless_) {
    http::HeadWriter writer(out_->room());
    writer.trusted_lines(http::kLastChunkLine);
    for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i)
      writer.field((*trailers)[i].name, (*trailers)[i].value);
    writer.end();
    if (!writer.ok()) {
      starved_ = true;
      return false;
    }
    out_->filled(writer.size());
  }
  done_ = true;
  return true;
}

bool Answer::respond(int status, std::string_view lines, std::string_view body) {
  CHECK(body.size() <= kWholeBodyMax);
  begin(status).trusted_lines(lines);
  const auto framing = body.empty() ? http::Framing::kNone : http::Framing::kLength;
  // A head that fits without its body would leave half an answer.
  if (out_->room_size() < head_.size() + body.size() + kWholeBodyMax) return false;
  if (!begin_body({framing, body.size()})) return false;
  write(body);
  return end();
}

}  // namespace roundhouse::proxy
