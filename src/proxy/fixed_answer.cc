#include "proxy/fixed_answer.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace roundhouse::proxy {
namespace {

// The rest of a body that did not fit at once.
class Rest final : public Exchange {
 public:
  Rest(Answer& answer, std::string_view rest) : answer_(answer), rest_(rest) {}

  void on_room() override {
    rest_.remove_prefix(answer_.write(rest_));
    if (rest_.empty()) answer_.end();
  }

 private:
  Answer& answer_;
  std::string_view rest_;
};

// What begins with two slashes would be read as another host; browsers take a backslash for one.
std::string one_slash(const std::string& location) {
  const std::size_t slashes = std::min(location.find_first_not_of("/\\"), location.size());
  return slashes < 2 ? location : "/" + location.substr(slashes);
}

bool begin(Client& client, const PreparedRoute& route, const RequestFacts& facts, int status,
           std::string_view body) {
  Answer& answer = client.answer();
  http::HeadWriter& head = answer.begin(status);
  if (!route.config.redirect.to.empty())
    head.field("Location", one_slash(filled_in(route.redirect, facts)));
  if (!body.empty() && !route.response_edits.drops("Content-Type"))
    head.field("Content-Type", "text/plain; charset=utf-8");
  route.response_edits.write(facts, head);
  const auto framing = body.empty() ? http::Framing::kNone : http::Framing::kLength;
  return answer.begin_body({framing, body.size()});
}

}  // namespace

std::optional<std::unique_ptr<Exchange>> answer_fixed(Client& client, const PreparedRoute& route,
                                                      const RequestFacts& facts) {
  const bool redirects = !route.config.redirect.to.empty();
  const std::uint32_t status =
      redirects ? route.config.redirect.status : route.config.respond.status;
  std::string_view body = redirects ? std::string_view() : route.config.respond.body;
  Answer& answer = client.answer();
  if (status == 204 || status == 304) body = {};
  if (!begin(client, route, facts, static_cast<int>(status), body)) return std::nullopt;
  body.remove_prefix(answer.write(body));
  if (body.empty()) {
    answer.end();
    return nullptr;
  }
  return std::make_unique<Rest>(answer, body);
}

}  // namespace roundhouse::proxy
