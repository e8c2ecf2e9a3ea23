// Which route a request takes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "config/text_template.h"
#include "http/message.h"
#include "proxy/field_edits.h"

namespace roundhouse::proxy {

// One route, ready to be used: what it says as text is parsed, and names are indexes.
struct PreparedRoute {
  explicit PreparedRoute(const config::Route& route, const config::Configuration& configuration);

  const config::Route& config;
  std::optional<std::size_t> listener;  // index; none: any
  std::optional<std::size_t> upstream;  // index; none: it redirects or responds
  config::TextTemplate redirect;
  FieldEdits request_edits;
  FieldEdits response_edits;
};

class Router {
 public:
  struct Question {
    const http::Request& request;
    std::string_view path;  // in normal form (http/path.h); empty: the target has none
    std::size_t listener;
  };

  // `configuration` is checked, and must outlive this.
  explicit Router(const config::Configuration& configuration);

  // The index of the first route that matches; nothing if none does.
  std::optional<std::size_t> find(const Question& question) const;
  const PreparedRoute& route(std::size_t index) const { return routes_[index]; }

 private:
  std::vector<PreparedRoute> routes_;
};

// The host of "host:port" or "[v6]:port", without the port and without a dot at its end.
std::string_view host_of(std::string_view authority);

// What becomes of the normal form of a path: `strip` is taken from its front if it is that, whole
// segments only, then `add` is put there.
std::string rewritten(std::string_view path, std::string_view strip, std::string_view add);

}  // namespace roundhouse::proxy
