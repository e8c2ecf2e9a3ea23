#include "cluster/http_reply.h"

#include <algorithm>

#include "cluster/runtime.h"

namespace roundhouse::membership {
namespace {

namespace codec = ::roundhouse::http;

// More than this waits for a client: write() says so.
constexpr std::size_t kMuch = std::size_t{64} * 1024;
constexpr int kInternalError = 500;

// The server's own to say.
bool is_reserved(std::string_view name) {
  static constexpr std::string_view kReserved[] = {"Connection", "Content-Length", "Date",
                                                   "Transfer-Encoding"};
  return std::ranges::any_of(kReserved, [name](std::string_view reserved) {
    return codec::equals_ignoring_case(name, reserved);
  });
}

// A request whose body is still coming, or whose answer is.
class HttpExchange final : public proxy::Exchange {
 public:
  HttpExchange(proxy::Client& client, std::shared_ptr<HttpReply> reply,
               std::shared_ptr<const cluster::http::Handler> handler)
      : client_(client), reply_(std::move(reply)), handler_(std::move(handler)) {}
  ~HttpExchange() override { reply_->client_gone(); }

  std::size_t on_body(std::string_view data) override {
    body_.append(data);
    return data.size();
  }
  bool on_body_end(const codec::FieldTable& /*trailers*/) override {
    if (handler_ == nullptr) return true;
    const auto handler = std::exchange(handler_, nullptr);
    const HttpQuestion question(client_, body_);
    reply_->enter();
    call_out(*handler, cluster::http::Request(question), cluster::http::Response(reply_));
    reply_->leave();
    std::string().swap(body_);
    return true;
  }
  void on_room() override {
    reply_->enter();
    reply_->on_room();
    reply_->leave();
  }

 private:
  proxy::Client& client_;
  std::shared_ptr<HttpReply> reply_;
  std::shared_ptr<const cluster::http::Handler> handler_;  // until it has been asked
  std::string body_;
};

}  // namespace

std::string_view HttpQuestion::peer() const {
  if (peer_.empty()) peer_ = peer_text(client_.connection());
  return peer_;
}

std::unique_ptr<proxy::Exchange> answer_by(
    proxy::Client& client, const std::shared_ptr<const cluster::http::Handler>& handler) {
  auto reply = std::make_shared<HttpReply>(client);
  if (client.request().body.framing != codec::Framing::kNone) {
    client.accept_body();
    return std::make_unique<HttpExchange>(client, std::move(reply), handler);
  }
  const HttpQuestion question(client, {});
  reply->enter();
  call_out(*handler, cluster::http::Request(question), cluster::http::Response(reply));
  reply->leave();
  if (!client.answer().done())
    return std::make_unique<HttpExchange>(client, std::move(reply), nullptr);
  reply->client_gone();
  return nullptr;
}

void HttpReply::set_status(int status) {
  if (!begun()) status_ = status >= 200 && status <= 599 ? status : kInternalError;
}

void HttpReply::add_field(std::string_view name, std::string_view value) {
  if (!begun() && !is_reserved(name)) fields_.emplace_back(name, value);
}

bool HttpReply::write(std::string_view piece) {
  if (is_over() || piece.empty()) return true;
  chunked_ = true;
  body_.append(piece);
  send();
  return body_.size() - sent_ < kMuch;
}

void HttpReply::end(std::string_view body) {
  if (is_over()) return;
  body_.append(body);
  ended_ = true;
  on_room_ = nullptr;
  send();
}

void HttpReply::abandon() {
  if (is_over()) return;
  if (chunked_) {
    ended_ = true;
    client_->abort();
    return;
  }
  respond_500();
}

void HttpReply::respond_500() {
  status_ = kInternalError;
  fields_.clear();
  body_ = "Internal Server Error\n";
  sent_ = 0;
  chunked_ = false;
  ended_ = true;
  send();
}

// The last thing that is done with the client outside a call of the session.
void HttpReply::send() {
  pump();
  if (!inside_ && client_ != nullptr) client_->resume();
}

void HttpReply::on_room() {
  pump();
  const bool empty = body_.size() == sent_;
  if (empty && on_room_) call_out(std::exchange(on_room_, nullptr));
}

bool HttpReply::begin(proxy::Answer& answer) {
  codec::HeadWriter& head = answer.begin(status_);
  for (const auto& [name, value] : fields_) head.field(name, value);
  codec::BodyLength length{};
  if (chunked_)
    length.framing = codec::Framing::kChunked;
  else if (!body_.empty())
    length = {codec::Framing::kLength, body_.size()};
  if (answer.begin_body(length)) return true;
  const bool refused = head.outcome() == codec::HeadWriter::Outcome::kRefused;
  if (status_ != kInternalError && (refused || waited_for_head_)) {
    const bool was_inside = std::exchange(inside_, true);
    respond_500();
    inside_ = was_inside;
    return false;
  }
  waited_for_head_ = true;
  answer.ask_for_room();
  return false;
}

// As far as there is room now.
bool HttpReply::pump() {
  if (client_ == nullptr || !begun()) return false;
  proxy::Answer& answer = client_->answer();
  if (answer.done()) return true;
  if (!answer.begun() && !begin(answer)) return answer.done();
  if (sent_ < body_.size()) sent_ += answer.write(std::string_view(body_).substr(sent_));
  if (sent_ < body_.size()) return false;
  body_.clear();
  sent_ = 0;
  return ended_ && answer.end();
}

}  // namespace roundhouse::membership
