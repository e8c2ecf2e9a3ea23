#include "proxy/http2_answer.h"

#include "base/check.h"
#include "http/http2_fields.h"

namespace roundhouse::proxy {

void Http2Answer::start(StreamOutlet& outlet, http::Http2Stream& stream,
                        const http::Request& request, std::string_view date_line) {
  clear(date_line);
  outlet_ = &outlet;
  stream_ = &stream;
  of_head_ = request.method == http::Method::kHead;
  rest_.clear();
  ended_ = false;
}

std::span<const http::Field> Http2Answer::fields() const {
  std::vector<http::Field>& fields = outlet_->head_space().fields;
  http::split_head(head_.text(), fields);
  return fields;
}

bool Http2Answer::end_interim() {
  if (!head_.end().ok()) return false;
  outlet_->codec().answer(*stream_, status_, fields(), false);
  return true;
}

bool Http2Answer::send_head() {
  if (length_.framing == http::Framing::kLength && !never_has_a_body(status_))
    head_.field("Content-Length", length_.bytes);
  if (!head_.end().ok()) return false;
  ended_ = bodiless_ || length_.framing == http::Framing::kNone;
  outlet_->codec().answer(*stream_, status_, fields(), ended_);
  return true;
}

std::size_t Http2Answer::write_from(Pipe& /*pipe*/) { CHECK(false); }

std::size_t Http2Answer::write_body(std::string_view data) {
  const bool last =
      length_.framing == http::Framing::kLength && data.size() == left_ && !expects_trailers_;
  const auto written = outlet_->write(*stream_, data, last);
  ended_ = written.ended;
  return written.taken;
}

bool Http2Answer::end_body(const http::FieldTable* trailers) {
  if (ended_ || !rest_.empty()) return true;
  std::vector<http::Field>& fields = outlet_->head_space().fields;
  fields.clear();
  for (std::size_t i = 0; trailers != nullptr && i < trailers->size(); ++i)
    fields.push_back((*trailers)[i]);
  outlet_->codec().end(*stream_, fields);
  ended_ = true;
  return true;
}

void Http2Answer::write_whole(std::string_view body) {
  if (bodiless_ || body.empty()) {
    write(body);
    return;
  }
  rest_.assign(body.substr(write_body(body)));
  body_bytes_ = body.size();
  left_ = 0;
}

void Http2Answer::flush_rest() {
  const auto written = outlet_->write(*stream_, rest_, true);
  rest_.erase(0, written.taken);
  ended_ = written.ended;
}

}  // namespace roundhouse::proxy
